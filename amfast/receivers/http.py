"""HTTP out: one method behind which the client library can be replaced."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin

from amfast.config.http import HttpConfig
from amfast.config.tls import TlsConfig
from amfast.receivers.credentials import left_domain, own_headers
from amfast.receivers.errors import HttpError
from amfast.receivers.proxies import proxy_for
from amfast.receivers.tls import Contexts

if TYPE_CHECKING:
    import aiohttp

BODY_BYTES_MAX: Final = 64 << 10
"""Of an answer's body, what is kept; a connection whose answer is longer is closed."""
BODY_WAIT_S: Final = 5.0
"""How long to read a body: the verdict stands in the status, and a body that does not end must not delay it."""
REQUESTS_MAX: Final = 10
"""Requests of one call, redirects included (Go's ``net/http``)."""

_GET_AFTER: Final = (301, 302, 303)
_POST_AFTER: Final = (307, 308)
_KEEPALIVE_S: Final = 300
_HEADER_BYTES_MAX: Final = 64 << 10
_HEADERS_MAX: Final = 1024
_HEADERS_OF_BODY: Final = ("content-encoding", "content-language", "content-location", "content-type")
_ENCODED_URL = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""URLs that hold only what may stand in one: they are sent as they are."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is as much as came within :data:`BODY_BYTES_MAX` and :data:`BODY_WAIT_S`; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class HttpClient(Protocol):
    """What integrations need of HTTP."""

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float | None,
        config: HttpConfig,
    ) -> Answer:
        """Post ``body`` and return the final answer, whatever its status. Raises HttpError.

        After 301 to 303 a redirect is followed by a GET without body, after 307 and 308 by the same POST
        (reference notify, section 6b). ``timeout_s`` bounds all of it; ``config`` says how it is sent.
        """
        ...


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """What comes of the body within the bounds; a connection with more to say is closed."""
    import aiohttp  # noqa: PLC0415 - it is loaded when a response is here

    content = bytearray()
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            while len(content) < BODY_BYTES_MAX:
                chunk = await response.content.read(BODY_BYTES_MAX - len(content))
                if not chunk:
                    return bytes(content)
                content += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # the status has come, which is what counts
    response.close()
    return bytes(content)


def _why(error: OSError) -> str:
    """The system's own words for the number: the error's text may name the address, which may be secret."""
    if isinstance(error, ssl.CertificateError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "the host name does not resolve"
    return os.strerror(error.errno) if error.errno else "no address of the host answers"


def _connect_headers(config: HttpConfig) -> dict[str, str] | None:
    """What the proxy is told when a tunnel is asked for; of several values the proxy gets one line."""
    return {
        name: ", ".join(value.reveal() for value in values if value is not None)
        for name, values in config.proxy_connect_header
    } or None


class AiohttpClient:
    """:class:`HttpClient` over aiohttp, which is imported when the first request is made.

    No cookies, no proxies from the environment, no automatic decompression.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._contexts = Contexts()

    async def close(self) -> None:
        """Close all connections; the next request would open new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float | None,
        config: HttpConfig,
    ) -> Answer:
        """See :meth:`HttpClient.post`."""
        import aiohttp  # noqa: PLC0415 - 26 MB that an idle node does not need

        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow(url, dict(headers), body, config)
        except TimeoutError:
            raise HttpError(f"no answer within {timeout_s:g} s" if timeout_s else "timed out") from None
        except aiohttp.ClientConnectorError as error:
            raise HttpError(f"cannot connect: {_why(error.os_error)}") from None
        except aiohttp.ClientHttpProxyError as error:
            raise HttpError(f"the proxy refuses the connection with {error.status}") from None
        except aiohttp.ClientResponseError:
            # Somebody has read the request and answered it: another try at once would only say it twice.
            raise HttpError("the answer is not valid HTTP", retry=False) from None
        except (aiohttp.InvalidURL, ValueError):
            raise HttpError("the URL is malformed", retry=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise HttpError(f"the connection failed ({type(error).__name__})") from None

    async def _follow(
        self, url: str, headers: dict[str, str], body: bytes | None, config: HttpConfig
    ) -> Answer:
        first, strange = url, False
        for _ in range(REQUESTS_MAX):
            sent = [*headers.items(), *own_headers(config, strange=strange)]
            answer = await self._request("GET" if body is None else "POST", url, sent, body, config)
            target = answer.headers.get("location")
            if not config.follow_redirects or not target or answer.status not in (*_GET_AFTER, *_POST_AFTER):
                return answer
            url = urljoin(url, target)
            strange = strange or left_domain(first, url)
            if answer.status in _GET_AFTER:
                body = None
                headers = {name: v for name, v in headers.items() if name.lower() not in _HEADERS_OF_BODY}
        raise HttpError(f"redirected {REQUESTS_MAX} times")

    async def _request(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, config: HttpConfig
    ) -> Answer:
        import yarl  # noqa: PLC0415 - comes with aiohttp

        session = self._session or self._open_session()
        target = yarl.URL(url, encoded=_ENCODED_URL.fullmatch(url) is not None)
        async with session.request(
            method,
            target,
            headers=headers,
            data=body,
            allow_redirects=False,
            proxy=proxy_for(config, url),
            proxy_headers=_connect_headers(config),
            ssl=True if config.tls_config == TlsConfig() else self._contexts.get(config.tls_config),
            server_hostname=config.tls_config.server_name or None if target.scheme == "https" else None,
        ) as response:
            content = await _body(response)
            answered = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, content, answered)

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 - 26 MB that an idle node does not need

        self._session = aiohttp.ClientSession(
            # No limit: a receiver that hangs must not take the connections of those that work.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            max_line_size=_HEADER_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
            max_headers=_HEADERS_MAX,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
        )
        return self._session
