"""Takes events, and hands them out to the outputs of the configuration in force."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from amfast.config.http import HttpConfig
from amfast.config.observing import EventRecorder as RecorderConfig
from amfast.config.observing import KafkaOutput as KafkaConfig
from amfast.config.observing import WebhookOutput as WebhookConfig
from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.model.events import Event, Recording
from amfast.model.metric import Family, single
from amfast.recorder.counts import Counts
from amfast.recorder.kafka import KafkaOutput, MakeContext, check_kafka, producer_options
from amfast.recorder.outputs import CLOSE_S, Entry, Output, file_output, stdout_output
from amfast.recorder.shapes import Tree
from amfast.recorder.webhook import Post, WebhookOutput
from amfast.recorder.words import kind_of, words_for

QUEUE_MAX: Final = 8192
"""Events that may wait; what comes while so many do is dropped."""
CHANGE_S: Final = 1.0
"""How long a reload waits for what was recorded before it."""
EVENTS_A_SLICE: Final = 30
"""Put into words before the event loop may go on: a millisecond or two."""


def check_can_record(config: RecorderConfig) -> None:
    """Raise AmfastError when a library is missing for what a configuration asks for."""
    if config.kafka_outputs:
        check_kafka()


@dataclass(frozen=True, slots=True)
class Outside:
    """What the outputs need of the node."""

    post: Post
    check: Callable[[HttpConfig], None]
    """Raises AmfastError when no request can be made so."""
    tls: MakeContext
    """Raises AmfastError when TLS cannot be spoken so."""


class Recorder:
    """Puts itself into ``recording`` while there are outputs. Recording never waits.

    ``instance`` is the name of the host; ``position`` tells where the node stands among its peers.
    """

    def __init__(
        self, recording: Recording, instance: str, outside: Outside, *, clock: Clock, log: logging.Logger
    ) -> None:
        self._recording = recording
        self._instance = instance
        self._outside = outside
        self._clock = clock
        self._log = log
        self._counts = Counts()
        self._config = RecorderConfig()
        self._outputs: list[Output] = []
        self._waiting: deque[tuple[Event, int]] = deque()
        """With the time at which each was recorded."""
        self._has_room = True
        self._looked: asyncio.Handle | None = None
        """While it holds what was found when somebody looked for room."""
        self._came = asyncio.Event()
        self._is_stopping = False
        self._giving = asyncio.Lock()
        self._handing_out: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.position: Callable[[], int] = lambda: 0

    async def start(self, config: RecorderConfig) -> None:
        """Record as ``config`` says. An output that cannot be used is left out, and the log says why."""
        self._config = config
        self._outputs, _ = self._build(config)
        self._begin()

    async def apply(self, config: RecorderConfig) -> None:
        """Record as a new configuration says; when one of its outputs cannot be used, go on as before."""
        if config == self._config:
            return
        outputs, are_all = self._build(config)
        if not are_all:
            self._log.error("Events go where they went before, as not all new outputs can be used")
            self._let_go(outputs)
            return
        with contextlib.suppress(TimeoutError):  # what was recorded before still goes where it should
            async with asyncio.timeout(CHANGE_S):
                while self._waiting:
                    await self._drain_some()
        old, self._outputs, self._config = self._outputs, outputs, config
        self._let_go(old)
        self._begin()
        self._log.info("Events are recorded as configured anew", extra={"attrs": {"outputs": len(outputs)}})

    async def stop(self) -> None:
        """Hand out what waits, and have the outputs write it."""
        self._recording.record = None
        self._is_stopping = True
        self._came.set()
        if self._handing_out is not None:
            await asyncio.wait([self._handing_out], timeout=CLOSE_S)
            self._handing_out.cancel()
        for event, _ in self._waiting:
            self._counts.dropped[kind_of(event)] += 1
        self._let_go(self._outputs)
        self._outputs = []
        if self._closing:
            await asyncio.wait(self._closing)

    def record(self, event: Event) -> None:
        """Take an event; it is dropped when too many wait.

        What one callback of the event loop records, as the alerts of one request, is taken or dropped as a whole.
        """
        if self._looked is None:
            self._has_room = len(self._waiting) < QUEUE_MAX
            self._looked = asyncio.get_running_loop().call_soon(self._look_again)
        if not self._has_room:
            self._counts.dropped[kind_of(event)] += 1
            return
        self._waiting.append((event, self._clock.now_ns()))
        self._came.set()

    def _look_again(self) -> None:
        self._looked = None

    def metrics(self) -> Iterator[Family]:
        yield from self._counts.metrics()
        yield single(
            "alertmanager_event_recorder_queue_length",
            "gauge",
            "Events that wait.",
            float(len(self._waiting)),
        )

    def _begin(self) -> None:
        self._recording.record = self.record if self._outputs else None
        if self._handing_out is None and self._outputs:
            self._handing_out = asyncio.get_running_loop().create_task(self._hand_out())

    def _let_go(self, outputs: Sequence[Output]) -> None:
        """Have outputs end by themselves, each at its own pace, once they were given what they are given now."""

        async def close(output: Output) -> None:
            async with self._giving:
                pass
            await output.close()

        for output in outputs:
            task = asyncio.get_running_loop().create_task(close(output))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    # Handing out

    async def _hand_out(self) -> None:
        while not self._is_stopping or self._waiting:
            if not self._waiting:
                self._came.clear()
                await self._came.wait()
            await self._drain_some()
            await self._clock.sleep(0)

    async def _drain_some(self) -> None:
        async with self._giving:
            count = min(len(self._waiting), EVENTS_A_SLICE)
            position = self.position()
            entries = [self._entry(*self._waiting.popleft(), position) for _ in range(count)]
            await asyncio.gather(*(self._give(output, entries) for output in self._outputs))

    def _entry(self, event: Event, at_ns: int, position: int) -> Entry:
        def tell() -> Tree:
            return {
                "@timestamp": at_ns,
                "instance": self._instance,
                "data": words_for(event, at_ns),
                "clusterPosition": position,
            }

        return Entry(kind_of(event), tell)

    async def _give(self, output: Output, entries: Sequence[Entry]) -> None:
        ready: list[tuple[str, bytes]] = []
        for entry in entries:
            try:
                ready.append((entry.kind, output.encode(entry)))
            except ValueError as error:
                self._counts.unspeakable[entry.kind] += 1
                self._fail(output, [entry.kind], str(error))
        if not ready:
            return
        problem = await output.write([payload for _, payload in ready])
        if problem:
            self._fail(output, [kind for kind, _ in ready], problem)
            return
        for kind, payload in ready:
            self._counts.wrote(kind, output.name, len(payload))

    def _fail(self, output: Output, kinds: Sequence[str], why: str) -> None:
        for kind in kinds:
            self._counts.failed(kind, output.name)
        attrs = {"output": output.name, "events": len(kinds), "err": why}
        self._log.error("Events could not be written", extra={"attrs": attrs})

    # Building

    def _build(self, config: RecorderConfig) -> tuple[list[Output], bool]:
        """The outputs that can be used, and whether these are all."""
        makers: list[Callable[[], Output]] = [
            *(partial(file_output, file.path) for file in config.file_outputs),
            *(partial(self._webhook, webhook) for webhook in config.webhook_outputs),
            *(partial(self._kafka, kafka) for kafka in config.kafka_outputs),
            *(stdout_output for _ in config.stdout_outputs),
        ]
        outputs: list[Output] = []
        for make in makers:
            try:
                outputs.append(make())
            except AmfastError as error:
                failed = {"attrs": {"err": str(error)}}
                self._log.error("An output of events cannot be used", extra=failed)
        return outputs, len(outputs) == len(makers)

    def _webhook(self, config: WebhookConfig) -> Output:
        self._outside.check(config.http_config or HttpConfig())
        return WebhookOutput(
            config, self._outside.post, clock=self._clock, counts=self._counts, log=self._log
        )

    def _kafka(self, config: KafkaConfig) -> Output:
        from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - an extra

        options = producer_options(config, self._outside.tls)
        return KafkaOutput(
            config,
            self._instance,
            lambda: AIOKafkaProducer(**options),
            clock=self._clock,
            counts=self._counts,
            log=self._log,
        )
