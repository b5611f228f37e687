"""Our Peer and the real Alertmanager in one cluster under mutual TLS."""

# ruff: noqa: F811 - an imported fixture is an argument of the same name

import asyncio
import logging
import subprocess
import time

import pytest

from amfast.config.cluster_tls import load_cluster_tls
from tests.integration.test_cluster_go import (  # noqa: F401 - world is a fixture
    PROGRAM,
    gone,
    has,
    lists,
    silence_body,
    until_true,
    world,
)
from tests.integration.test_cluster_sockets import until
from tests.support.certificates import Authority, tls_file

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="needs prometheus-alertmanager (Debian package prometheus-alertmanager)"
)


def knows(flag):
    """Whether the installed Alertmanager has a flag."""
    if PROGRAM is None:
        return False
    shown = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=False)
    return flag in shown.stdout + shown.stderr


NEEDS_LABEL = pytest.mark.skipif(
    not knows("--cluster.label"), reason="needs an Alertmanager with --cluster.label"
)


@pytest.fixture
def authority(tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def stranger(tmp_path):
    """Another authority."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Authority(folder, "stranger")


@pytest.fixture
def file(authority):
    """The TLS file of a node by its name."""

    def make(name, signer=authority, trusted=authority, *, as_client=True, **sign):
        pair = signer.sign(name, **sign)
        return tls_file(signer.folder, name, trusted=trusted.file, pair=pair, as_client=as_client)

    return make


def flags(file, *more):
    return [f"--cluster.tls-config={file}", "--cluster.tcp-timeout=2s", *more]


@pytest.fixture
def pair_up(world, file):
    """Run ``body(go, our, start_our)`` with one node of each kind that know each other, under a label or none."""

    def run(body, label=""):
        async def main(start_go, start_our):
            go = await start_go(flags=flags(file("go"), *([f"--cluster.label={label}"] if label else [])))
            our = await start_our([go.cluster], tls=load_cluster_tls(file("ours")), label=label)
            await until_true(lambda: lists(go, our.peer.address))
            assert await go.peers() == our.members
            await body(go, our, start_our)

        world(main)

    return run


@pytest.mark.parametrize("label", ["", pytest.param("prod", marks=NEEDS_LABEL)])
@pytest.mark.parametrize("size", [10, 680, 60_000])
def test_a_silence_of_any_size_reaches_the_other_kind(pair_up, size, label):
    async def body(go, our, _start_our):
        comment = "ours ".ljust(size, "x")
        our.broadcast(our.silences.add(1, comment))
        await until_true(lambda: has(go, comment), 5)
        comment = "go's ".ljust(size, "x")
        await go.get("/api/v2/silences", silence_body(comment))
        await until(lambda: comment in our.silences.comments(), 5)

    pair_up(body, label)


def test_go_joins_ours_and_a_large_state_is_exchanged(world, file):
    async def body(start_go, start_our):
        our = await start_our(tls=load_cluster_tls(file("ours")))
        comments = {f"ours {number} {'x' * 200}" for number in range(300)}
        for number, comment in enumerate(comments):
            our.silences.add(number, comment)
        go = await start_go([our.peer.address], flags(file("go")))
        await until(lambda: len(our.members) == 2)
        await until_true(lambda: has(go, *comments), 5)

    world(body)


def test_an_idle_pair_stays_healthy_and_counts_as_the_reference_does(pair_up):
    async def body(go, our, _start_our):
        await asyncio.sleep(3)
        assert await go.metric("alertmanager_cluster_peers_left_total") == [0]
        assert await go.metric("alertmanager_cluster_health_score") == [0]
        (pings,) = await go.metric('alertmanager_cluster_pings_seconds_count{peer="ours"}')
        assert pings > 4
        theirs = await go.metric("alertmanager_tls_transport_read_errors_total")
        metrics = {family.name: dict(family.samples) for family in our.peer.metrics()}
        assert theirs == [metrics["alertmanager_tls_transport_read_errors_total"][()]] == [0]
        assert metrics["alertmanager_cluster_peers_left_total"] == {(): 0}
        sent = metrics["alertmanager_tls_transport_packet_bytes_sent_total"][()]
        (received,) = await go.metric("alertmanager_tls_transport_packet_bytes_received_total")
        assert 0 < sent - 300 < received <= sent + 2000

    pair_up(body)


def test_a_killed_go_node_is_noticed(pair_up):
    async def body(go, our, _start_our):
        go.process.kill()
        await until(lambda: list(our.members) == ["ours"], 6)

    pair_up(body)


def test_a_killed_node_of_ours_is_noticed_by_go_through_another_of_ours_and_found_again(pair_up, file):
    async def body(go, our, start_our):
        witness = await start_our([go.cluster], peer_name="witness", tls=load_cluster_tls(file("witness")))
        await until(lambda: len(our.members) == len(witness.members) == 3)
        address = our.peer.address
        await our.peer.close()
        await until_true(lambda: gone(go), 8)
        await start_our(listen=address, tls=load_cluster_tls(file("ours")))
        await until_true(lambda: lists(go, address), 5)

    pair_up(body)


def test_an_orderly_leave_is_seen_at_once_in_both_directions(pair_up, world, file):
    async def body(go, our, _start_our):
        await our.peer.leave(3)
        await until_true(lambda: gone(go), 1)

    pair_up(body)

    async def other_way(start_go, start_our):
        our = await start_our(tls=load_cluster_tls(file("ours")))
        go = await start_go([our.peer.address], flags(file("go")))
        await until(lambda: len(our.members) == 2)
        go.process.terminate()
        await until(lambda: len(our.members) == 1, 3)

    world(other_way)


def test_a_stall_of_ours_makes_it_suspect_nobody_and_both_find_together_again(pair_up):
    async def body(go, our, _start_our):
        for _ in range(3):
            time.sleep(0.9)  # noqa: ASYNC251 - the stall
            await asyncio.sleep(0.3)
        await until_true(lambda: lists(go, our.peer.address))
        metrics = {family.name: dict(family.samples) for family in our.peer.metrics()}
        assert metrics["alertmanager_cluster_peers_left_total"] == {(): 0}

    pair_up(body)


@pytest.mark.parametrize("who", ["ours", "go"])
@pytest.mark.parametrize("kind", ["another authority", "expired", "no certificate"])
def test_who_has_no_right_certificate_stays_out_until_it_has(
    world, file, authority, stranger, caplog, who, kind
):
    caplog.set_level(logging.INFO)
    wrong = {
        "another authority": {"signer": stranger},
        "expired": {"days": (-9, -1)},
        "no certificate": {"as_client": False},
    }[kind]

    async def body(start_go, start_our):
        go = await start_go(flags=flags(file("go", **(wrong if who == "go" else {}))))
        settings = load_cluster_tls(file("ours", **(wrong if who == "ours" else {})))
        our = await start_our([go.cluster], tls=settings)
        if (who, kind) == ("go", "no certificate"):  # it is dialled, and shows its certificate then
            await until(lambda: len(our.members) == 2)
            await asyncio.sleep(1)
            refused = [line.attrs for line in caplog.records if line.getMessage() == "TLS connection refused"]
            assert {(x["direction"], x["err"]) for x in refused} == {
                ("inbound", "the peer showed no certificate")
            }
            return
        await asyncio.sleep(1)
        assert list(our.members) == ["ours"]
        assert len(await go.peers()) == 1
        refused = [line.attrs for line in caplog.records if line.getMessage() == "TLS connection refused"]
        assert {x["refused_by"] for x in refused} == {"peer" if who == "ours" else "this node"}
        assert 1 <= len(refused) <= 3
        if kind == "expired":
            authority.sign("ours" if who == "ours" else "go")
            await until(lambda: len(our.members) == 2, 5)
            await until_true(lambda: lists(go, our.peer.address), 5)

    world(body)
