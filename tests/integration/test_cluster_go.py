"""Our Peer in one cluster with the real Alertmanager."""

import asyncio
import json
import logging
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from types import SimpleNamespace

import pytest

from amfast._ext.pb import decode_silences, encode_silence
from amfast.cluster.options import Options
from amfast.cluster.peer import Peer
from amfast.loopclock import LoopClock
from tests.integration.test_cluster_sockets import until, uvloop_loop

PROGRAM = shutil.which("prometheus-alertmanager")
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="needs prometheus-alertmanager (Debian package prometheus-alertmanager)"
)

CONFIG = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n"
NS = 1_000_000_000


def free_port():
    """A port free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class GoNode:
    """One running Alertmanager with short gossip intervals."""

    def __init__(self, folder, peers=(), flags=()):
        folder.mkdir()
        (folder / "config.yml").write_text(CONFIG)
        self.cluster = f"127.0.0.1:{free_port()}"
        self.web = f"127.0.0.1:{free_port()}"
        command = [
            PROGRAM,
            f"--config.file={folder / 'config.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.web}",
            f"--cluster.listen-address={self.cluster}",
            "--cluster.gossip-interval=50ms",
            "--cluster.probe-interval=200ms",
            "--cluster.probe-timeout=100ms",
            "--cluster.pushpull-interval=1s",
            "--cluster.reconnect-interval=300ms",
            "--log.level=debug",
            *(f"--cluster.peer={peer}" for peer in peers),
            *flags,
        ]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)

    async def ready(self):
        await until_true(self._answers)

    async def _answers(self):
        try:
            await self.get("/api/v2/status")
        except OSError:
            return False
        return True

    async def get(self, path, body=None):
        def fetch():
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(
                f"http://{self.web}{path}", data, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=3) as answer:
                return json.load(answer)

        return await asyncio.to_thread(fetch)

    async def peers(self):
        status = await self.get("/api/v2/status")
        return {peer["name"]: peer["address"] for peer in status["cluster"]["peers"]}

    async def silences(self):
        return {silence["comment"] for silence in await self.get("/api/v2/silences")}

    async def metric(self, start):
        def fetch():
            with urllib.request.urlopen(f"http://{self.web}/metrics", timeout=3) as answer:
                return answer.read().decode()

        text = await asyncio.to_thread(fetch)
        return [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start)]

    def stop(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(10)
        self.log.close()


async def until_true(condition, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.05)


class Silences:
    """Silences by id, decoded by the codec that the product uses."""

    def __init__(self):
        self.by_id = {}

    def marshal(self):
        return b"".join(self.by_id.values())

    def merge(self, data):
        changed = 0
        for silence in decode_silences(data):
            encoded = encode_silence(silence, silence.expires_at_ns)
            changed += self.by_id.get(silence.id) != encoded
            self.by_id[silence.id] = encoded
        return changed

    def comments(self):
        return {silence.comment for silence in decode_silences(self.marshal())}

    def add(self, number, comment):
        now_ns = time.time_ns()
        silence = SimpleNamespace(
            id=f"00000000-0000-4000-8000-{number:012d}",
            matcher_sets=(((0, "job", "test"),),),
            starts_at_ns=now_ns,
            ends_at_ns=now_ns + 3600 * NS,
            updated_at_ns=now_ns,
            created_by="test",
            comment=comment,
            annotations={},
            unknown=b"",
        )
        encoded = encode_silence(silence, now_ns + 7200 * NS)
        self.by_id[silence.id] = encoded
        return encoded


class EmptyLog:
    def marshal(self):
        return b""

    def merge(self, _data):
        return 0


class Our:
    """Our Peer with silences."""

    def __init__(self, peers=(), listen="127.0.0.1:0", **options):
        chosen = {
            "listen_address": listen,
            "peer_name": "ours",
            "peers": tuple(peers),
            "gossip_interval_s": 0.05,
            "probe_interval_s": 0.2,
            "probe_timeout_s": 0.1,
            "push_pull_interval_s": 1.0,
            "reconnect_interval_s": 0.3,
        }
        self.peer = Peer(
            Options(**(chosen | options)),
            clock=LoopClock(),
            log=logging.getLogger("test.cluster"),
            random=random.Random(1),
        )
        self.silences = Silences()
        self.broadcast = None

    async def start(self):
        await self.peer.start()
        self.peer.add_state("nfl", EmptyLog())
        self.broadcast = self.peer.add_state("sil", self.silences)
        await self.peer.join()

    @property
    def members(self):
        return dict(self.peer.members())


@pytest.fixture
def world(tmp_path):
    """Run ``body(start_go, start_our)`` on uvloop; ends every process and peer that it started."""
    nodes, ours = [], []

    async def start_go(peers=(), flags=()):
        node = GoNode(tmp_path / f"go{len(nodes)}", peers, flags)
        nodes.append(node)
        await node.ready()
        return node

    async def start_our(peers=(), **options):
        our = Our(peers, **options)
        ours.append(our)
        await our.start()
        return our

    async def main(body):
        try:
            async with asyncio.timeout(19):
                await body(start_go, start_our)
        finally:
            for our in ours:
                await our.peer.close()

    try:
        with asyncio.Runner(loop_factory=uvloop_loop) as runner:
            yield lambda body: runner.run(main(body))
    finally:
        for node in nodes:
            node.stop(signal.SIGKILL)


def silence_body(comment):
    starts, ends = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + s)) for s in (1, 3600))
    matcher = {"name": "job", "value": "test", "isRegex": False, "isEqual": True}
    return {"matchers": [matcher], "startsAt": starts, "endsAt": ends, "createdBy": "t", "comment": comment}


def test_ours_joins_go_and_each_lists_the_other(world):
    async def body(start_go, start_our):
        go = await start_go()
        our = await start_our([go.cluster])
        assert len(our.members) == 2
        await until_true(lambda: lists(go, our.peer.address))
        assert go.cluster in our.members.values()
        assert await go.peers() == our.members

    world(body)


async def lists(go, address):
    return (await go.peers()).get("ours") == address


def test_go_joins_ours_and_each_lists_the_other(world):
    async def body(start_go, start_our):
        our = await start_our()
        go = await start_go([our.peer.address])
        await until(lambda: len(our.members) == 2)
        assert await go.peers() == our.members

    world(body)


@pytest.mark.parametrize("size", [10, 400, 1500])
def test_a_silence_of_any_size_reaches_the_other_kind(world, size):
    async def body(start_go, start_our):
        go = await start_go()
        our = await start_our([go.cluster], push_pull_interval_s=600.0)
        await until_true(lambda: lists(go, our.peer.address))
        comment = "ours ".ljust(size, "x")
        our.broadcast(our.silences.add(1, comment))
        await until_true(lambda: has(go, comment), 5)
        await go.get("/api/v2/silences", silence_body("go's ".ljust(size, "x")))
        await until(lambda: "go's ".ljust(size, "x") in our.silences.comments(), 5)

    world(body)


async def has(go, *comments):
    return set(comments) <= await go.silences()


def test_full_state_is_exchanged_both_ways_when_joining(world):
    async def body(start_go, _start_our):
        go = await start_go()
        for number in range(5):
            await go.get("/api/v2/silences", silence_body(f"go {number}"))
        our = Our([go.cluster])
        try:
            await our.peer.start()
            our.peer.add_state("nfl", EmptyLog())
            our.peer.add_state("sil", our.silences)
            comments = {f"ours {number}" for number in range(300)}
            for number, comment in enumerate(sorted(comments)):
                our.silences.add(number, comment)
            await our.peer.join()
            assert {f"go {number}" for number in range(5)} <= our.silences.comments()
            await until_true(lambda: has(go, *comments), 5)
        finally:
            await our.peer.close()

    world(body)


def test_a_killed_go_node_is_noticed(world):
    async def body(start_go, start_our):
        go = await start_go()
        our = await start_our([go.cluster])
        await until(lambda: len(our.members) == 2)
        go.process.kill()
        await until(lambda: list(our.members) == ["ours"])

    world(body)


def test_our_killed_node_is_noticed_by_go_and_found_again(world):
    async def body(start_go, start_our):
        go = await start_go()
        our = await start_our([go.cluster])
        address = our.peer.address
        await until_true(lambda: lists(go, address))
        await our.peer.close()
        await until_true(lambda: gone(go))
        back = await start_our(listen=address)
        await until_true(lambda: lists(go, address))
        assert go.cluster in back.members.values()

    world(body)


async def gone(go):
    return "ours" not in await go.peers()


def test_an_orderly_leave_is_seen_at_once_in_both_directions(world):
    async def body(start_go, start_our):
        stays = await start_go()
        goes = await start_go([stays.cluster])
        our = await start_our([stays.cluster])
        await until(lambda: len(our.members) == 3)
        goes.process.terminate()
        await until(lambda: goes.cluster not in our.members.values(), 3)
        await until_true(lambda: lists(stays, our.peer.address))
        await our.peer.leave(3)
        await until_true(lambda: gone(stays), 1)

    world(body)


def test_a_stall_of_ours_makes_it_suspect_nobody_and_both_find_together_again(world):
    async def body(start_go, start_our):
        go = await start_go()
        our = await start_our([go.cluster])
        await until_true(lambda: lists(go, our.peer.address))
        for _ in range(3):
            time.sleep(0.9)  # noqa: ASYNC251 - the stall
            await asyncio.sleep(0.3)
        await until_true(lambda: lists(go, our.peer.address))
        metrics = {family.name: dict(family.samples) for family in our.peer.metrics()}
        assert metrics["alertmanager_cluster_peers_left_total"] == {(): 0}
        assert len(our.members) == 2

    world(body)


def test_an_idle_mixed_cluster_stays_healthy(world):
    async def body(start_go, start_our):
        first = await start_go()
        second = await start_go([first.cluster])
        our = await start_our([first.cluster])
        await until(lambda: len(our.members) == 3)
        await asyncio.sleep(5)
        for go in (first, second):
            assert await go.metric("alertmanager_cluster_peers_left_total") == [0]
            assert await go.metric("alertmanager_cluster_health_score") == [0]
            (pings,) = await go.metric('alertmanager_cluster_pings_seconds_count{peer="ours"}')
            assert pings > 5
        metrics = {family.name: dict(family.samples) for family in our.peer.metrics()}
        assert metrics["alertmanager_cluster_peers_left_total"] == {(): 0}
        assert metrics["alertmanager_cluster_health_score"] == {(): 0}
        assert len(metrics["alertmanager_cluster_pings_seconds"]) == 2

    world(body)
