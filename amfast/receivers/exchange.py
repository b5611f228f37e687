"""One request and its answer, through a proxy or not."""

from __future__ import annotations

from collections.abc import Mapping

from amfast.config.http import HttpConfig
from amfast.config.tls import TlsConfig
from amfast.receivers.answers import Answer
from amfast.receivers.direct import Direct
from amfast.receivers.errors import HttpError
from amfast.receivers.proxied import Proxied
from amfast.receivers.proxies import proxy_for
from amfast.receivers.tls import Contexts


class Exchange:
    """Makes requests on connections that are kept. No cookies, no automatic decompression."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._contexts = Contexts()
        self._direct = Direct(self._contexts)
        self._proxied = Proxied(self._contexts)

    async def close(self) -> None:
        """Close all connections; the next request would open new ones."""
        self._direct.close()
        await self._proxied.close()

    def check(self, config: TlsConfig) -> None:
        """Raise HttpError when TLS cannot be spoken so."""
        if config != TlsConfig():
            self._contexts.get(config)

    async def request(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, config: HttpConfig
    ) -> Answer:
        """Raises HttpError."""
        try:
            proxy = proxy_for(config, url, self._environment)
        except ValueError:
            raise HttpError("the URL is malformed", retry=False) from None
        if proxy is None:
            return await self._direct.request(method, url, headers, body, config)
        return await self._proxied.request(method, url, headers, body, config, proxy)
