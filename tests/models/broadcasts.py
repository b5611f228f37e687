"""Plain twin of the broadcast queue: a list, searched from the start each time (reference gossip, section 11)."""

from dataclasses import dataclass


@dataclass
class Item:
    message: bytes
    owner: int
    number: int
    transmits: int = 0


class Broadcasts:
    def __init__(self, count_max: int) -> None:
        self.count_max = count_max
        self.items: list[Item] = []
        self.inserted = 0

    def _sorted(self) -> list[Item]:
        return sorted(self.items, key=lambda item: (item.transmits, -len(item.message), -item.number))

    def push(self, message: bytes, owner: int = -1) -> None:
        self.items = [item for item in self.items if owner < 0 or item.owner != owner]
        if len(self.items) == self.count_max:
            self.items.remove(self._sorted()[-1])
        self.inserted += 1
        self.items.append(Item(message, owner, self.inserted))

    def take(self, overhead: int, limit: int, retransmits: int) -> list[bytes]:
        taken: list[Item] = []
        for tier in sorted({item.transmits for item in self.items}):
            for item in self._sorted():
                if item.transmits == tier and len(taken) < 255 and len(item.message) <= limit - overhead > 0:
                    taken.append(item)
                    limit -= overhead + len(item.message)
        for item in taken:
            item.transmits += 1
            if item.transmits >= max(retransmits, 1):
                self.items.remove(item)
        return [item.message for item in taken]

    def prune(self, keep: int) -> int:
        before = len(self.items)
        self.items = self._sorted()[:keep]
        return before - len(self.items)

    def __len__(self) -> int:
        return len(self.items)
