"""What the node tells about itself: ``tracing`` and ``event_recorder`` (reference config, section 11)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from amfast.config.addresses import SECRET_URL
from amfast.config.headers import HEADERS, Headers
from amfast.config.holders import TEXTS, BlockOf, ListOf
from amfast.config.http import HttpConfig
from amfast.config.kinds import BOOL, DURATION, FILE, FLOAT, INT, SECRET_TEXT, TEXT, Secret, Word
from amfast.config.schema import Block, Place, key
from amfast.config.tls import TlsConfig

_CLIENT: Final = Word(("grpc", "http"))
_GZIP: Final = Word(("", "gzip"))
_FORMAT: Final = Word(("", "json", "protobuf"))
_ACKS: Final = Word(("", "none", "leader", "all"))
_COMPRESSION: Final = Word(("", "none", "gzip", "snappy", "lz4", "zstd"))


@dataclass(frozen=True, slots=True)
class Tracing(Block):
    """Where traces of what the node does are sent, which needs `amfast[tracing]`."""

    client_type: str = key(_CLIENT, "grpc", "Protocol of the collector.")
    endpoint: str = key(TEXT, "", "Address of the collector.", required=True)
    sampling_fraction: float = key(FLOAT, 0.0, "Share of traces that are sent, 0 for none and 1 for all.")
    insecure: bool = key(BOOL, False, "Whether TLS is left out.")
    tls_config: TlsConfig | None = key(BlockOf(lambda: TlsConfig), None, "TLS towards the collector.")
    headers: Headers | None = key(
        HEADERS, None, "More headers of each request, the first value or secret of each; no `files`."
    )
    compression: str = key(_GZIP, "", "How requests are compressed: not at all if unset.")
    timeout_ns: int = key(DURATION, 0, "Time limit of a request; if unset, 10s.", name="timeout")


@dataclass(frozen=True, slots=True)
class FileOutput(Block):
    """A file that events are appended to, one JSON object a line."""

    path: str = key(FILE, "", "The file.", required=True, shown=True)


@dataclass(frozen=True, slots=True)
class StdoutOutput(Block):
    """Events on standard output. There is nothing to set."""


@dataclass(frozen=True, slots=True)
class WebhookOutput(Block):
    """A server that events are posted to."""

    BATCH: ClassVar = ("batch_max_events", "batch_max_bytes", "batch_flush_interval")

    url: Secret | None = key(SECRET_URL, None, "Where to post.", required=True, shown=True)
    http_config: HttpConfig | None = key(
        BlockOf(lambda: HttpConfig, based=True), None, "How requests are made."
    )
    timeout_ns: int = key(DURATION, 0, "Time limit of a request; if unset, 10s.", name="timeout")
    workers: int = key(INT, 0, "Requests at a time; if unset, 4.")
    max_retries: int = key(INT, 0, "Attempts in all; if unset, 3.")
    retry_backoff_ns: int = key(
        DURATION, 0, "Pause before the second attempt; if unset, 500ms.", name="retry_backoff"
    )
    batch: bool = key(BOOL, False, "Whether several events go into one request.")
    batch_max_events: int = key(INT, 0, "Events in one request; if unset, 100.")
    batch_max_bytes: int = key(INT, 0, "Bytes in one request; if unset, 1 MiB.")
    batch_flush_interval_ns: int = key(
        DURATION, 0, "How long to wait for more events; if unset, 100ms.", name="batch_flush_interval"
    )

    def checked(self, place: Place) -> WebhookOutput:
        if self.url is not None and self.url.reveal() == SECRET_TEXT:
            place.refuse("is the mask of a URL, not the URL", "url")
        for name, value in zip(
            self.BATCH,
            (self.batch_max_events, self.batch_max_bytes, self.batch_flush_interval_ns),
            strict=True,
        ):
            if value < 0:
                place.refuse("must not be negative", name)
            elif value and not self.batch:
                place.refuse("needs batch: true", name)
        return self


@dataclass(frozen=True, slots=True)
class KafkaOutput(Block):
    """A Kafka topic that events are written to, which needs `amfast[kafka]`."""

    brokers: tuple[str, ...] = key(TEXTS, (), "Brokers to begin with.", required=True, shown=True)
    topic: str = key(TEXT, "", "The topic.", required=True, shown=True)
    client_id: str = key(TEXT, "", "Name of this client; if unset, `alertmanager`.")
    format: str = key(_FORMAT, "json", "Form of the events.")
    acks: str = key(_ACKS, "", "Who must have an event before it counts as written; if unset, `leader`.")
    compression: str = key(_COMPRESSION, "", "How batches are compressed.")
    buffer_size: int = key(INT, 0, "Events that may wait; if unset, 1024.")
    tls_config: TlsConfig | None = key(
        BlockOf(lambda: TlsConfig, based=True), None, "TLS towards the brokers."
    )

    def checked(self, place: Place) -> KafkaOutput:
        if "" in self.brokers:
            place.refuse("a broker must not be empty", "brokers")
        return self


@dataclass(frozen=True, slots=True)
class EventRecorder(Block):
    """Where events are recorded. Only in force with `--enable-feature=event-recorder`."""

    file_outputs: tuple[FileOutput, ...] = key(ListOf(BlockOf(lambda: FileOutput, based=True)), (), "Files.")
    webhook_outputs: tuple[WebhookOutput, ...] = key(ListOf(BlockOf(lambda: WebhookOutput)), (), "Servers.")
    kafka_outputs: tuple[KafkaOutput, ...] = key(ListOf(BlockOf(lambda: KafkaOutput)), (), "Kafka topics.")
    stdout_outputs: tuple[StdoutOutput, ...] = key(
        ListOf(BlockOf(lambda: StdoutOutput)), (), "Standard output."
    )
