"""What the alerts look like: their labels and annotations, and the JSON that Prometheus makes of them.

Everything follows from the number of an alert and the seed, so that two servers hear the same.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

NS: Final = 1_000_000_000
CLUSTERS: Final = 12
TEAMS: Final = 4
ALERTNAMES: Final = 50
TWELFTH: Final = ('team="team-1"', 'cluster=~"eu-.*"')
"""Matchers that select a twelfth of the alerts: a quarter by equality, of these a third by expression."""

_REGIONS: Final = ("eu", "us", "ap")
_SEVERITIES: Final = ("critical", "warning", "info")
_STAMP: Final = b"0000-00-00T00:00:00.000Z"
STAMP_BYTES: Final = len(_STAMP)
LABELS_MIN: Final = 2
"""Fewer cannot tell alerts apart."""
_ESCAPES: Final = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPE_TABLE: Final = str.maketrans(_ESCAPES)
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
_PLAIN: Final = re.compile(r"[ !#-%'-;=?-\[\]-~]*")
"""What needs no escape: the printable characters of ASCII but for these few."""
_TEXT: Final = (
    "requests above the objective for ten minutes while retries rise and the queue behind the service grows "
    "so that callers see timeouts errors and slow pages in every zone of this region today"
)


@lru_cache(1 << 16)
def go_json(text: str) -> str:
    """A string in JSON as Go writes it: UTF-8 as it is, but no ``&``, ``<`` or ``>``."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return _ENCODE(text).translate(_ESCAPE_TABLE)


def external_url(sender: int) -> str:
    """The address by which the ``sender``-th Prometheus, from 0, calls itself."""
    return f"http://prometheus-{sender + 1}.example:9090"


@dataclass(frozen=True, slots=True)
class Shape:
    """Makes alerts with so many labels and annotations."""

    labels: int = 10
    annotations: int = 3
    seed: int = 1
    _salt: str = field(init=False)
    _texts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        words = _TEXT.split()
        chance = random.Random(self.seed)  # noqa: S311 - the same for the same seed, nothing secret
        object.__setattr__(self, "_salt", f"{chance.getrandbits(20):05x}")
        texts = tuple(" ".join(chance.choices(words, k=38)) for _ in range(64))
        object.__setattr__(self, "_texts", texts)

    def labels_of(self, number: int) -> dict[str, str]:
        """The labels of an alert, in the order of their names; no two numbers have the same."""
        cluster, team = number % CLUSTERS, number // CLUSTERS % TEAMS
        name = number // (CLUSTERS * TEAMS) % ALERTNAMES
        high, low = divmod(number, 250 * 250)
        all_labels = {
            "alertname": f"ServiceObjectiveMissed{name:02d}",
            "instance": f"10.{high}.{low // 250}.{low % 250}:9100",
            "cluster": f"{_REGIONS[cluster % 3]}-{cluster // 3 + 1}",
            "severity": _SEVERITIES[number % len(_SEVERITIES)],
            "team": f"team-{team}",
            "job": f"service-{name % 10}",
            "namespace": f"production-{team}",
            "pod": f"service-{name % 10}-{self._salt}-{number:x}",
            "container": "server",
            "prometheus": "monitoring/main",
        }
        chosen = list(all_labels.items())[: self.labels]
        chosen += [
            (f"label_{i:03d}", f"value {i} of {number % 100}") for i in range(len(chosen), self.labels)
        ]
        return dict(sorted(chosen))

    def annotations_of(self, number: int) -> dict[str, str]:
        """The annotations of an alert, in the order of their names."""
        text = self._texts[number % len(self._texts)]
        all_annotations = {
            "summary": f"Objective missed on 10.x.x.{number % 250}",
            "description": f"{100 + number % 900} {text}.",
            "runbook_url": f"https://runbooks.example/objectives/{number % ALERTNAMES}?from=alert&mode=short",
        }
        chosen = list(all_annotations.items())[: self.annotations]
        chosen += [(f"note_{i:03d}", f"note {i} of {number % 100}") for i in range(3, self.annotations)]
        return dict(sorted(chosen))

    def json_of(self, number: int, starts_at: str, ends_at: str, url: str) -> bytes:
        """An alert as the Prometheus at ``url`` posts it."""
        labels = self.labels_of(number)
        generator = _generator(url, labels["alertname"])
        return alert_json(labels, self.annotations_of(number), starts_at, ends_at, generator)


def alert_json(
    labels: dict[str, str], annotations: dict[str, str], starts_at: str, ends_at: str, generator_url: str
) -> bytes:
    """Prometheus' JSON of an alert: this order of keys, no annotations when there are none."""
    first = f'"annotations":{_object(annotations)},' if annotations else ""
    return (
        f'{{{first}"endsAt":"{ends_at}","startsAt":"{starts_at}","generatorURL":{go_json(generator_url)},'
        f'"labels":{_object(labels)}}}'
    ).encode()


@lru_cache(65_536)
def _generator(url: str, alertname: str) -> str:
    expression = f'objective:ratio_rate5m{{alert="{alertname}"}} > 0.01'
    return f"{url}/graph?g0.expr={quote_plus(expression)}&g0.tab=1"


def _object(values: dict[str, str]) -> str:
    return "{" + ",".join(f"{go_json(name)}:{go_json(value)}" for name, value in values.items()) + "}"
