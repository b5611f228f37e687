"""UDP in bulk: many datagrams a system call, straight between the socket and the membership core."""

from typing import Final, final

from amfast._ext.swim import Core

AVAILABLE: Final[bool]
"""Whether this system has ``recvmmsg`` and ``sendmmsg`` (Linux has)."""

@final
class UdpSocket:
    """Reads and writes a bound, non-blocking UDP socket of IPv4 or IPv6.

    The caller keeps the socket open for as long as it uses this object. Datagrams that cannot be read whole, or not be
    sent, are lost and counted, never raised.
    """

    received: int
    """Datagrams handed to the core."""
    truncated: int
    """Datagrams longer than the 65,536 bytes of a slot: dropped."""
    receive_errors: int
    """Failed reads; an earlier datagram was refused, for instance."""
    sent: int
    """Datagrams that the system took."""
    send_errors: int
    """Datagrams that it did not take: no route, no permission, no room."""
    def __init__(self, fd: int, ipv6: bool) -> None: ...
    def receive(self, core: Core, now_us: int) -> None:
        """Give the core what has arrived and send what it answers.

        Ends after 256 datagrams or about 256 KiB, so that the event loop gets its turn; the rest stays readable.
        """
    def send(self, core: Core) -> None:
        """Send what the core has to say."""
