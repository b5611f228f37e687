"""One run: a cluster of whole nodes lives through its faults, and is watched."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amfast.model.errors import AmfastError
from amfast.sim.checkers import Violations
from amfast.sim.contract.agreement import Agreement
from amfast.sim.contract.checkers import Copies, Knowledge
from amfast.sim.contract.draw import add_operators, add_senders, draw_promises
from amfast.sim.contract.faults import NAMES, plan
from amfast.sim.contract.kept import Kept
from amfast.sim.contract.misses import Misses
from amfast.sim.contract.promises import Promises
from amfast.sim.contract.world import World
from amfast.sim.seeds import stream

FAULTS_S = 900.0
_SKEWED = ("clocks", "chaos")


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a run."""

    faults: str
    seed: int
    nodes: int
    digest: str
    virtual_s: float
    told: int
    """Notifications that receivers took."""
    reasons: int
    """Of these, those that said something new, or repeated what was due."""
    copies: int
    worst: int
    """Most copies of one of them."""
    late_s: float
    """The longest that a last word was wrong although somebody could have put it right."""
    late_s_promised: float
    equal_s: float | None
    violations: int
    violation_texts: tuple[str, ...]


def run(
    faults: str,
    seed: int,
    nodes: int | None = None,
    promises: Promises | None = None,
    watch: Callable[[World], object] = id,
) -> Result:
    """Run a class of faults under the settings that are drawn, or these ``promises``.

    ``watch`` is given the world before it starts. Raises AmfastError for an unknown class.
    """
    if faults not in NAMES:
        raise AmfastError(f"unknown faults {faults!r}; there are: {', '.join(NAMES)}")
    random = stream(seed, f"contract {faults}")
    promises = promises or draw_promises(random, nodes)
    with _alone(), _listening() as defects:
        world = World(promises, seed)
        try:
            watch(world)
            defects.found = world.failures
            return _Run(world, faults, seed).result()
        finally:
            world.close()


class _Run:
    """The world of a run with all checkers."""

    def __init__(self, world: World, faults: str, seed: int) -> None:
        self._world = world
        self._faults = faults
        self._seed = seed
        self._violations = Violations()
        self._copies = Copies(
            world, self._violations, 2 * world.promises.skew_s if faults in _SKEWED else 0.0
        )
        self._knowledge = Knowledge(world, self._violations)
        self._misses = Misses(world, self._violations)
        self._kept = Kept(world, self._violations)
        self._agreement = Agreement(world, self._violations)

    def result(self) -> Result:
        """Let it happen."""
        world, promises = self._world, self._world.promises
        faults_end_s = FAULTS_S
        calm_s = promises.quiet_s + promises.corrected_s
        random = stream(self._seed, f"world {self._faults}")
        for index in range(promises.nodes):
            world.at(random.random() * 5, world.start, index)
        add_senders(world, random, faults_end_s + calm_s)
        add_operators(world, random, faults_end_s + calm_s)
        plan(world, self._faults, faults_end_s, random)
        self._watch_until(faults_end_s / 2)
        self._agreement.merge_all()
        self._watch_until(faults_end_s)
        self._agreement.merge_all()
        while world.troubles.calm_since_us() is None and world.now_s < faults_end_s + promises.ready_s:
            self._watch_until(world.now_s + 1)
        mended_s = world.now_s
        self._watch_until(mended_s + calm_s, mended_s)
        while self._agreement.equal_s is None and world.now_s < mended_s + promises.equal_s:
            self._watch_until(world.now_s + 1, mended_s)
        return self._finish()

    def _watch_until(self, end_s: float, mended_s: float | None = None) -> None:
        world = self._world
        while world.now_s < end_s:
            world.run_until(min(world.now_s + 1, end_s))
            self._copies.poll()
            self._knowledge.poll()
            self._misses.poll()
            self._kept.poll()
            if mended_s is not None:
                self._agreement.poll(mended_s)

    def _finish(self) -> Result:
        world, violations = self._world, self._violations
        self._agreement.finish()
        if world.troubles.calm_since_us() is None:
            violations.add(world.now_us, "some nodes do not serve long after the last fault")
        for text in (*world.failures, *world.loop.failures):
            violations.add(world.now_us, text)
        return Result(
            faults=self._faults,
            seed=self._seed,
            nodes=world.promises.nodes,
            digest=world.digest.hex(),
            virtual_s=world.now_s,
            told=len(world.told),
            reasons=self._copies.reasons,
            copies=self._copies.copies,
            worst=self._copies.worst,
            late_s=self._misses.longest_us / 1e6,
            late_s_promised=world.promises.notified_s,
            equal_s=self._agreement.equal_s,
            violations=violations.count,
            violation_texts=tuple(violations.texts),
        )


@contextmanager
def _alone() -> Iterator[None]:
    """Without the collector, which would end forgotten tasks at times that no seed decides."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        if was_enabled:
            gc.enable()


class _Defects(logging.Handler):
    """Hears what nodes log: receivers that fail are part of the game.

    Exceptions that nobody expected, and damage by a crash, are not.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = str(getattr(record, "attrs", {}).get("err", ""))
        if record.exc_info or _UNEXPECTED.match(error) or "damaged" in record.getMessage():
            self.found.append(f"{record.name}: {record.getMessage()}: {error or record.exc_info}")


_UNEXPECTED = re.compile(r"\w+(Error|Exception): ")


@contextmanager
def _listening() -> Iterator[_Defects]:
    """Nothing that nodes log is printed."""
    defects, logger = _Defects(), logging.getLogger("amfast")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(defects)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield defects
    finally:
        logger.removeHandler(defects)
        logger.setLevel(level)
        logger.propagate = propagate
