"""``email_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import HOST_PORT, HostPort
from amfast.config.globals import global_of
from amfast.config.headers import canonical
from amfast.config.holders import BlockOf, MapOf, Pairs, ValueBlockOf
from amfast.config.kinds import BOOL, BOOL_OR_UNSET, HTML_TEMPLATE, PATH, SECRET, TEMPLATE, TEXT, Secret
from amfast.config.receivers.common import Integration, default, inherited, needed
from amfast.config.schema import Block, Place, key
from amfast.config.tls import TlsConfig

_THREADED: Final = ("none", "daily")


@dataclass(frozen=True, slots=True)
class Threading(Block):
    """Whether a mail program shows the mails of a group as one conversation."""

    enabled: bool = key(BOOL, False, "Whether it does.")
    thread_by_date: str = key(TEXT, "", "`daily` for one conversation a day, `none` for one in all.")


@dataclass(frozen=True, slots=True)
class EmailConfig(Integration):
    """Sends a mail through a mail server."""

    kind: ClassVar[str] = "email"

    send_resolved: bool = key(BOOL, False, "Whether it is told when alerts have ended.", shown=True)
    to: str = key(TEMPLATE, "", "Who gets the mail.", required=True)
    sender: str = key(TEMPLATE, "", "Who it is from; if unset, `global.smtp_from`.", name="from")
    hello: str = key(TEXT, "", "Name with which this host greets; if unset, `global.smtp_hello`.")
    smarthost: HostPort | None = key(HOST_PORT, None, "Mail server; if unset, `global.smtp_smarthost`.")
    auth_username: str = key(TEXT, "", "User; if unset, `global.smtp_auth_username`.")
    auth_password: Secret | None = key(SECRET, None, "Password; without it and its file, the global ones.")
    auth_password_file: str = key(PATH, "", "File with the password; goes before the password.")
    auth_secret: Secret | None = key(
        SECRET, None, "CRAM-MD5 secret; without it and its file, the global ones."
    )
    auth_secret_file: str = key(PATH, "", "File with the secret; goes before the secret.")
    auth_identity: str = key(TEXT, "", "Identity; if unset, `global.smtp_auth_identity`.")
    headers: Pairs = key(MapOf(TEMPLATE), (), "More headers, or other ones.")
    html: str = key(HTML_TEMPLATE, default("email.default.html"), "HTML part of the mail.")
    text: str = key(TEMPLATE, "", "Text part of the mail.")
    require_tls: bool | None = key(
        BOOL_OR_UNSET, None, "STARTTLS or no mail; if unset, `global.smtp_require_tls`."
    )
    tls_config: TlsConfig | None = key(
        BlockOf(lambda: TlsConfig), None, "TLS; if unset, `global.smtp_tls_config`."
    )
    force_implicit_tls: bool | None = key(
        BOOL_OR_UNSET, None, "Begin with TLS; if unset, `global.smtp_force_implicit_tls`."
    )
    threading: Threading = key(ValueBlockOf(lambda: Threading), Threading(), "Conversations.")

    def checked(self, place: Place) -> EmailConfig:
        common, config = global_of(place), self
        if not (self.auth_password or self.auth_password_file):
            config = replace(
                config,
                auth_password=common.smtp_auth_password,
                auth_password_file=common.smtp_auth_password_file,
            )
        if not (self.auth_secret or self.auth_secret_file):
            config = replace(
                config, auth_secret=common.smtp_auth_secret, auth_secret_file=common.smtp_auth_secret_file
            )
        return replace(
            config,
            sender=needed(place, self.sender, "smtp_from", "from") or "",
            hello=inherited(place, self.hello, "smtp_hello") or "",
            smarthost=needed(place, self.smarthost, "smtp_smarthost", "smarthost"),
            auth_username=inherited(place, self.auth_username, "smtp_auth_username") or "",
            auth_identity=inherited(place, self.auth_identity, "smtp_auth_identity") or "",
            headers=self._checked_headers(place),
            require_tls=common.smtp_require_tls if self.require_tls is None else self.require_tls,
            tls_config=self.tls_config or common.smtp_tls_config,
            force_implicit_tls=(
                common.smtp_force_implicit_tls if self.force_implicit_tls is None else self.force_implicit_tls
            ),
        )

    def _checked_headers(self, place: Place) -> Pairs:
        headers: dict[str, str] = {}
        for name, text in self.headers:
            if canonical(name) in headers:
                place.refuse(f"the header {canonical(name)} is there twice", "headers")
            headers[canonical(name)] = text
        if self.threading.enabled:
            for name in ("References", "In-Reply-To"):
                if name in headers:
                    place.refuse(f"threading sets the header {name} itself", "headers")
            if self.threading.thread_by_date not in _THREADED:
                place.refuse("needs thread_by_date, none or daily", "threading")
        return tuple(headers.items())
