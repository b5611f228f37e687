"""How HTTP requests are made: ``http_config`` and what is in it (reference config, section 10)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from amfast.config.addresses import PROXY_URL
from amfast.config.headers import HEADERS, Headers
from amfast.config.holders import FREE_MAP, TEXT_MAP, TEXTS, BlockOf, ListOf, MapOf, Pairs, ValueBlockOf
from amfast.config.kinds import BOOL, FILE, PATH, SECRET, TEXT, Secret
from amfast.config.schema import Block, Place, key, rows_of
from amfast.config.tls import TlsConfig
from amfast.config.url import Url

JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SIGNATURES: Final = ("", "RS256", "RS384", "RS512")

SecretLists = tuple[tuple[str, tuple["Secret | None", ...]], ...]
PROXY_HEADERS: Final = MapOf(ListOf(SECRET))


@dataclass(frozen=True, slots=True)
class BasicAuth(Block):
    """A name and a password, sent with every request."""

    username: str = key(TEXT, "", "The name.", excludes=("username_file", "username_ref"))
    username_file: str = key(FILE, "", "File with the name.", excludes=("username_ref",))
    username_ref: str = key(TEXT, "", "Name of the name in a secret manager, of which there is none.")
    password: Secret | None = key(SECRET, None, "The password.", excludes=("password_file", "password_ref"))
    password_file: str = key(FILE, "", "File with the password.", excludes=("password_ref",))
    password_ref: str = key(TEXT, "", "Name of the password in a secret manager, of which there is none.")


@dataclass(frozen=True, slots=True)
class Authorization(Block):
    """The ``Authorization`` header, for everything but a name and a password."""

    type: str = key(TEXT, "Bearer", "First word of the header.")
    credentials: Secret | None = key(
        SECRET, None, "The rest of the header.", excludes=("credentials_file", "credentials_ref")
    )
    credentials_file: str = key(FILE, "", "File with the rest of the header.", excludes=("credentials_ref",))
    credentials_ref: str = key(TEXT, "", "Name of the rest in a secret manager, of which there is none.")

    def checked(self, place: Place) -> Authorization:
        kind = self.type.strip()
        if kind.lower() == "basic":
            place.refuse("use basic_auth for a name and a password", "type")
        return replace(self, type=kind or "Bearer")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class OAuth2(Block):
    """A token that is fetched from a server before the first request, and again when it has expired."""

    client_id: str = key(TEXT, "", "Public name of this client.", required=True)
    client_secret: Secret | None = key(SECRET, None, "Secret of this client; one source at most.")
    client_secret_file: str = key(FILE, "", "File with the secret.")
    client_secret_ref: str = key(TEXT, "", "Name of the secret in a secret manager, of which there is none.")
    client_certificate_key_id: str = key(TEXT, "", "Name of the key that signs, for the JWT grant.")
    client_certificate_key: Secret | None = key(SECRET, None, "Key that signs; one source at most.")
    client_certificate_key_file: str = key(PATH, "", "File with the key.")
    client_certificate_key_ref: str = key(
        TEXT, "", "Name of the key in a secret manager, of which there is none."
    )
    grant_type: str = key(
        TEXT, "", f"`{JWT_GRANT}`, which needs `amfast[jwt]`, or anything else for client credentials."
    )
    signature_algorithm: str = key(TEXT, "", "How the key signs: `RS256` (if unset), `RS384` or `RS512`.")
    iss: str = key(TEXT, "", "Issuer named in the JWT; if unset, `client_id`.")
    audience: str = key(TEXT, "", "Audience named in the JWT; if unset, `token_url`.")
    claims: Mapping[str, Any] | None = key(FREE_MAP, None, "More claims of the JWT.")
    scopes: tuple[str, ...] = key(TEXTS, (), "What the token shall allow.")
    token_url: str = key(TEXT, "", "Where the token is fetched.", required=True)
    endpoint_params: Pairs = key(TEXT_MAP, (), "More parameters of the request for the token.")
    tls_config: TlsConfig = key(ValueBlockOf(lambda: TlsConfig), TlsConfig(), "TLS towards the token server.")
    proxy_url: Url | None = key(PROXY_URL, None, "Proxy on the way to the token server.")
    no_proxy: str = key(TEXT, "", "Comma-separated hosts that are reached without the proxy.")
    proxy_from_environment: bool = key(BOOL, False, "Use the proxy of the environment variables.")
    proxy_connect_header: SecretLists = key(PROXY_HEADERS, (), "Headers for the proxy.")

    @property
    def signs(self) -> bool:
        """Whether a signed assertion is shown for the token."""
        return self.grant_type == JWT_GRANT

    def _secrets(self) -> list[str]:
        prefix = "client_certificate_key" if self.signs else "client_secret"
        return [name for name in (prefix, f"{prefix}_file", f"{prefix}_ref") if getattr(self, name)]

    def references(self) -> Iterator[str]:
        """As :meth:`HttpConfig.references`."""
        yield from (f"oauth2.{name}" for name in self._secrets() if name.endswith("_ref"))

    def checked(self, place: Place) -> OAuth2:
        check_proxy(self, place)
        given = self._secrets()
        for name in given[1:]:
            place.refuse(f"cannot be set beside {given[0]}", name)
        if self.signs and self.signature_algorithm not in _SIGNATURES:
            place.refuse("must be RS256, RS384 or RS512", "signature_algorithm")
        return self


_NO_TLS: Final = TlsConfig()


@dataclass(frozen=True, slots=True)
class HttpConfig(Block):
    """How HTTP requests are made. At most one of the ways to prove who one is can be set."""

    basic_auth: BasicAuth | None = key(
        BlockOf(lambda: BasicAuth),
        None,
        "A name and a password.",
        excludes=("authorization", "oauth2", "bearer_token", "bearer_token_file"),
    )
    authorization: Authorization | None = key(
        BlockOf(lambda: Authorization),
        None,
        "The `Authorization` header.",
        excludes=("oauth2", "bearer_token", "bearer_token_file"),
    )
    oauth2: OAuth2 | None = key(
        BlockOf(lambda: OAuth2),
        None,
        "A token from a server.",
        excludes=("bearer_token", "bearer_token_file"),
    )
    bearer_token: Secret | None = key(
        SECRET, None, "Deprecated: `authorization` with these credentials.", excludes=("bearer_token_file",)
    )
    bearer_token_file: str = key(FILE, "", "Deprecated: `authorization` with these credentials.")
    tls_config: TlsConfig = key(ValueBlockOf(lambda: TlsConfig), _NO_TLS, "TLS towards the server.")
    follow_redirects: bool = key(BOOL, True, "Whether redirects are followed.", shown=True)
    enable_http2: bool = key(
        BOOL, True, "Allows HTTP/2, and never demands it: HTTP/1.1 is spoken.", shown=True
    )
    proxy_url: Url | None = key(PROXY_URL, None, "Proxy on the way to the server.")
    no_proxy: str = key(TEXT, "", "Comma-separated hosts that are reached without the proxy.")
    proxy_from_environment: bool = key(BOOL, False, "Use the proxy of the environment variables.")
    proxy_connect_header: SecretLists = key(PROXY_HEADERS, (), "Headers for the proxy.")
    http_headers: Headers | None = key(HEADERS, None, "More headers of each request.")

    def references(self) -> Iterator[str]:
        """The keys that name something in a secret manager and are needed for a request."""
        for block in (self.basic_auth, self.authorization, self.tls_config):
            if block is None or block is _NO_TLS:
                continue
            for row in rows_of(type(block)):
                if row.name.endswith("_ref") and getattr(block, row.field):
                    yield row.name
        if self.oauth2 is not None:
            yield from self.oauth2.references()

    def checked(self, place: Place) -> HttpConfig:
        check_proxy(self, place)
        if not (self.bearer_token or self.bearer_token_file):
            return self
        bearer = Authorization(credentials=self.bearer_token, credentials_file=self.bearer_token_file)
        return replace(self, authorization=bearer, bearer_token=None, bearer_token_file="")


def check_proxy(block: OAuth2 | HttpConfig, place: Place) -> None:
    """Report proxy settings that contradict each other."""
    proxy = block.proxy_url is not None and block.proxy_url.reveal() != ""
    if block.proxy_connect_header and not (proxy or block.proxy_from_environment):
        place.refuse("needs proxy_url or proxy_from_environment", "proxy_connect_header")
    if block.proxy_from_environment and proxy:
        place.refuse("cannot be set beside proxy_from_environment", "proxy_url")
    if block.proxy_from_environment and block.no_proxy:
        place.refuse("cannot be set beside proxy_from_environment", "no_proxy")
    elif block.proxy_url is None and block.no_proxy:
        place.refuse("needs proxy_url", "no_proxy")
