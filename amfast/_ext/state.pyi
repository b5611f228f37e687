"""Who is in the cluster and what is believed of them: the rules of reference gossip, sections 9, 10.5 and 12."""

from typing import Final, NamedTuple, final

ALIVE: Final = 0
SUSPECT: Final = 1
DEAD: Final = 2
LEFT: Final = 3

class Event(NamedTuple):
    """Something the layer above may want to know; ``kind`` says which fields are set.

    ``join``, ``leave``, ``update``: name, ip, port. ``user``: data. ``alive``: name (an alive message was
    processed, before the incarnation test). ``conflict``: name, ip, port (the refused address).
    ``ping``: name, value (round trip in microseconds). ``refuted``: value (the new incarnation).
    ``suspect``: name. ``dead``: name. ``tcp_only``: name (UDP does not reach it, TCP does).
    """

    kind: str
    name: str = ""
    ip: bytes = b""
    port: int = 0
    data: bytes = b""
    value: int = 0

def suspicion_span_us(members: int, probe_interval_us: int) -> tuple[int, int]:
    """Shortest and longest life of a suspicion in a table of this many entries."""

def suspicion_total_us(shortest_us: int, longest_us: int, confirmations: int, confirmations_max: int) -> int:
    """Life of a suspicion after so many confirmations."""

@final
class State:
    """Used from Cython only; see state.pxd."""

    def __init__(self, seed: int, bind_port: int, probe_interval_us: int) -> None: ...
