"""Faults as data: what happens to which nodes and links, and when. Times are seconds after the start of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from amfast.sim.network import Link
from amfast.sim.seeds import stream
from amfast.sim.world import World, seconds

LOSS_TO_BLAME = 0.3
"""With more loss than this nobody is expected to be taken for alive."""


class Fault(Protocol):
    """One line of a scenario."""

    def inject(self, world: World) -> None:
        """Put it on the world's timeline; by its end everything it did to links and pauses is undone."""
        ...


@dataclass(frozen=True, slots=True)
class Crash:
    """Processes end without a word, and perhaps start again under the same name and address."""

    nodes: tuple[int, ...]
    at_s: float
    back_s: float | None = None
    orderly: bool = False
    """They leave first: then they are told to end, rather than killed."""

    def inject(self, world: World) -> None:
        """See :class:`Fault`."""
        for index in self.nodes:
            world.timeline.at(seconds(self.at_s), world.leave if self.orderly else world.crash, index)
            if self.back_s is not None:
                world.timeline.at(seconds(self.back_s), world.start, index)


@dataclass(frozen=True, slots=True)
class Pause:
    """Processes stand still; what they are sent is kept for them, or lost."""

    nodes: tuple[int, ...]
    start_s: float
    end_s: float
    keep: bool = True

    def inject(self, world: World) -> None:
        """See :class:`Fault`."""
        for index in self.nodes:
            _during(world, self.start_s, self.end_s, partial(self._begin, world, index))

    def _begin(self, world: World, index: int) -> Callable[[], None]:
        world.trouble(index)
        resume = world.pause(index, keep=self.keep)

        def end() -> None:
            resume()
            world.relieve(index)

        return end


@dataclass(frozen=True, slots=True)
class Slow:
    """Processes stall again and again, as under too little CPU: run and stall times are uniform up to a maximum."""

    nodes: tuple[int, ...]
    start_s: float
    end_s: float
    run_s_max: float = 1.0
    stall_s_max: float = 2.0

    def inject(self, world: World) -> None:
        """See :class:`Fault`."""
        for index in self.nodes:
            draw = stream(world.random.getrandbits(64), f"slow {index}").random
            _during(world, self.start_s, self.end_s, partial(_trouble, world, index))
            at_s = self.start_s + draw() * self.run_s_max
            while at_s < self.end_s:
                until_s = min(at_s + draw() * self.stall_s_max, self.end_s)
                _during(world, at_s, until_s, partial(world.pause, index, keep=True))
                at_s = until_s + draw() * self.run_s_max


@dataclass(frozen=True, slots=True)
class Cut:
    """What ``left`` sends to ``right`` is lost, and the other way round unless it is a one-way cut."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    start_s: float
    end_s: float
    one_way: bool = False

    def inject(self, world: World) -> None:
        """See :class:`Fault`."""
        _during(world, self.start_s, self.end_s, partial(world.cut, self.left, self.right))
        if not self.one_way:
            _during(world, self.start_s, self.end_s, partial(world.cut, self.right, self.left))


@dataclass(frozen=True, slots=True)
class Weather:
    """All links are like this for a while."""

    start_s: float
    end_s: float
    link: Link

    def inject(self, world: World) -> None:
        """See :class:`Fault`."""
        _during(world, self.start_s, self.end_s, partial(self._begin, world))

    def _begin(self, world: World) -> Callable[[], None]:
        calm_down = world.change_links(self.link)
        blamed = range(len(world.nodes)) if self.link.loss > LOSS_TO_BLAME else ()
        for index in blamed:
            world.trouble(index)

        def end() -> None:
            calm_down()
            for index in blamed:
                world.relieve(index)

        return end


def _trouble(world: World, index: int) -> Callable[[], None]:
    world.trouble(index)
    return lambda: world.relieve(index)


def _during(world: World, start_s: float, end_s: float, begin: Callable[[], Callable[[], None]]) -> None:
    """Call ``begin`` at the start, and what it returned at the end."""
    start_us, end_us = seconds(start_s), seconds(end_s)
    world.timeline.at(start_us, lambda: world.timeline.at(end_us, begin()))
