"""What a node needs of a network: real sockets in production, a simulated one under virtual time."""

from __future__ import annotations

from typing import Protocol

from amfast._ext.swim import Core, StreamMessage


class Stream(Protocol):
    """The accepting side of one TCP stream."""

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes. None asks for more; else the answer (perhaps empty) to be written before closing."""
        ...

    def close(self) -> None:
        """The stream is gone, answered or not."""
        ...


class Handler(Protocol):
    """Who takes what the network brings."""

    @property
    def core(self) -> Core:
        """The membership core, for a network that brings it the datagrams itself."""
        ...

    def datagram(self, packet: bytes, ip: bytes, port: int) -> None:
        """Take one datagram; :meth:`pump` follows after the last one at hand."""
        ...

    def pump(self) -> None:
        """Send what the datagrams caused."""
        ...

    def accept(self) -> Stream | None:
        """A peer dialled; None refuses it."""
        ...


class Network(Protocol):
    """One node's place in a network. IP addresses are 4 or 16 bytes in network order."""

    def bind(self, ip: bytes, port: int) -> int:
        """Take the address for UDP and TCP and return the port. Raises AmfastError."""
        ...

    async def listen(self, handler: Handler) -> None:
        """Begin to hand over what arrives. Raises AmfastError."""
        ...

    def poll(self) -> None:
        """Hand over the datagrams that are already here, now."""
        ...

    def send(self, core: Core) -> None:
        """Send the datagrams that the core has for others; one that cannot be sent is lost."""
        ...

    async def exchange(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> StreamMessage:
        """Dial, write, read one message. Raises OSError (TimeoutError included) and RemoteError."""
        ...

    async def deliver(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> None:
        """Dial, write, close. Raises OSError."""
        ...

    async def close(self) -> None:
        """Give up the address and cut every stream."""
        ...
