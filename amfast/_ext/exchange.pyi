"""The fields of an HTTP request and its response: values that are made for every request."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class RequestFields:
    """One whole request. Header names are in lower case, values as they came; ``Content-Length`` is left out.

    The body may be a view of a buffer that is used again: it is valid until a handler that answers synchronously
    returns, and so is whatever view was made of it. Before an awaitable that a handler gave is run, the body is made
    bytes of its own.
    """

    method: str
    target: Any
    headers: list[tuple[bytes, bytes]]
    body: bytes | memoryview
    keep_alive: bool
    is_http10: bool
    answers: dict[bool, Any]
    """Who answers requests that have this head, by whether they have a body: a place for the handler to remember
    what it found out from the head. Requests whose heads are the same may share it, and the headers."""

    def __init__(
        self,
        method: str,
        target: tuple[str, ...],
        headers: list[tuple[bytes, bytes]],
        body: bytes | memoryview = b"",
        keep_alive: bool = True,
        is_http10: bool = False,
        answers: dict[bool, Any] | None = None,
    ) -> None: ...

@disjoint_base
class ResponseFields:
    """What goes back. ``on_sent`` is called once, when nothing of it is held in memory any more.

    A long answer is given as ``parts`` instead of a body: each is asked for when the one before has mostly gone out,
    should be there in a few milliseconds and have up to 256 KiB. If they have a ``close``, it is called when no more
    are wanted.
    """

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]]
    close: bool
    on_sent: Callable[[], None] | None
    parts: Iterator[bytes] | None
    seconds_left: float | None
    """How long the parts may take altogether; then the connection is cut. None for no limit."""
    sent_bytes: int
    """How much of the parts was handed over to be sent."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        close: bool = False,
        on_sent: Callable[[], None] | None = None,
        parts: Iterator[bytes] | None = None,
    ) -> None: ...
