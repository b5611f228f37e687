"""Requests that go through a proxy: over aiohttp, which is imported when the first one is made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from amfast.config.http import HttpConfig
from amfast.config.tls import TlsConfig
from amfast.receivers import answers
from amfast.receivers.answers import BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, Answer
from amfast.receivers.errors import HttpError, why
from amfast.receivers.payload import USER_AGENT
from amfast.receivers.proxies import SOCKS
from amfast.receivers.tls import Contexts
from amfast.receivers.urls import exact

if TYPE_CHECKING:
    import aiohttp

_KEEPALIVE_S: Final = 300
_SOCKS_PORT: Final = 1080
_SOCKS_LIBRARIES: Final = ("aiohttp_socks", "python_socks")


class Proxied:
    """Makes requests on connections that are kept. No cookies, no automatic decompression."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        """By the SOCKS proxy through which all their connections go, empty for none."""

    async def close(self) -> None:
        """Close all connections; the next request would open new ones."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def request(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | None,
        config: HttpConfig,
        proxy: str,
    ) -> Answer:
        """Raises HttpError."""
        with _as_http_error():
            socks = proxy if proxy.partition(":")[0].lower() in SOCKS else ""
            target = exact(url)
            async with self._session(socks).request(
                method,
                target,
                headers=headers,
                data=body,
                allow_redirects=False,
                proxy=None if socks else proxy,
                proxy_headers=None if socks else _for_proxy(config),
                ssl=True if config.tls_config == TlsConfig() else self._contexts.get(config.tls_config),
                server_hostname=config.tls_config.server_name or None if target.scheme == "https" else None,
            ) as response:
                content = await _body(response)
                answered = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, content, answered)

    def _session(self, socks: str) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 - 26 MB that an idle node does not need

        if socks not in self._sessions:
            self._sessions[socks] = aiohttp.ClientSession(
                connector=_connector(socks),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
                max_headers=HEADERS_MAX,
                trust_env=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._sessions[socks]


def _connector(socks: str) -> aiohttp.BaseConnector:
    """No limit: a receiver that hangs must not take the connections of those that work."""
    import aiohttp  # noqa: PLC0415 - as above

    if not socks:
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S)
    import aiohttp_socks  # noqa: PLC0415 - for the few who have such a proxy

    proxy = exact(socks)
    return aiohttp_socks.ProxyConnector(
        proxy.host or "",
        proxy.port or _SOCKS_PORT,
        username=proxy.user,
        password=proxy.password,
        rdns=True,  # names are resolved by the proxy, also for socks5://, as Go does
        limit=0,
        keepalive_timeout=_KEEPALIVE_S,
    )


def _for_proxy(config: HttpConfig) -> list[tuple[str, str]]:
    """What an HTTP proxy is told when it is asked for a tunnel."""
    own = [
        (name, "" if value is None else value.reveal())
        for name, values in config.proxy_connect_header
        for value in values
    ]
    named = any(name.lower() == "user-agent" for name, _ in own)
    return own if named else [("User-Agent", USER_AGENT), *own]


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """What comes of the body within the bounds; a connection with more to say is closed."""
    import aiohttp  # noqa: PLC0415 - it is loaded when a response is here

    content = bytearray()
    try:
        async with asyncio.timeout(answers.BODY_WAIT_S):
            while len(content) < BODY_BYTES_MAX:
                chunk = await response.content.read(BODY_BYTES_MAX - len(content))
                if not chunk:
                    return bytes(content)
                content += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # the status has come, which is what counts
    response.close()
    return bytes(content)


@contextlib.contextmanager
def _as_http_error() -> Iterator[None]:
    """Whatever goes wrong on the way becomes an HttpError."""
    import aiohttp  # noqa: PLC0415 - as above

    try:
        yield
    except TimeoutError:
        raise HttpError("timed out") from None
    except (aiohttp.ClientProxyConnectionError, aiohttp.ClientConnectorDNSError) as error:
        raise HttpError(f"cannot connect to the proxy: {why(error.os_error)}") from None
    except aiohttp.ClientConnectorError as error:
        raise HttpError(f"cannot connect: {why(error.os_error)}") from None
    except aiohttp.ClientHttpProxyError as error:
        raise HttpError(f"the proxy refuses the connection with {error.status}") from None
    except aiohttp.ClientResponseError:
        # Somebody has read the request and answered it: another try at once would only say it twice.
        raise HttpError("the answer is not valid HTTP", retry=False) from None
    except (aiohttp.InvalidURL, ValueError):
        raise HttpError("the URL is malformed", retry=False) from None
    except (aiohttp.ClientError, OSError) as error:
        raise HttpError(f"the connection failed ({type(error).__name__})") from None
    except Exception as error:
        # The libraries of SOCKS have no common ancestor for their errors, and pass on that a stream has ended.
        if not (isinstance(error, EOFError) or type(error).__module__.startswith(_SOCKS_LIBRARIES)):
            raise
        raise HttpError("the SOCKS proxy cannot be reached or refuses the connection") from None
