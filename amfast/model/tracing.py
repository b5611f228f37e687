"""Spans, as the parts make them: what was done, for how long, and on whose behalf.

Without a tracer nothing is made and nothing costs anything. What a span stands in follows the running task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Literal, Protocol, Self

Attribute = str | bool | int | Sequence[str]
SpanKind = Literal["internal", "server", "client"]


class Span(Protocol):
    """Something that is being done."""

    def set(self, name: str, value: Attribute) -> None:
        """Say something of it."""
        ...

    def event(self, name: str) -> None:
        """Note that something happens now."""
        ...

    def fail(self, text: str) -> None:
        """Say that it failed, and why."""
        ...


class Tracer(Protocol):
    """Makes spans and sends them somewhere."""

    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute],
        kind: SpanKind,
        caller: Mapping[str, str] | None,
        *,
        stays: bool,
    ) -> AbstractContextManager[Span]:
        """See :meth:`Tracing.span`."""
        ...

    def headers(self) -> Mapping[str, str]:
        """See :meth:`Tracing.headers`."""
        ...


class _NoSpan:
    """A span that nobody wants to see."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let errors pass."""

    def set(self, name: str, value: Attribute) -> None:
        """Forget it."""

    def event(self, name: str) -> None:
        """Forget it."""

    def fail(self, text: str) -> None:
        """Forget it."""


_NO_SPAN: Final = _NoSpan()
_NOTHING: Final[Mapping[str, str]] = {}


class Tracing:
    """Where the parts find the tracer of the configuration in force, None for none."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None

    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute],
        *,
        kind: SpanKind = "internal",
        caller: Mapping[str, str] | None = None,
        stays: bool = False,
    ) -> AbstractContextManager[Span]:
        """A span for the time of a ``with``.

        ``caller`` are the headers of who asked for it, names in lower case, empty for nobody; None for whatever this
        task does already. With ``stays``, whatever this task does
        next stands below it too, as one step of a chain below the one before.
        """
        tracer = self.tracer
        return _NO_SPAN if tracer is None else tracer.span(name, attributes, kind, caller, stays=stays)

    def headers(self) -> Mapping[str, str]:
        """What tells a server that a request belongs to the span we are in (W3C Trace Context)."""
        return _NOTHING if self.tracer is None else self.tracer.headers()
