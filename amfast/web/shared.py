"""What the connections of one server have in common, and the bounds they keep."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from amfast._ext.arrival import Commons
from amfast._ext.heads import Heads
from amfast.model.clock import Clock
from amfast.web.answer_heads import AnswerHeads
from amfast.web.message import Handler, Request, Response, reason

if TYPE_CHECKING:
    from amfast.web.connection import Connection

HEADER_BYTES_MAX: Final = 1 << 20
HEADER_COUNT_MAX: Final = 2_000
BODY_BYTES_MAX: Final = 32 << 20
BODIES_BYTES_MAX: Final = 256 << 20
"""Bodies held at one time by all connections of a server."""
HEADER_TIMEOUT_US: Final = 30_000_000
BODY_TIMEOUT_US: Final = 30_000_000
BODY_BYTES_PER_S: Final = 16_384
"""A body may take longer than its timeout as long as it came at this rate on average."""
IDLE_TIMEOUT_US: Final = 360_000_000
"""Longer than the five minutes that Prometheus keeps an idle connection, so that it closes first."""
WRITE_TIMEOUT_US: Final = 60_000_000
LINGER_US: Final = 5_000_000

PAD_BYTES: Final = 256 << 10
"""What one read takes at most: the body of 256 alerts and its head."""
PADS_MAX: Final = 16
"""Connections that may keep the pad on which a body began to land, until it is whole."""
HEADS_MAX: Final = 256

_PLAIN: Final = (("Content-Type", "text/plain; charset=utf-8"),)


class Shared(Commons):
    """The handler and the clock, and what all connections hold together."""

    __slots__ = ("answer_heads", "bodies_bytes", "clock", "connections", "handler", "log")

    def __init__(self, handler: Handler, clock: Clock, log: logging.Logger) -> None:
        self.answer_heads = AnswerHeads(clock)
        super().__init__(
            Heads(HEADS_MAX), PAD_BYTES, PADS_MAX, Request, handler, self.answer_heads.bare, clock.now_ns
        )
        self.handler = handler
        self.clock = clock
        self.log = log
        self.connections: set[Connection] = set()
        self.bodies_bytes = 0


def refusal(status: int, detail: str = "") -> Response:
    """The answer to bytes that never became a request; the connection ends with it."""
    text = f"{status} {reason(status)}{': ' if detail else ''}{detail}"
    return Response(status, text.encode(), _PLAIN, close=True)
