"""What the integrations that post JSON have in common: the text of it, and what its answer means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Generator, Iterable
from typing import Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from amfast.model.notification import FailureReason, NotifyError
from amfast.model.version import REFERENCE_VERSION
from amfast.receivers.answers import Answer

USER_AGENT: Final = f"Alertmanager/{REFERENCE_VERSION}"
JSON_HEADERS: Final = {
    "User-Agent": USER_AGENT,
    "Content-Type": "application/json",
}

T = TypeVar("T")
Pause = Callable[[], Awaitable[None]]
"""Lets everything else go on that is due."""

_DETAIL_CHARS: Final = 256
_SECRET_CHARS_MIN: Final = 4

_REASONS: Final[dict[int, FailureReason]] = {401: "authError", 403: "authError", 429: "rateLimited"}
_BY_CLASS: Final[dict[int, FailureReason]] = {4: "clientError", 5: "serverError"}


async def in_steps(work: Generator[None, None, T], pause: Pause) -> T:
    """What long work gives in the end, with a pause wherever it yields."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        await pause()


def check_status(answer: Answer, retry_also: Collection[int] = (), *, secret_url: str = "") -> None:
    """Accept 2xx; 5xx and the codes in ``retry_also`` can be tried again (reference notify, section 6b).

    Raises NotifyError, whose text quotes the answer without what it repeats of ``secret_url`` and of what the
    request said to prove who we are.
    """
    status = answer.status
    family = status // 100
    if family == 2:  # noqa: PLR2004 - the 2xx answers
        return
    text = without(answer.body.decode("utf-8", "replace"), answer.secrets)
    detail = without_url(text, secret_url)[:_DETAIL_CHARS]
    shown = " ".join("".join(char if char.isprintable() else " " for char in detail).split())
    raise NotifyError(
        f"unexpected status code {status}" + (f": {shown}" if shown else ""),
        retry=family == 5 or status in retry_also,  # noqa: PLR2004 - the 5xx answers
        reason=_REASONS.get(status) or _BY_CLASS.get(family, "other"),
    )


def without_url(text: str, url: str) -> str:
    """``text`` with every part of the URL that can be a secret masked: what may be a token, not what may be a word."""
    parts = urlsplit(url)
    pieces = {url, parts.path, parts.query, f"{parts.path}?{parts.query}", parts.username, parts.password}
    pieces.update(parts.path.split("/"), (value for _, value in parse_qsl(parts.query)))
    pieces.update({unquote(piece) for piece in pieces if piece})
    return without(text, filter(None, pieces))


def without(text: str, secrets: Iterable[str]) -> str:
    """``text`` with what is long enough to be a secret masked."""
    for piece in sorted(secrets, key=len, reverse=True):
        if len(piece) >= _SECRET_CHARS_MIN:
            text = text.replace(piece, "<secret>")
    return text
