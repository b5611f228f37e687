"""Events on their way through the real client library to a broker, which is a small one of our own."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amfast.config.observing import EventRecorder, KafkaOutput
from amfast.config.tls import TlsConfig
from amfast.loopclock import LoopClock
from amfast.model.events import Recording, Started
from amfast.receivers.tls import make_context
from amfast.recorder.recorder import Outside, Recorder
from tests.support.certificates import Authority
from tests.support.kafka import Broker
from tests.unit.test_recorder_words import OFFICIAL

LOG = logging.getLogger("test")
MESSAGE_TOO_LARGE = 10


async def _post(*_what: object) -> str:
    return ""


async def recording(broker: Broker, **changed: Any) -> tuple[Recorder, Callable[[str], None]]:
    """A recorder with one output to the broker, and what records an event that says a text."""
    seam = Recording()
    outside = Outside(_post, lambda _config: None, make_context)
    recorder = Recorder(seam, "host", outside, clock=LoopClock(), log=LOG)
    output = replace(KafkaOutput(brokers=(f"127.0.0.1:{broker.port}",), topic="events"), **changed)
    await recorder.start(EventRecorder(kafka_outputs=(output,)))

    def say(text: str) -> None:
        assert seam.record is not None
        seam.record(Started(text, ""))

    return recorder, say


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await main()

    asyncio.run(bounded())


def counted(recorder: Recorder, name: str) -> dict[tuple[str, ...], Any]:
    return {
        labels: value
        for found in recorder.metrics()
        if found.name == f"alertmanager_{name}"
        for labels, value in found.samples
    }


@pytest.mark.parametrize(("acks", "told"), [("", 1), ("none", 0), ("leader", 1), ("all", -1)])
@pytest.mark.parametrize(
    ("compression", "codec"), [("", 0), ("none", 0), ("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)]
)
def test_a_broker_gets_every_event_with_the_host_as_its_key(acks, told, compression, codec):
    async def main() -> None:
        broker = Broker()
        await broker.start()
        recorder, say = await recording(broker, acks=acks, compression=compression)
        for number in range(3):
            say(str(number) * 100)
        await recorder.stop()
        await broker.stop()
        assert [key for key, _ in broker.records] == [b"host"] * 3
        said = [json.loads(value or b"")["data"]["alertmanagerStartupEvent"] for _, value in broker.records]
        assert said == [{"version": str(number) * 100} for number in range(3)]
        assert (broker.topics, broker.acks, broker.codecs) == ({"events"}, {told}, {codec})
        assert broker.clients == {"alertmanager"}

    run(main)


def test_the_binary_form_is_read_by_the_official_library():
    async def main() -> None:
        broker = Broker()
        await broker.start()
        recorder, say = await recording(broker, format="protobuf", client_id="me")
        say("1")
        await recorder.stop()
        await broker.stop()
        ((_, value),) = broker.records
        event = OFFICIAL.FromString(value)
        assert (event.instance, event.data.alertmanager_startup_event.version) == ("host", "1")
        assert broker.clients == {"me"}

    run(main)


def test_events_wait_for_a_broker_that_comes_later():
    async def main() -> None:
        broker = Broker()
        await broker.start()
        await broker.stop()
        recorder, say = await recording(broker)
        say("1")
        await asyncio.sleep(0.1)  # the first attempt fails
        await broker.start()
        while not broker.records:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
        await recorder.stop()
        await broker.stop()

    run(main)


def test_what_the_broker_refuses_is_counted():
    async def main() -> None:
        broker = Broker()
        broker.error = MESSAGE_TOO_LARGE
        await broker.start()
        recorder, say = await recording(broker)
        say("1")
        await recorder.stop()
        await broker.stop()
        name = f"kafka:127.0.0.1:{broker.port}/events"
        assert counted(recorder, "event_kafka_produce_errors_total") == {(name, "broker"): 1}

    run(main)


@pytest.mark.parametrize(
    ("name", "trusts", "arrives"),
    [("", True, False), ("broker.example", True, True), ("other.example", True, False), ("", False, False)],
)
def test_tls_towards_the_broker_checks_who_it_is(tmp_path: Path, name, trusts, arrives):
    authority = Authority(tmp_path, "ca")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*authority.sign("server", ips=(), dns=("broker.example",)))
    config = TlsConfig(ca_file=str(authority.file) if trusts else "", server_name=name)

    async def main() -> None:
        broker = Broker()
        await broker.start(server)
        recorder, say = await recording(broker, tls_config=config)
        say("1")
        await asyncio.sleep(0.2)
        await recorder.stop()
        await broker.stop()
        assert bool(broker.records) is arrives

    run(main)
