"""Events written to a Kafka topic (reference config, section 11). The client is aiokafka, an extra."""

# ruff: noqa: ANN401 - the library may not be there, so its types cannot be named
from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import ssl
from collections.abc import Callable
from typing import Any, Final

from amfast.config.observing import KafkaOutput as KafkaConfig
from amfast.config.tls import TlsConfig
from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.recorder.counts import Counts
from amfast.recorder.outputs import CLOSE_S, Entry
from amfast.recorder.queued import QUEUE_MAX, Queued

MakeContext = Callable[[TlsConfig], ssl.SSLContext]
MakeProducer = Callable[..., Any]
"""``aiokafka.AIOKafkaProducer``, or what stands in for it."""

_ON_THE_WAY_MAX: Final = 10_000
"""Events that the client has and no broker has taken yet."""
_LINGER_MS: Final = 5
_GOODBYE_S: Final = 5.0
"""For how long the client may say goodbye to brokers, which may not be there any more."""
_PAUSE_S: Final = 1.0
_PAUSE_MAX_S: Final = 30.0
_ACKS: Final[dict[str, int | str]] = {"none": 0, "": 1, "leader": 1, "all": "all"}


def check_kafka() -> None:
    """Raise AmfastError when the client is not installed."""
    if importlib.util.find_spec("aiokafka") is None:
        raise AmfastError("event_recorder.kafka_outputs needs aiokafka: pip install 'amfast[kafka]'")


def producer_options(config: KafkaConfig, tls: MakeContext) -> dict[str, Any]:
    """What the client is told. Raises AmfastError when TLS cannot be spoken so."""
    context = None if config.tls_config is None else tls(config.tls_config)
    if context is not None and config.tls_config is not None and config.tls_config.server_name:
        _expect(context, config.tls_config.server_name)
    return {
        "bootstrap_servers": list(config.brokers),
        "client_id": config.client_id or "alertmanager",
        "acks": _ACKS[config.acks],
        "enable_idempotence": config.acks == "all",
        "compression_type": None if config.compression in ("", "none") else config.compression,
        "linger_ms": _LINGER_MS,
        "security_protocol": "PLAINTEXT" if context is None else "SSL",
        "ssl_context": context,
    }


def _expect(context: ssl.SSLContext, name: str) -> None:
    """Have whoever is connected to show a certificate of this name; the library has no option for it."""
    wrap = context.wrap_bio

    def wrap_with_name(*given: Any, **named: Any) -> ssl.SSLObject:
        return wrap(*given, **{**named, "server_hostname": name})

    context.wrap_bio = wrap_with_name  # type: ignore[method-assign]


class KafkaOutput(Queued):
    """Brokers that cannot be reached are tried again and again; what does not fit the queue meanwhile is dropped."""

    def __init__(
        self,
        config: KafkaConfig,
        instance: str,
        make_producer: Callable[[], Any],
        *,
        clock: Clock,
        counts: Counts,
        log: logging.Logger,
    ) -> None:
        name = f"kafka:{','.join(sorted(config.brokers))}/{config.topic}"
        super().__init__(name, counts, log, config.buffer_size if config.buffer_size > 0 else QUEUE_MAX)
        self._topic = config.topic
        self._key = instance.encode()
        self._is_binary = config.format == "protobuf"
        self._make_producer = make_producer
        self._clock = clock
        self._on_the_way: set[asyncio.Future[Any]] = set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def encode(self, entry: Entry) -> bytes:
        return entry.binary() if self._is_binary else entry.json()

    async def close(self) -> None:
        """See :class:`Output`."""
        self._is_closing = True
        self._came.set()
        await asyncio.wait([self._task], timeout=CLOSE_S)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        left = len(self._waiting) + len(self._on_the_way)
        if left:
            self._drop(left, "the output ends")

    async def _run(self) -> None:
        producer = await self._connected()
        if producer is None:
            return
        try:
            while self._waiting or not self._is_closing:
                if not self._waiting:
                    self._came.clear()
                    await self._came.wait()
                elif len(self._on_the_way) >= _ON_THE_WAY_MAX:
                    await asyncio.wait(self._on_the_way, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await self._send(producer, self._waiting.popleft())
            if self._on_the_way:
                await asyncio.wait(self._on_the_way)
        finally:
            with contextlib.suppress(Exception):  # whatever it says, there is nothing to be done
                async with asyncio.timeout(_GOODBYE_S):
                    await producer.stop()

    async def _connected(self) -> Any:
        """A client that has found a broker; None if the output is closed before."""
        pause_s = _PAUSE_S
        while self._waiting or not self._is_closing:
            producer = None
            try:
                producer = self._make_producer()
                await producer.start()
            except BaseException as error:
                if producer is not None:
                    with contextlib.suppress(Exception):
                        await producer.stop()
                if not isinstance(error, Exception):
                    raise
                attrs = {"output": self.name, "err": str(error) or type(error).__name__}
                self._log.warning("No broker can be reached, trying again", extra={"attrs": attrs})
                await self._pause(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                if self._is_closing:
                    return None
            else:
                return producer
        return None

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when there is nothing to wait for any more."""
        over = self._clock.monotonic_us() + int(seconds * 1e6)
        while not self._is_closing and (left_us := over - self._clock.monotonic_us()) > 0:
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_us / 1e6):
                    await self._came.wait()

    async def _send(self, producer: Any, value: bytes) -> None:
        try:
            sent = await producer.send(self._topic, value=value, key=self._key)
        except Exception as error:  # noqa: BLE001 - the library's own, and it may raise anything
            self._failed(error)
            return
        self._on_the_way.add(sent)
        sent.add_done_callback(self._arrived)

    def _arrived(self, sent: asyncio.Future[Any]) -> None:
        self._on_the_way.discard(sent)
        if not sent.cancelled() and (error := sent.exception()) is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        kind = error_kind(error)
        self._counts.kafka_errors[self.name, kind] += 1
        attrs = {"output": self.name, "err": str(error) or type(error).__name__}
        self._log.warning("Kafka did not take an event", extra={"attrs": attrs})


def error_kind(error: BaseException) -> str:
    """``timeout``, ``network``, ``broker`` or ``unknown``; the library's errors are told by their names."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(error, TimeoutError | asyncio.CancelledError) or "KafkaTimeoutError" in names:
        return "timeout"
    if isinstance(error, OSError) or names & {"KafkaConnectionError", "NodeNotReadyError"}:
        return "network"
    return "broker" if "BrokerResponseError" in names else "unknown"
