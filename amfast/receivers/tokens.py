"""Tokens of OAuth 2.0: fetched before the first request that needs one, and again when their time is over.

What is sent, and what is made of the answer, is that of ``golang.org/x/oauth2`` and ``prometheus/common``.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote_plus, urlencode

from amfast.config.http import JWT_GRANT, BasicAuth, HttpConfig, OAuth2
from amfast.config.kinds import Secret
from amfast.model.clock import Clock
from amfast.receivers.answers import Answer
from amfast.receivers.assertion import signed_assertion
from amfast.receivers.credentials import secret_text
from amfast.receivers.errors import HttpError
from amfast.receivers.payload import without

EARLY_S: Final = 10
"""How long before its end a token is no longer used."""

_EXPIRES_S_MAX: Final = (1 << 31) - 1
_FORMS: Final = ("application/x-www-form-urlencoded", "text/plain")
_TYPES: Final = {"bearer": "Bearer", "mac": "MAC", "basic": "Basic"}
_DETAIL_CHARS: Final = 200


class Post(Protocol):
    """How a request for a token is made. Raises HttpError."""

    async def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes, config: HttpConfig
    ) -> Answer: ...


@dataclass(slots=True)
class _Source:
    """What is known of one token server."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    secret: str | None = None
    header: str = ""
    """The whole value of ``Authorization``, empty for no token."""
    ends_us: int | None = None
    """Monotonic time from which the token is not used; None for never."""
    in_body: bool | None = None
    """Whether this server wants to know us by the body; None before it has taken either."""


class Tokens:
    """One token for each ``oauth2`` of a configuration, as long as the configuration is there."""

    def __init__(self, post: Post, clock: Clock, rng: random.Random) -> None:
        self._post = post
        self._clock = clock
        self._random = rng
        self._sources: dict[int, _Source] = {}

    async def authorization(self, config: OAuth2, user_agent: str | None) -> str:
        """The header ``Authorization``. Raises HttpError.

        Who comes while a token is being fetched waits for it; when that fails, the next one tries.
        """
        source = self._sources.get(id(config))
        if source is None:
            source = self._sources[id(config)] = _Source()
            weakref.finalize(config, self._sources.pop, id(config), None)
        async with source.lock:
            secret = _secret(config)
            if secret != source.secret:
                source.secret, source.header, source.in_body = secret, "", None
            now_us = self._clock.monotonic_us()
            if not source.header or (source.ends_us is not None and now_us >= source.ends_us):
                source.header = ""
                headers = {"Content-Type": _FORMS[0]}
                if user_agent is not None:
                    headers["User-Agent"] = user_agent
                source.header, seconds = await self._fetch(config, source, headers)
                source.ends_us = None if seconds == 0 else now_us + (seconds - EARLY_S) * 1_000_000
            return source.header

    async def _fetch(self, config: OAuth2, source: _Source, headers: Mapping[str, str]) -> tuple[str, int]:
        secret = source.secret or ""
        if config.signs:
            number = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            now_s = self._clock.now_ns() // 1_000_000_000
            assertion = signed_assertion(config, secret, now_s=now_s, number=number)
            form = _form(config, {"grant_type": JWT_GRANT, "assertion": assertion})
            return await self._ask(config, headers, form, _way(config), (secret, assertion))
        form = _form(config, {"grant_type": "client_credentials"})
        known = (quote_plus(config.client_id), quote_plus(secret))
        in_head = _way(config, BasicAuth(username=known[0], password=Secret(known[1])))
        if not source.in_body:
            try:
                found = await self._ask(config, headers, form, in_head, (secret, known[1]))
            except HttpError:
                if source.in_body is False:
                    raise
            else:
                source.in_body = False
                return found
        form["client_id"] = config.client_id
        if secret:
            form["client_secret"] = secret
        found = await self._ask(config, headers, form, _way(config), (secret, known[1]))
        source.in_body = True
        return found

    async def _ask(
        self,
        config: OAuth2,
        headers: Mapping[str, str],
        form: Mapping[str, str],
        how: HttpConfig,
        secrets: tuple[str, ...],
    ) -> tuple[str, int]:
        body = urlencode(sorted(form.items())).encode()
        try:
            answer = await self._post(config.token_url, headers, body, how)
        except HttpError as error:
            raise HttpError(f"no token: {error}", retry=error.retry) from None
        return token_of(answer, (*secrets, *answer.secrets))


def _secret(config: OAuth2) -> str:
    if config.signs:
        return secret_text(config.client_certificate_key, config.client_certificate_key_file)
    return secret_text(config.client_secret, config.client_secret_file)


def _form(config: OAuth2, own: dict[str, str]) -> dict[str, str]:
    if config.scopes:
        own["scope"] = " ".join(config.scopes)
    given = dict(config.endpoint_params)
    taken = sorted((own.keys() & given.keys()) - {"grant_type"})
    if taken:
        raise HttpError(f"endpoint_params of oauth2 must not set {taken[0]}", retry=False)
    return {**own, **given}


def _way(config: OAuth2, who: BasicAuth | None = None) -> HttpConfig:
    return HttpConfig(
        basic_auth=who,
        tls_config=config.tls_config,
        proxy_url=config.proxy_url,
        no_proxy=config.no_proxy,
        proxy_from_environment=config.proxy_from_environment,
        proxy_connect_header=config.proxy_connect_header,
    )


def token_of(answer: Answer, secrets: tuple[str, ...]) -> tuple[str, int]:
    """The header for an answer of a token server, and for how many seconds it is good, 0 for ever.

    Raises HttpError, whose text quotes the server's own error without the ``secrets``.
    """
    refused = answer.status // 100 != 2  # noqa: PLR2004 - the 2xx answers
    try:
        said = _read(answer)
    except (ValueError, RecursionError):
        if not refused:
            raise HttpError("no token: the answer of the token server cannot be read") from None
        said = {}
    error = said.get("error") or ""
    if refused or error:
        detail = ": ".join(
            filter(None, (_shown(said.get(name), secrets) for name in ("error", "error_description")))
        )
        raise HttpError(
            f"no token: the token server refuses with {answer.status}" + (f" ({detail})" if detail else "")
        )
    token, kind = said.get("access_token"), said.get("token_type") or "Bearer"
    if not token or not isinstance(token, str) or not isinstance(kind, str):
        raise HttpError("no token: the answer of the token server has no access_token")
    header = f"{_TYPES.get(kind.lower(), kind)} {token}"
    if not (header.isascii() and header.isprintable()):
        raise HttpError("no token: the token has characters that no header can have")
    return header, said["expires_in"]


def _read(answer: Answer) -> dict[str, Any]:
    """The members of the answer, ``expires_in`` a whole number. Raises ValueError."""
    text = answer.body.decode()
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS:
        said: dict[str, Any] = dict(parse_qsl(text, keep_blank_values=True))
        try:
            said["expires_in"] = _seconds(said.get("expires_in"))
        except ValueError:
            said["expires_in"] = 0
        return said
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError  # noqa: TRY004 - as for everything else that cannot be read
    return {**said, "expires_in": _seconds(said.get("expires_in"))}


def _seconds(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > len(str(1 << 63)):
        raise ValueError
    return min(int(value), _EXPIRES_S_MAX)


def _shown(text: object, secrets: tuple[str, ...]) -> str:
    if not isinstance(text, str):
        return ""
    text = without(text, secrets)
    return " ".join("".join(char if char.isprintable() else " " for char in text[:_DETAIL_CHARS]).split())
