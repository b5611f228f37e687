"""What requests carry because ``http_config`` says so: who we are, and further headers.

See reference config, section 10.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from amfast.config.files import read_start
from amfast.config.headers import canonical
from amfast.config.http import HttpConfig
from amfast.config.kinds import Secret
from amfast.receivers.errors import HttpError

_FILE_BYTES_MAX: Final = 64 << 10
_SENSITIVE: Final = frozenset(
    ("Authorization", "Www-Authenticate", "Cookie", "Cookie2", "Proxy-Authorization", "Proxy-Authenticate")
)
"""Headers that are meant for the server that was asked first, and not for where it redirects to."""


def own_headers(config: HttpConfig, *, strange: bool) -> Iterator[tuple[str, str]]:
    """Names and values, in order. Files are read anew for each request. Raises HttpError.

    ``strange``: a redirect has left the domain that was asked first, which alone is told what is secret.
    """
    if not strange and (authorization := _authorization(config)) is not None:
        yield "Authorization", authorization
    for name, header in config.http_headers or ():
        if strange and canonical(name) in _SENSITIVE:
            continue
        for value in header.values:
            yield name, value
        if strange:
            continue
        for secret in header.secrets:
            yield name, _reveal(secret)
        for file in header.files:
            yield name, _content(file)


def _authorization(config: HttpConfig) -> str | None:
    if config.basic_auth is not None:
        basic = config.basic_auth
        name = _content(basic.username_file) if basic.username_file else basic.username
        password = secret_text(basic.password, basic.password_file)
        return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
    if config.authorization is not None:
        given = config.authorization
        return f"{given.type} {secret_text(given.credentials, given.credentials_file)}"
    return None


def secret_text(secret: Secret | None, file: str) -> str:
    """What a secret says that stands in the configuration or in a file. Raises HttpError."""
    return _content(file) if file else _reveal(secret)


def _reveal(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def _content(path: str) -> str:
    try:
        return read_start(path, _FILE_BYTES_MAX).decode().strip()
    except OSError as error:
        raise HttpError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise HttpError(f"{path} is not UTF-8") from None


def host_of(url: str) -> str:
    """The host of a URL in lower case, empty for none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def left_domain(first: str, now: str) -> bool:
    """Whether a redirect leads to another host than the first one and its subdomains."""
    parent, host = host_of(first), host_of(now)
    return host != parent and (":" in host or not host.endswith(f".{parent}"))
