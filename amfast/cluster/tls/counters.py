"""What the TLS transport counts (reference metrics, section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amfast.model.metric import Family, single

_PREFIX = "alertmanager_tls_transport_"


@dataclass(slots=True)
class Counters:
    """Totals since the start."""

    packet_bytes_sent: int = 0
    packet_bytes_received: int = 0
    streams_sent: int = 0
    streams_received: int = 0
    read_errors: int = 0
    """Accepted connections that ended otherwise than as a stream, in order or not, as the reference counts."""
    packet_write_errors: int = 0
    stream_write_errors: int = 0

    def families(self) -> Iterator[Family]:
        """As ``/metrics`` shows them."""
        for name, help_text, value in (
            ("packet_bytes_sent_total", "Bytes of packets sent, without framing.", self.packet_bytes_sent),
            (
                "packet_bytes_received_total",
                "Bytes of packets received, without framing.",
                self.packet_bytes_received,
            ),
            ("stream_connections_sent_total", "Streams dialled.", self.streams_sent),
            ("stream_connections_received_total", "Streams accepted.", self.streams_received),
            ("read_errors_total", "Accepted connections that ended, streams excepted.", self.read_errors),
        ):
            yield single(_PREFIX + name, "counter", help_text, value)
        yield Family(
            _PREFIX + "write_errors_total",
            "counter",
            "Packets and streams that could not be sent.",
            [(("packet",), self.packet_write_errors), (("stream",), self.stream_write_errors)],
            ("connection_type",),
        )
