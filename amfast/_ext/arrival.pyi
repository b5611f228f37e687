"""Where the bytes of HTTP connections land, and the short way of requests whose heads are known."""

from collections.abc import Callable
from typing import Any

from typing_extensions import disjoint_base

from amfast._ext.exchange import RequestFields
from amfast._ext.heads import Head, Heads

@disjoint_base
class Commons:
    """What the connections of a server have in common.

    That is the buffer into which they read one after the other, the heads that they know, and who answers.
    """

    draining: bool
    """No request more is taken on any connection."""

    def __init__(
        self,
        heads: Heads,
        pad_bytes: int,
        lent_max: int,
        request_type: type[RequestFields],
        handler: Callable[..., Any],
        bare_answer: Callable[..., bytes],
        now_ns: Callable[[], int],
    ) -> None:
        """``bare_answer`` gives the bytes of an answer without a body, from its status and headers."""

    @property
    def heads(self) -> Heads: ...
    @property
    def pad(self) -> bytearray:
        """Where the next bytes land, on whichever connection; all is looked at before anything else is read."""

    @property
    def pads_lent(self) -> int: ...
    def lend_pad(self) -> bytearray | None:
        """The pad with all that is on it, for a while; None when too many are lent."""

    def take_back(self, pad: bytearray) -> None: ...

@disjoint_base
class Arrival:
    """The lowest part of a connection, called by the event loop as ``asyncio.BufferedProtocol`` says.

    A request that landed whole and whose head is known is answered from where it lies, if whoever answers does so at
    once and without a body. For all else the part above is asked, which has the full parser. What a head means is a
    tuple: method, target, headers, and who answers by whether there is a body.
    """

    _transport: Any
    _landing: Any
    """The body that is on its way to a place of its own."""
    _answering: Any
    """The answer that is waited for."""
    _stream: Any
    """The answer that is sent in parts."""
    _waiting: Any
    """What came and could not be dealt with at once."""
    _last_head: Head | None
    _deaf: bool
    """Nothing that comes counts any more."""
    _in_message: bool
    """The next byte continues a request."""
    _ending: bool
    """The connection ends when all is sent."""
    _write_paused: bool
    _socket: int
    """Its file descriptor, -1 if what is written has to be encrypted first."""
    _was_heard: bool
    """A request was answered since the time was looked at last."""

    def __init__(self, commons: Commons, waiting: Any) -> None: ...  # noqa: ANN401
    def get_buffer(self, sizehint: int) -> memoryview: ...
    def buffer_updated(self, nbytes: int) -> None: ...
    def _take_known(self, meaning: tuple[Any, ...], body: memoryview) -> None:
        """Take in a whole request; the body is the caller's again afterwards."""

    def _unknown(self, pad: bytearray, start: int, end: int) -> int:
        """Take in bytes that do not begin with a known head; up to where this was done."""

    def _begun(self, meaning: Any, start: int, end: int, whole: int) -> None:  # noqa: ANN401 - the caller's own type
        """Begin to take in a request of whose body only a part is on the pad: where it is, and where it will end."""

    def _landed(self, size: int) -> None:
        """Take in bytes that went to the landing's place."""

    def _queue(self, request: Any, size: int) -> None:  # noqa: ANN401
        """Keep a request that cannot be answered yet; ``size`` is its body's."""

    def _failed(self, request: Any, error: Exception) -> Any:  # noqa: ANN401
        """The answer when whoever should answer raised."""

    def _answer(self, request: Any, size: int, result: Any) -> None:  # noqa: ANN401
        """Send an answer, or wait for one."""

    def _tune_reading(self) -> None:
        """Read on or not."""

    def _filled(self) -> None:
        """So much came at once that there may be more."""
