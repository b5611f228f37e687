"""What the recorder counts (reference metrics, section 7). Series come to be when they are first counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from amfast.model.metric import Family


class Counts:
    """One set of counters; it outlives reloads."""

    def __init__(self) -> None:
        self.recorded: Counter[tuple[str, str, str]] = Counter()
        """By event, output and result."""
        self.bytes_written: Counter[tuple[str, str]] = Counter()
        """By event and output."""
        self.dropped: Counter[str] = Counter()
        """By event: the queue was full."""
        self.unspeakable: Counter[str] = Counter()
        """By event: it could not be put into words."""
        self.output_drops: Counter[str] = Counter()
        """By output: its own queue was full."""
        self.kafka_errors: Counter[tuple[str, str]] = Counter()
        """By output and kind of error."""

    def wrote(self, kind: str, output: str, size: int) -> None:
        """Count what an output took."""
        self.recorded[kind, output, "success"] += 1
        self.bytes_written[kind, output] += size

    def failed(self, kind: str, output: str) -> None:
        """Count what an output could not take."""
        self.recorded[kind, output, "error"] += 1

    def metrics(self) -> Iterator[Family]:
        one_label = (
            ("events_dropped_total", "Events dropped, the queue was full.", self.dropped, "event_type"),
            (
                "event_serialize_errors_total",
                "Events that could not be put into words.",
                self.unspeakable,
                "event_type",
            ),
            (
                "event_output_drops_total",
                "Events that an output dropped, its own queue was full.",
                self.output_drops,
                "output",
            ),
        )
        for name, text, counter, label in one_label:
            samples = [((value,), float(count)) for value, count in counter.items()]
            yield Family(f"alertmanager_{name}", "counter", text, samples, (label,))
        more_labels = (
            (
                "events_recorded_total",
                "Events handed to outputs.",
                self.recorded,
                ("event_type", "output", "result"),
            ),
            (
                "event_recorder_bytes_written_total",
                "Bytes handed to outputs.",
                self.bytes_written,
                ("event_type", "output"),
            ),
            (
                "event_kafka_produce_errors_total",
                "Events that Kafka did not take.",
                self.kafka_errors,
                ("output", "error_type"),
            ),
        )
        for name, text, counts, labels in more_labels:
            found = [(values, float(count)) for values, count in counts.items()]
            yield Family(f"alertmanager_{name}", "counter", text, found, labels)
