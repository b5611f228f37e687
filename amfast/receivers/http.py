"""HTTP out: one method behind which the client library can be replaced."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import urljoin

from amfast.config.http import HttpConfig
from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.model.tracing import Attribute, Tracing
from amfast.receivers.answers import Answer
from amfast.receivers.assertion import check_can_sign
from amfast.receivers.credentials import host_of, left_domain, own_headers
from amfast.receivers.errors import HttpError
from amfast.receivers.exchange import Exchange
from amfast.receivers.tokens import Tokens

REQUESTS_MAX: Final = 10
"""Requests of one call, redirects included (Go's ``net/http``)."""

_ERROR_STATUS: Final = 400
_GET_AFTER: Final = (301, 302, 303)
_POST_AFTER: Final = (307, 308)
_HEADERS_OF_BODY: Final = ("content-encoding", "content-language", "content-location", "content-type")


class HttpClient(Protocol):
    """What integrations need of HTTP."""

    def check(self, config: HttpConfig) -> None:
        """Raise AmfastError when no request can be made so: a library is missing, or a file of ``tls_config``."""
        ...

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


class NetworkClient:
    """:class:`HttpClient` over the network. ``environment`` may name proxies (``HTTP_PROXY`` and the like)."""

    def __init__(
        self, clock: Clock, rng: random.Random, environment: Mapping[str, str], tracing: Tracing | None = None
    ) -> None:
        self._tracing = tracing or Tracing()
        self._exchange = Exchange(environment)
        self._tokens = Tokens(self._follow, clock, rng)

    async def close(self) -> None:
        """Close all connections; the next request would open new ones."""
        await self._exchange.close()

    def check(self, config: HttpConfig) -> None:
        """See :meth:`HttpClient.check`."""
        if config.oauth2 is not None and config.oauth2.signs:
            check_can_sign()
        try:
            self._exchange.check(config.tls_config)
        except HttpError as error:
            raise AmfastError(str(error)) from None

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
        if timeout_s is None:
            return await self._traced(url, headers, body, config)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._traced(url, headers, body, config)
        except TimeoutError:
            raise HttpError(f"no answer within {timeout_s:g} s") from None

    async def _traced(self, url: str, headers: Mapping[str, str], body: bytes, config: HttpConfig) -> Answer:
        """As :meth:`_follow`, and tells the server which span it belongs to. The span shows no more than the host."""
        if self._tracing.tracer is None:
            return await self._follow(url, headers, body, config)
        said: dict[str, Attribute] = {"http.request.method": "POST", "server.address": host_of(url)}
        with self._tracing.span("HTTP POST", said, kind="client") as span:
            try:
                answer = await self._follow(url, {**headers, **self._tracing.headers()}, body, config)
            except HttpError as error:
                span.fail(str(error))
                raise
            span.set("http.response.status_code", answer.status)
            if answer.status >= _ERROR_STATUS:
                span.fail("")
            return answer

    async def _follow(
        self, url: str, headers: Mapping[str, str], body: bytes | None, config: HttpConfig
    ) -> Answer:
        first, strange = url, False
        secrets: set[str] = set()
        for _ in range(REQUESTS_MAX):
            own = list(own_headers(config, strange=strange))
            if config.oauth2 is not None and not strange:
                token = await self._tokens.authorization(config.oauth2, headers.get("User-Agent"))
                own.append(("Authorization", token))
            secrets.update(piece for _, value in own for piece in (value, value.partition(" ")[2]))
            method = "GET" if body is None else "POST"
            answer = await self._exchange.request(method, url, [*headers.items(), *own], body, config)
            target = answer.headers.get("location")
            if not config.follow_redirects or not target or answer.status not in (*_GET_AFTER, *_POST_AFTER):
                return replace(answer, secrets=frozenset(secrets)) if secrets else answer
            url = _joined(url, target)
            strange = strange or left_domain(first, url)
            if answer.status in _GET_AFTER:
                body = None
                headers = {name: v for name, v in headers.items() if name.lower() not in _HEADERS_OF_BODY}
        raise HttpError(f"redirected {REQUESTS_MAX} times")


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        raise HttpError("the answer redirects to a malformed URL", retry=False) from None
