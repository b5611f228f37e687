"""Why a TLS connection did not come about, in words, and in the log once rather than at every attempt."""

from __future__ import annotations

import logging
import ssl
from typing import NamedTuple

from amfast.cluster.address import format_address, format_ip
from amfast.model.clock import Clock

_REPEAT_AFTER_US = 300 * 1_000_000
_REMEMBERED_MAX = 256
_LINES_MAX = 32
"""Lines within ``_REPEAT_AFTER_US`` in all, whatever number of addresses they are about."""

_NOT_TLS = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"))
_ALERT = "_ALERT_"


class TlsRefusedError(ConnectionError):
    """One side refused the other; the text says which and why."""


class Refusal(NamedTuple):
    """``by`` is ``peer`` or ``this node``."""

    by: str
    why: str

    def __str__(self) -> str:
        return f"TLS connection refused by {'the peer' if self.by == 'peer' else self.by}: {self.why}"


def refusal_of(error: ssl.SSLError) -> Refusal:
    """Which side refused, and why. OpenSSL's own words carry nothing from the network."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refusal("this node", f"the peer's certificate was not accepted: {error.verify_message}")
    reason = error.reason or ""
    if _ALERT in reason:
        return Refusal("peer", reason.partition(_ALERT)[2].replace("_", " ").lower())
    if reason in _NOT_TLS:
        return Refusal("this node", "what the peer sent is not TLS")
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return Refusal("this node", "the peer showed no certificate")
    return Refusal("this node", reason.replace("_", " ").lower() or "broken TLS")


class Refusals:
    """Writes them down. The same about the same host comes again after five minutes at the earliest."""

    def __init__(self, clock: Clock, log: logging.Logger) -> None:
        self._clock = clock
        self._log = log
        self._told: dict[tuple[str, str, Refusal], tuple[int, int]] = {}
        """When each was told last, and how often it happened since."""
        self._lines = 0
        self._lines_since_us = 0

    def accepted(self, refusal: Refusal, ip: bytes, port: int) -> None:
        """A peer that dialled."""
        self._tell(refusal, "inbound", format_ip(ip), format_address(ip, port))

    def dialled(self, refusal: Refusal, ip: bytes, port: int) -> None:
        """A peer that was dialled."""
        address = format_address(ip, port)
        self._tell(refusal, "outbound", address, address)

    def _tell(self, refusal: Refusal, direction: str, host: str, address: str) -> None:
        now_us = self._clock.monotonic_us()
        key = direction, host, refusal
        told_us, repeats = self._told.pop(key, (None, 0))
        if told_us is not None and now_us - told_us < _REPEAT_AFTER_US:
            self._told[key] = told_us, repeats + 1
            return
        if now_us - self._lines_since_us >= _REPEAT_AFTER_US:
            self._lines, self._lines_since_us = 0, now_us
        self._lines += 1
        if self._lines > _LINES_MAX:
            return
        self._told[key] = now_us, 0
        if len(self._told) > _REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        attrs = {"peer": address, "direction": direction, "refused_by": refusal.by, "err": refusal.why}
        if repeats:
            attrs["repeated"] = str(repeats)
        self._log.warning("TLS connection refused", extra={"attrs": attrs})
