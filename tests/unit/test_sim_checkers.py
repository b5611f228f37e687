"""The checkers catch what they are for: a broken network, and histories that cannot be."""

import pytest

from amfast._ext.swim import ALIVE, Event, Member
from amfast._ext.unpack import Unpacker
from amfast._ext.wire import decode_body
from amfast.sim.checkers import FalseDeaths, Memories, Refutations, Settling, Violations
from amfast.sim.faults import Pause
from amfast.sim.network import Link
from amfast.sim.node import PORT
from amfast.sim.run import run
from amfast.sim.scenarios import Scenario
from amfast.sim.timing import Timing
from amfast.sim.world import World, seconds

ALIVE_MESSAGE = 4


def refutations_pass(packet_bytes_seen):
    """A network filter that drops every packet with an alive message of a refuted suspicion, and every stream."""
    unpacker = Unpacker(b"")

    def passes(_source, _target, data):
        packet_bytes_seen.append(len(data))
        if not data:
            return False  # a stream being dialled
        for message in unpacker.messages(data):
            if message[0] == ALIVE_MESSAGE and decode_body(ALIVE_MESSAGE, message[1:])[0]["Incarnation"] > 1:
                return False
        return True

    return passes


PAUSED = Scenario("canary", 10, 40.0, (Pause((3,), 5.0, 9.0),))


def test_canary_a_network_that_drops_refutations_is_caught():
    seen = []
    result = run(PAUSED, 1, packet_filter=refutations_pass(seen))
    assert seen
    assert result.false_names > 0
    assert any("disagreements" in text for text in result.violation_texts)
    assert any("well and dead to" in text for text in result.violation_texts)


def test_canary_the_same_run_on_a_sound_network_has_no_violation():
    assert run(PAUSED, 1).violation_texts == ()


@pytest.fixture
def world():
    world = World(5, 1, Timing(), Link())
    world.start_warm()
    return world


class TestMemories:
    def look(self, world, *known, dead_s=None):
        """Let node0 know these incarnations of node1, one after the other; it died so long before the last."""
        violations = Violations()
        memories = Memories(world, violations)
        for number, incarnation in enumerate(known):
            if dead_s is not None and number == len(known) - 1:
                memories.on_leave(world.nodes[0], Event("leave", "node1"))
                world.run_for(seconds(dead_s))
            memories.look(world.nodes[0], {} if incarnation is None else {"node1": incarnation})
        return violations.texts

    def test_incarnations_may_grow(self, world):
        assert self.look(world, 1, 1, 3) == []

    def test_an_incarnation_that_goes_back_is_caught(self, world):
        assert self.look(world, 1, 3, 2) == ["0.000s node0 saw node1 go back from incarnation 3 to 2"]

    def test_a_forgotten_member_is_caught(self, world):
        assert self.look(world, 1, None) == ["0.000s node0 forgot node1"]

    def test_the_dead_may_be_forgotten_but_not_at_once(self, world):
        assert self.look(world, 1, None, dead_s=31) == []
        assert len(self.look(world, 1, None, dead_s=5)) == 1

    def test_after_it_could_be_forgotten_any_incarnation_is_news(self, world):
        violations = Violations()
        memories = Memories(world, violations)
        node = world.nodes[0]
        memories.look(node, {"node1": 5})
        memories.on_leave(node, Event("leave", "node1"))
        world.run_for(seconds(40))
        memories.on_join(node, Event("join", "node1"))
        memories.look(node, {"node1": 2})
        assert violations.count == 0

    def test_who_crashed_may_know_less(self, world):
        violations = Violations()
        memories = Memories(world, violations)
        memories.look(world.nodes[0], {"node1": 5})
        memories.on_crash(world.nodes[0])
        memories.look(world.nodes[0], {"node1": 1})
        assert violations.count == 0


class Observer:
    """A node that holds what it is told about node1."""

    index, name = 0, "node0"

    def __init__(self, incarnation):
        self.incarnation = incarnation

    def entry(self, name):
        return Member(name, b"", PORT, ALIVE, self.incarnation)


class TestRefutations:
    def history(self, world, *steps):
        """Events of node0 about node1: (kind, incarnation in its table, seconds until then)."""
        world.run_for(seconds(200))
        violations = Violations()
        checker = Refutations(world, violations)
        for kind, incarnation, wait_s in steps:
            world.run_for(seconds(wait_s))
            getattr(checker, f"on_{kind}")(Observer(incarnation), Event(kind, "node1"))
        return violations.texts

    def test_a_suspicion_that_lasted_may_kill(self, world):
        assert self.history(world, ("suspect", 1, 0), ("dead", 1, 5)) == []

    def test_a_suspicion_that_was_too_short_may_not(self, world):
        (text,) = self.history(world, ("suspect", 1, 0), ("dead", 1, 2))
        assert text.endswith("node0 holds node1 dead at incarnation 1, suspected at 200.000s")

    def test_a_death_out_of_nothing_is_caught(self, world):
        (text,) = self.history(world, ("dead", 1, 0))
        assert text.endswith("suspected never")

    def test_a_refuted_suspicion_that_kills_is_caught(self, world):
        (text,) = self.history(world, ("suspect", 1, 0), ("alive", 2, 1), ("dead", 1, 9))
        assert text.endswith("node0 holds node1 dead at incarnation 1, refuted at 2")

    def test_a_new_suspicion_after_the_refutation_may_kill(self, world):
        steps = (("suspect", 1, 0), ("alive", 2, 1), ("suspect", 2, 1), ("dead", 2, 5))
        assert self.history(world, *steps) == []

    def test_who_was_forgotten_meanwhile_may_come_back_at_an_old_incarnation(self, world):
        steps = (("suspect", 1, 0), ("suspect", 2, 0), ("alive", 3, 1), ("suspect", 3, 1), ("dead", 3, 5))
        back = (("join", 2, 40), ("dead", 2, 9))
        assert self.history(world, *steps, *back) == []
        assert len(self.history(world, *steps, ("join", 2, 10), ("dead", 2, 9))) == 1

    def test_who_was_suspected_while_it_was_down_may_die_of_it_later(self, world):
        world.crash(1)
        violations = Violations()
        checker = Refutations(world, violations)
        checker.on_suspect(Observer(1), Event("suspect", "node1"))
        world.start(1)
        world.run_for(seconds(100))
        checker.on_dead(Observer(1), Event("dead", "node1"))
        assert violations.count == 0

    @pytest.mark.parametrize(("known_to_all", "found"), [(2, 0), (1, 1)])
    def test_a_refutation_that_most_never_hear_of_is_caught(self, world, known_to_all, found):
        violations = Violations()
        checker = Refutations(world, violations)
        for node in world.nodes:
            node.entry = Observer(known_to_all).entry
        checker.on_refuted(world.nodes[1], Event("refuted", "node1", value=2))
        world.run_for(2 * world.timing.spread_us(5))
        checker.poll()
        assert violations.count == found


class TestFalseDeaths:
    def all_hold_node1_dead(self, world, *, undone=False):
        violations = Violations()
        checker = FalseDeaths(world, violations)
        for observer in (0, 2, 3):
            checker.on_leave(world.nodes[observer], Event("leave", "node1"))
        for _ in range(world.timing.false_death_us(5) // 1_000_000 + 3):
            world.run_for(seconds(1))
            checker.poll()
        if undone:
            checker.on_join(world.nodes[0], Event("join", "node1"))
        return violations

    def test_a_lasting_majority_is_caught_once(self, world):
        violations = self.all_hold_node1_dead(world)
        assert violations.count == 1
        assert "node1 is well and dead to 3 of 5" in violations.texts[0]

    def test_a_crashed_node_may_be_dead_for_ever(self, world):
        world.crash(1)
        assert self.all_hold_node1_dead(world).count == 0

    def test_a_troubled_node_may_be_dead_as_long_as_its_trouble_lasts(self, world):
        world.trouble(1)
        assert self.all_hold_node1_dead(world).count == 0


def test_a_cut_off_node_is_not_well_and_the_majority_is(world):
    mend = world.cut((0, 1), (2, 3, 4))
    assert [world.well_since_us(i) for i in range(5)] == [None, None, 0, 0, 0]
    world.run_for(seconds(2))
    mend()
    assert [world.well_since_us(i) for i in range(5)] == [seconds(2), seconds(2), 0, 0, 0]


def test_disagreement_after_the_bound_is_caught_and_explained(world):
    violations = Violations()
    settling = Settling(world, violations, 0)
    world.nodes[2].crash()
    world.run_for(seconds(1))
    settling.poll()
    assert not settling.over
    world.network.filter = lambda *_: False
    world.run_for(world.timing.complete_us(5))
    settling.poll()
    assert settling.over
    assert "disagreements about who lives" in violations.texts[0]


def test_a_missing_update_is_caught(world):
    violations = Violations()
    settling = Settling(world, violations, 0)
    world.nodes[0].state.put("never sent", 1, b"")
    world.network.filter = lambda _source, _target, data: data != b""  # no streams, so no push/pull
    world.run_for(world.timing.complete_us(5))
    settling.poll()
    assert "updates missing" in violations.texts[-1]
    assert "never sent at node1" in violations.texts[-1]
