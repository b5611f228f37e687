"""TLS without a socket: bytes of the network in and out on one side, plain bytes on the other."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_READ_BYTES = 65_536


class Session:
    """One side of one TLS connection.

    After each call that takes bytes, also one that raised, send what :meth:`outgoing` gives.
    """

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_name: str | None = None) -> None:
        """``server_name`` is whom a client expects, a host name or an IP address; None on the server's side."""
        self.ready = False
        """The handshake is done."""
        self.ended = False
        """The other side has said its last word."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the network, none to begin a handshake; the plain bytes among them.

        Raises ssl.SSLError when either side refuses the other, or what comes is not TLS.
        """
        self._incoming.write(data)
        plain: list[bytes] = []
        try:
            if not self.ready:
                self._ssl.do_handshake()
                self.ready = True
            while chunk := self._ssl.read(_READ_BYTES):
                plain.append(chunk)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return b"".join(plain)

    def write(self, data: bytes) -> None:
        """Encrypt ``data`` so that its end is the end of a record (reference gossip, section 16.4)."""
        left = memoryview(data)
        while left:
            left = left[self._ssl.write(left) :]

    def outgoing(self) -> bytes:
        """What is to be sent."""
        return self._outgoing.read()

    def say_end(self) -> None:
        """Tell the other side, in an orderly way, that nothing more comes."""
        with suppress(ssl.SSLError):  # its own last word is still to come, or the connection is broken
            self._ssl.unwrap()

    def names(self) -> frozenset[str]:
        """The subject names of the other side's certificate, if it was asked for one and has checked it."""
        certificate: Mapping[str, Any] = self._ssl.getpeercert() or {}
        found = set()
        for kind, name in certificate.get("subjectAltName", ()):
            found.add(str(ipaddress.ip_address(name)) if kind == "IP Address" else str(name))
        return frozenset(found)

    def has_certificate(self) -> bool:
        """Whether the other side showed a certificate."""
        return self._ssl.getpeercert(binary_form=True) is not None
