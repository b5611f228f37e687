"""The recorder and its outputs: what is written where, what a slow output costs, what a reload and a stop do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NotLeaderForPartitionError

from amfast.config.http import HttpConfig
from amfast.config.kinds import Secret
from amfast.config.observing import EventRecorder as Config
from amfast.config.observing import FileOutput, KafkaOutput, StdoutOutput, WebhookOutput
from amfast.config.tls import TlsConfig
from amfast.loopclock import LoopClock
from amfast.model.errors import AmfastError
from amfast.model.events import AlertGrouped, Event, GroupInfo, Recording, SilenceCreated, Started
from amfast.model.silence import Silence
from amfast.recorder import kafka as kafka_output
from amfast.recorder import outputs
from amfast.recorder import recorder as recorder_module
from amfast.recorder.counts import Counts
from amfast.recorder.kafka import check_kafka, error_kind
from amfast.recorder.outputs import Entry, stdout_output
from amfast.recorder.queued import QUEUE_MAX
from amfast.recorder.recorder import Outside, Recorder, check_can_record
from amfast.recorder.webhook import WebhookOutput as Webhook
from amfast.recorder.webhook import shown_url
from tests.support.alerts import alert
from tests.support.virtual import VirtualClock, run_virtual

LOG = logging.getLogger("test")
S = 10**9


@dataclass
class Server:
    """Takes posts, each after some seconds, and answers what it is told to; then all is well."""

    clock: Any
    takes_s: float = 0.0
    problems: list[str] = field(default_factory=list)
    posts: list[tuple[float, bytes]] = field(default_factory=list)
    at_a_time: int = 0
    most_at_a_time: int = 0

    async def post(self, _url: str, body: bytes, _timeout_s: float, _config: HttpConfig) -> str:
        self.posts.append((self.clock.monotonic_us() / 1e6, body))
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        await self.clock.sleep(self.takes_s)
        self.at_a_time -= 1
        return self.problems.pop(0) if self.problems else ""

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.posts]


def nothing_wrong(_config: object) -> None:
    """Find no fault."""


def no_tls(_config: TlsConfig) -> Any:
    raise AmfastError("no such file")


def event(text: str = "v") -> Event:
    return Started(text, "")


def webhook(**changed: Any) -> WebhookOutput:
    return replace(WebhookOutput(url=Secret("http://u:p@h/path?token=t#f")), **changed)


def make(clock: Any, server: Server | None = None, **outside: Any) -> tuple[Recorder, Recording]:
    recording = Recording()
    given = {"post": (server or Server(clock)).post, "check": nothing_wrong, "tls": no_tls, **outside}
    return Recorder(recording, "host", Outside(**given), clock=clock, log=LOG), recording


def counted(recorder: Recorder) -> dict[tuple[str, ...], float]:
    return {
        (found.name.removeprefix("alertmanager_"), *labels): value
        for found in recorder.metrics()
        for labels, value in found.samples
        if isinstance(value, float)
    }


def lines(path: Path) -> list[str]:
    """The versions that the events in a file tell of."""
    read = [json.loads(line) for line in path.read_text().splitlines()]
    return [one["data"]["alertmanagerStartupEvent"]["version"] for one in read]


def files(*paths: Path) -> Config:
    return Config(file_outputs=tuple(FileOutput(path=str(path)) for path in paths))


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - a thread writes, and nothing else tells
            await asyncio.sleep(0.005)


def run(main: Callable[[Any], Awaitable[None]]) -> None:
    async def go() -> None:
        await main(LoopClock())

    asyncio.run(go())


def test_each_event_is_a_line_of_each_file_with_when_where_and_by_whom(tmp_path):
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(tmp_path / "a", tmp_path / "b"))
        recorder.position = lambda: 2
        before_ns = clock.now_ns()
        recording.record(event("1"))
        recording.record(event("2"))
        await recorder.stop()
        assert lines(tmp_path / "a") == lines(tmp_path / "b") == ["1", "2"]
        first = json.loads((tmp_path / "a").read_text().splitlines()[0])
        assert (first["instance"], first["clusterPosition"]) == ("host", 2)
        assert first["@timestamp"].endswith("Z")
        assert before_ns <= clock.now_ns()
        size = len((tmp_path / "a").read_bytes())
        found = counted(recorder)
        kind = "alertmanager_startup_event"
        assert found["events_recorded_total", kind, f"file:{tmp_path / 'a'}", "success"] == 2
        assert found["event_recorder_bytes_written_total", kind, f"file:{tmp_path / 'b'}"] == size
        assert found["event_recorder_queue_length",] == 0

    run(main)


def test_without_outputs_nothing_is_recorded_and_nothing_is_there_to_ask(tmp_path):
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(Config())
        assert recording.record is None
        await recorder.apply(files(tmp_path / "a"))
        recording.record(event("1"))
        await recorder.apply(Config())
        assert recording.record is None
        await recorder.stop()

    run(main)


def test_a_file_that_was_renamed_or_removed_is_made_anew(tmp_path):
    path = tmp_path / "events"

    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(path))
        recording.record(event("1"))
        await until(lambda: path.read_text().endswith("\n"))
        path.rename(tmp_path / "old")
        recording.record(event("2"))
        await until(lambda: path.exists() and path.read_text().endswith("\n"))
        path.unlink()
        recording.record(event("3"))
        await recorder.stop()

    run(main)
    assert (lines(tmp_path / "old"), lines(path)) == (["1"], ["3"])


def test_a_file_is_appended_to(tmp_path):
    async def main(clock):
        for text in ("1", "2"):
            recorder, recording = make(clock)
            await recorder.start(files(tmp_path / "a"))
            recording.record(event(text))
            await recorder.stop()

    run(main)
    assert lines(tmp_path / "a") == ["1", "2"]


def test_an_output_that_cannot_be_used_at_the_start_is_left_out_with_a_word_in_the_log(tmp_path, caplog):
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(tmp_path / "no" / "a", tmp_path / "b"))
        recording.record(event("1"))
        await recorder.stop()

    run(main)
    assert lines(tmp_path / "b") == ["1"]
    (found,) = [record for record in caplog.records if record.msg == "An output of events cannot be used"]
    assert found.attrs["err"] == f"cannot write to {tmp_path / 'no' / 'a'}: No such file or directory"


def test_a_named_pipe_that_nobody_reads_does_not_hold_up_the_start(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(tmp_path / "pipe"))
        assert recording.record is None
        await recorder.stop()

    run(main)


def test_a_reload_moves_to_the_new_outputs_and_keeps_the_old_ones_if_one_of_the_new_cannot_be_used(tmp_path):
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(tmp_path / "a"))
        for number in range(100):
            recording.record(event(str(number)))
        await recorder.apply(files(tmp_path / "b"))
        recording.record(event("2"))
        await until(lambda: (tmp_path / "b").read_text() != "")
        await recorder.apply(files(tmp_path / "c", tmp_path / "no" / "d"))
        recording.record(event("3"))
        await recorder.stop()

    run(main)
    assert lines(tmp_path / "a") == [str(number) for number in range(100)]
    assert lines(tmp_path / "b") == ["2", "3"]
    assert (tmp_path / "c").read_text() == ""


def test_a_pipe_that_nobody_reads_holds_up_nothing_and_the_overflow_is_counted(monkeypatch):
    monkeypatch.setattr(recorder_module, "CLOSE_S", 0.1)
    monkeypatch.setattr(outputs, "CLOSE_S", 0.1)
    reading, writing = os.pipe()
    monkeypatch.setattr(recorder_module, "stdout_output", lambda: stdout_output(writing))

    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(Config(stdout_outputs=(StdoutOutput(),)))
        recording.record(event("x" * 1_000_000))  # more than a pipe holds
        await asyncio.sleep(0.02)
        for _ in range(recorder_module.QUEUE_MAX + 3):
            recording.record(event())
            await asyncio.sleep(0)
        assert counted(recorder)["event_recorder_queue_length",] == recorder_module.QUEUE_MAX
        assert counted(recorder)["events_dropped_total", "alertmanager_startup_event"] == 3
        await recorder.stop()
        assert counted(recorder)["events_dropped_total", "alertmanager_startup_event"] > 3

    run(main)
    os.close(reading)


def test_what_one_request_makes_is_taken_or_dropped_as_a_whole(tmp_path):
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(Config(file_outputs=(FileOutput(str(tmp_path / "a")),)))
        for number in range(recorder_module.QUEUE_MAX * 2):
            recording.record(event(str(number)))
        await asyncio.sleep(0)
        recording.record(event("too many"))
        await recorder.stop()
        assert counted(recorder)["events_dropped_total", "alertmanager_startup_event"] == 1

    run(main)
    assert lines(tmp_path / "a") == [str(number) for number in range(recorder_module.QUEUE_MAX * 2)]


def test_a_pipe_that_nobody_reads_costs_the_other_outputs_a_moment_only(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "CLOSE_S", 0.1)
    monkeypatch.setattr(outputs, "PATIENCE_S", 0.02)
    reading, writing = os.pipe()
    monkeypatch.setattr(recorder_module, "stdout_output", lambda: stdout_output(writing))

    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(replace(files(tmp_path / "a"), stdout_outputs=(StdoutOutput(),)))
        recording.record(event("x" * 1_000_000))  # more than a pipe holds
        for number in range(100):
            recording.record(event(str(number)))
        await until(lambda: (tmp_path / "a").read_text().count("\n") == 101)
        kind = "alertmanager_startup_event"
        assert counted(recorder)["events_recorded_total", kind, "stdout", "error"] == 101
        assert os.read(reading, 10) == b'{"@timesta'
        await recorder.stop()

    run(main)
    os.close(reading)


def test_what_cannot_be_put_into_words_is_counted_and_the_rest_is_written(tmp_path):
    bad = Silence("\ud800", (), 0, 0, 0, "", "", {})
    worse = GroupInfo("\ud800", {}, "")  # of which not even the hash can be worked out

    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(tmp_path / "a"))
        recording.record(SilenceCreated(bad))
        recording.record(AlertGrouped(alert(), worse))
        recording.record(event("1"))
        await recorder.stop()
        assert counted(recorder)["event_serialize_errors_total", "silence_created"] == 1
        assert counted(recorder)["event_serialize_errors_total", "alert_grouped"] == 1
        name = f"file:{tmp_path / 'a'}"
        assert counted(recorder)["events_recorded_total", "silence_created", name, "error"] == 1

    run(main)
    assert lines(tmp_path / "a") == ["1"]


def test_a_disk_that_is_full_is_an_error_that_is_counted():
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(files(Path("/dev/full")))
        recording.record(event())
        await recorder.stop()
        kind = "alertmanager_startup_event"
        assert counted(recorder)["events_recorded_total", kind, "file:/dev/full", "error"] == 1

    run(main)


# Webhooks


def posting(config: WebhookOutput, server: Server, clock: VirtualClock) -> tuple[Webhook, Counts]:
    counts = Counts()
    return Webhook(config, server.post, clock=clock, counts=counts, log=LOG), counts


def test_a_webhook_is_sent_one_event_at_a_time_by_four_workers():
    async def main(clock):
        server = Server(clock, takes_s=1.0)
        output, _ = posting(webhook(), server, clock)
        assert output.name == "webhook:http://h/path"
        await output.write([b"%d" % number for number in range(6)])
        await output.close()
        assert sorted(server.bodies) == [b"0", b"1", b"2", b"3", b"4", b"5"]
        assert server.most_at_a_time == 4

    run_virtual(main)


@pytest.mark.parametrize(
    ("changed", "bodies"),
    [
        ({}, [b"[aa,bb,cc,dd,ee]"]),
        ({"batch_max_events": 2}, [b"[aa,bb]", b"[cc,dd]", b"[ee]"]),
        ({"batch_max_bytes": 7}, [b"[aa,bb]", b"[cc,dd]", b"[ee]"]),
        ({"batch_max_bytes": 8}, [b"[aa,bb]", b"[cc,dd]", b"[ee]"]),
        ({"batch_max_bytes": 1}, [b"[aa]", b"[bb]", b"[cc]", b"[dd]", b"[ee]"]),
    ],
)
def test_a_batch_holds_as_many_events_as_fit_and_one_in_any_case(changed, bodies):
    async def main(clock):
        server = Server(clock)
        output, _ = posting(webhook(batch=True, workers=1, **changed), server, clock)
        await output.write([b"aa", b"bb", b"cc", b"dd", b"ee"])
        await output.close()
        assert server.bodies == bodies

    run_virtual(main)


def test_a_batch_waits_for_more_events_from_its_first_one_on():
    async def main(clock):
        server = Server(clock)
        output, _ = posting(webhook(batch=True, batch_flush_interval_ns=S), server, clock)
        for number in range(4):
            await output.write([b"%d" % number])
            await clock.sleep(0.4)
        await output.close()
        assert server.posts == [(1.0, b"[0,1,2]"), (1.6, b"[3]")]

    run_virtual(main)


def test_attempts_are_repeated_after_pauses_that_double_until_they_are_given_up(caplog):
    async def main(clock):
        server = Server(clock, problems=["busy"] * 4)
        output, _ = posting(webhook(max_retries=4, retry_backoff_ns=20 * S), server, clock)
        await output.write([b"a"])
        await clock.sleep(100)
        await output.write([b"b"])
        await output.close()
        assert server.posts == [(0.0, b"a"), (20.0, b"a"), (50.0, b"a"), (80.0, b"a"), (100.0, b"b")]

    run_virtual(main)
    assert "Events given up, the server did not take them" in caplog.text
    assert "token" not in "".join(str(record.__dict__) for record in caplog.records)


def test_what_does_not_fit_the_queue_of_a_webhook_is_dropped_and_counted():
    async def main(clock):
        output, counts = posting(webhook(), Server(clock, takes_s=9.0), clock)
        await output.write([b"x"] * (QUEUE_MAX + 5))
        assert counts.output_drops == {output.name: 5}
        await output.close()

    run_virtual(main)


def test_a_server_that_does_not_answer_holds_up_the_end_for_half_a_minute_at_most():
    async def main(clock):
        output, counts = posting(webhook(workers=1), Server(clock, takes_s=1e9), clock)
        await output.write([b"a", b"b", b"c"])
        await output.close()
        assert clock.monotonic_us() == 30_000_000
        assert counts.output_drops == {output.name: 2}

    run_virtual(main)


def test_a_webhook_whose_client_cannot_be_made_is_left_out():
    def refuse(_config: HttpConfig) -> None:
        raise AmfastError("no such file")

    async def main(clock):
        recorder, recording = make(clock, check=refuse)
        await recorder.start(Config(webhook_outputs=(webhook(),)))
        assert recording.record is None
        await recorder.stop()

    run(main)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h:1/a/b?c=d#e", "https://h:1/a/b"),
        ("http://h", "http://h"),
        ("http://[::1", "<invalid>"),
    ],
)
def test_the_name_of_a_webhook_shows_no_secret(url, shown):
    assert shown_url(url) == shown


# Kafka, as far as it goes without a broker


@dataclass
class Producer:
    """What stands in for ``aiokafka.AIOKafkaProducer``: takes records, or says what it is told to say."""

    starts: list[Exception | None]
    sends: list[Exception | None] = field(default_factory=list)
    records: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    stopped: int = 0

    async def start(self) -> None:
        error = self.starts.pop(0) if self.starts else None
        if error is not None:
            raise error

    async def send(self, topic: str, *, value: bytes, key: bytes) -> asyncio.Future[None]:
        self.records.append((topic, key, value))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        error = self.sends.pop(0) if self.sends else None
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
        return future

    async def stop(self) -> None:
        self.stopped += 1


def kafka(**changed: Any) -> KafkaOutput:
    return replace(KafkaOutput(brokers=("b:1", "a:1"), topic="t"), **changed)


def producing(config: KafkaOutput, producer: Any, clock: Any) -> tuple[kafka_output.KafkaOutput, Counts]:
    counts = Counts()
    made = kafka_output.KafkaOutput(config, "host", lambda: producer, clock=clock, counts=counts, log=LOG)
    return made, counts


def test_events_reach_the_topic_with_the_host_as_their_key():
    async def main(clock):
        producer = Producer([])
        output, counts = producing(kafka(), producer, clock)
        assert output.name == "kafka:a:1,b:1/t"
        await output.write([b"1", b"2"])
        await output.close()
        assert producer.records == [("t", b"host", b"1"), ("t", b"host", b"2")]
        assert (producer.stopped, counts.output_drops, counts.kafka_errors) == (1, {}, {})

    run_virtual(main)


@pytest.mark.parametrize(("form", "start"), [("json", b'{"instance":"h"}'), ("protobuf", b"\x12\x01h")])
def test_the_format_of_the_records_is_json_or_protobuf(form, start):
    async def main(clock):
        output, _ = producing(kafka(format=form), Producer([]), clock)
        assert output.encode(Entry("k", lambda: {"instance": "h"})) == start
        await output.close()

    run_virtual(main)


def test_brokers_that_cannot_be_reached_are_tried_again_and_what_does_not_fit_is_dropped():
    async def main(clock):
        producer = Producer([KafkaConnectionError("no"), KafkaConnectionError("no")])
        output, counts = producing(kafka(buffer_size=2), producer, clock)
        await output.write([b"1", b"2", b"3"])
        await clock.sleep(2.9)
        assert producer.records == []
        await clock.sleep(0.2)
        await output.close()
        assert [value for _, _, value in producer.records] == [b"1", b"2"]
        assert counts.output_drops == {output.name: 1}

    run_virtual(main)


def test_an_output_that_never_found_a_broker_ends_at_once_and_counts_what_it_lost():
    async def main(clock):
        output, counts = producing(kafka(), Producer([KafkaConnectionError("no")] * 99), clock)
        await output.write([b"1", b"2"])
        await clock.sleep(60)
        before_us = clock.monotonic_us()
        await output.close()
        assert clock.monotonic_us() == before_us
        assert counts.output_drops == {output.name: 2}

    run_virtual(main)


def test_records_that_are_not_taken_are_counted_by_the_kind_of_error():
    async def main(clock):
        errors = [KafkaTimeoutError(), NotLeaderForPartitionError(), None, ValueError("x")]
        output, counts = producing(kafka(), Producer([], list(errors)), clock)
        await output.write([b"1", b"2", b"3", b"4"])
        await output.close()
        found = {kind: count for (_, kind), count in counts.kafka_errors.items()}
        assert found == {"timeout": 1, "broker": 1, "unknown": 1}

    run_virtual(main)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "network"),
        (KafkaConnectionError(), "network"),
        (RuntimeError(), "unknown"),
    ],
)
def test_errors_are_told_apart(error, kind):
    assert error_kind(error) == kind


def test_tls_towards_the_brokers_is_checked_when_the_output_is_built():
    async def main(clock):
        recorder, recording = make(clock)
        await recorder.start(Config(kafka_outputs=(kafka(tls_config=TlsConfig(ca_file="no")),)))
        assert recording.record is None
        await recorder.stop()

    run(main)


def test_without_the_library_kafka_is_refused_with_the_name_of_the_extra(monkeypatch):
    check_can_record(Config(kafka_outputs=(kafka(),)))
    monkeypatch.setattr(kafka_output.importlib.util, "find_spec", lambda _name: None)
    check_can_record(Config(stdout_outputs=(StdoutOutput(),)))
    with pytest.raises(AmfastError, match=r"needs aiokafka: pip install 'amfast\[kafka\]'"):
        check_can_record(Config(kafka_outputs=(kafka(),)))
    with pytest.raises(AmfastError):
        check_kafka()
