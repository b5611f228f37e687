"""Frames, in which packets and the beginnings of streams travel (reference gossip, section 16.1)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from amfast._ext.pb import decode_gossip_frame, encode_gossip_frame
from amfast.cluster.address import parse_ip, split_host_port
from amfast.model.errors import AmfastError

FRAME_BYTES_MAX = 65_536 + 1024
"""A packet and what is said about it; the reference has no bound."""

_VERSION = "v0.1.0"
_STREAM = 0
_PACKET = 1
_LENGTH_BYTES = 4


class FrameError(ValueError):
    """Bytes that are no frame; nothing after them can be trusted."""


class Packet(NamedTuple):
    """One packet; ``ip`` is empty when its sender did not say where it listens."""

    data: bytes
    ip: bytes
    port: int


def packet_frame(packet: bytes, from_addr: str) -> bytes:
    """The frame of one packet from the node that listens at ``from_addr`` (``ip:port``)."""
    return _framed(encode_gossip_frame(_VERSION, _PACKET, from_addr, packet))


def stream_frame() -> bytes:
    """What comes before the bytes of a stream."""
    return _framed(encode_gossip_frame(_VERSION, _STREAM, "", b""))


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(_LENGTH_BYTES, "little") + message


class FrameReader:
    """Frames from bytes that come in whatever pieces: where records end is not looked at."""

    def __init__(self) -> None:
        self.rest = bytearray()
        """What came after the last whole frame."""
        self._from_addr = ""
        self._from: tuple[bytes, int] = (b"", 0)

    def add(self, data: bytes) -> None:
        """Take bytes."""
        self.rest += data

    def next(self) -> Packet | Literal["stream"] | None:
        """The next frame; ``stream`` when the rest is a stream, None when more bytes are needed.

        Raises FrameError.
        """
        if len(self.rest) < _LENGTH_BYTES:
            return None
        end = _LENGTH_BYTES + int.from_bytes(self.rest[:_LENGTH_BYTES], "little")
        if end > FRAME_BYTES_MAX:
            raise FrameError("a frame is too long")
        if len(self.rest) < end:
            return None
        message = bytes(self.rest[_LENGTH_BYTES:end])
        del self.rest[:end]
        try:
            version, kind, from_addr, data = decode_gossip_frame(message)
        except ValueError as error:
            raise FrameError(f"a frame cannot be read: {error}") from None
        if version != _VERSION:
            raise FrameError("a frame is of another version")
        if kind == _STREAM:
            return "stream"
        if kind != _PACKET:
            raise FrameError("a frame is of an unknown kind")
        return Packet(data, *self._sender(from_addr))

    def _sender(self, from_addr: str) -> tuple[bytes, int]:
        if from_addr != self._from_addr:
            self._from = _address(from_addr) if from_addr else (b"", 0)
            self._from_addr = from_addr
        return self._from


def _address(text: str) -> tuple[bytes, int]:
    """A literal IP address and port. A name would have to be looked up, at the wish of whoever sent it."""
    try:
        host, port = split_host_port(text, "the sender")
    except AmfastError as error:
        raise FrameError(str(error)) from None
    ip = parse_ip(host.partition("%")[0])
    if ip is None:
        raise FrameError("a frame's sender is not an IP address")
    return ip, port
