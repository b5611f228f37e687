"""Posted bodies, whole and spoilt: a real Alertmanager gives each the same status and the same words.

Debian's 0.25 is the partner unless ``AMFAST_ALERTMANAGER`` names another binary. Two texts are not compared: which of
the many forms of a time was tried last, and what becomes of a list element that is null, at which the other program
ends the connection.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amfast._ext.intake import Intake, Posted
from amfast._ext.table import Table
from amfast.model.matcher import MatcherMode
from amfast.model.timestamp import NS
from amfast.web.api_alerts import AlertsApi
from amfast.web.errors import RequestRefused
from amfast.web.message import Request, Target
from amfast.web.uri import is_request_uri
from tests.support.posts import Poster, spoilt
from tests.support.started import Started, program, started
from tests.support.web import ask, exchange, parse_answer, request_bytes

CONFIG = "{route: {receiver: d}, receivers: [{name: d}]}"
SEED = random.randrange(1 << 32)
BODIES = 400
JSON_ONLY = (
    *("[" * depth + "]" * depth for depth in (9_999, 10_000, 10_001)),
    *('[{"labels":{"a":"1"},"x":' + "[" * depth + "]" * depth + "}]" for depth in (9_998, 9_999)),
    *('[{"labels":{"a":"1"},"x":' + '{"":' * depth + "1" + "}" * depth + "}]" for depth in (9_998, 9_999)),
    *("[" + chr(code) for code in range(1, 256)),
    *('["\\' + chr(code) for code in range(1, 128)),
    *(
        f"[{text}{more}"
        for text in ("t", "tr", "fals", "nul", "-", "1.", "1e", "1e+", "0", "-0", '"\\u', '"\\u12a')
        for more in "x1'\"\\ "
    ),
    *(f'[{{"labels":{value}}}]' for value in ("1", "[]", '"x"', "true", '{"a":1}', '{"a":{}}', '{"a":[],"b":1}')),
    *(f'[{{"annotations":{value}}}]' for value in ("1", "[]", '"x"', "true", '{"a":1}', '{"a":{}}')),
    '[{"labels":{"a":1},"generatorURL":1}]', '[{"labels":1,"annotations":{"a":1}}]',
    '[{"generatorURL":1,"annotations":2}]',
    '[{"annotations":1,"startsAt":2}]', '[{"endsAt":{},"annotations":2}]', '[{"endsAt":[],"startsAt":2}]',
    '[{"labels":{"a":"1"}},7]', '["x"]', "[true]", "[[]]", "7", "true", '"x"', "{}", "null", "nullx", "7x",
    '[{"labels":{}}]', '[{"labels":{"a":""}}]', '[{"labels":{"a":"1"},"labels":null}]', '[{"labels":null}]',
)  # fmt: skip


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Started]:
    with started(program(), tmp_path, CONFIG) as one:
        yield one


def theirs(partner: Started, body: bytes) -> tuple[int, str] | None:
    """None when the connection was ended."""
    raw = exchange(partner.port, request_bytes("POST", "/api/v2/alerts", body))
    return (answer.status, answer.text) if raw and (answer := parse_answer(raw)) else None


class Ours:
    """The operation itself, without the server around it."""

    def __init__(self, *, classic: bool) -> None:
        self.table = Table(random.getrandbits(64))
        self._intake = Intake(self.table, classic_names=classic, is_uri=is_request_uri)
        self._api = AlertsApi(sink=self, reader=None, status=self, mode=MatcherMode.UTF8)  # type: ignore[arg-type]

    def resolve_timeout_ns(self) -> int:
        return 300 * NS

    def post(self, body: bytes | memoryview, resolve_timeout_ns: int) -> Posted:
        return self._intake.post(body, time.time_ns(), 0, resolve_timeout_ns)

    def answer(self, body: bytes) -> tuple[int, str]:
        try:
            answer = self._api.post(Request("POST", Target("/", "/", ""), [], body))
        except RequestRefused as refused:
            answer = refused.response()
        return answer.status, answer.body.decode()


def differences(partner: Started, bodies: list[bytes]) -> Iterator[str]:
    ours = Ours(classic=partner.is_old)
    for body in bodies:
        mine, other = ours.answer(body), theirs(partner, body)
        if other is None:
            if mine[0] != 400 or "cannot unmarshal null" not in mine[1]:
                yield f"{body!r}\n  theirs ended the connection\n  ours   {mine}"
        elif _comparable(*mine, is_old=partner.is_old) != _comparable(*other, is_old=partner.is_old):
            yield f"{body[:2000]!r}\n  theirs {other}\n  ours   {mine}"


def _comparable(status: int, text: str, *, is_old: bool) -> tuple[int, str]:
    text = re.sub(
        r"failed, because (parsing time |alert \d+: (starts|ends)At: ).*", "failed, because of a time", text
    )
    # Of several bad names theirs is any.
    text = re.sub(r'invalid name \\"(\\\\.|[^\\])*?\\"', "invalid name", text)
    return status, text.replace("\\n", "; ") if is_old else text


def random_bodies(seed: int, count: int, *, is_old: bool) -> list[bytes]:
    rng = random.Random(seed)
    poster = Poster(rng)
    bodies: list[bytes] = []
    while len(bodies) < count:
        body = poster.body(time.time_ns())
        if rng.random() < 0.4:
            body = spoilt(rng, body)
        if is_old and re.search(rb'"\d{4}-\d\d-\d\d"', body):
            continue  # only 0.34 takes a day for a time
        if is_old and re.search(rb'[+-](\d\d:?[+-]\d|[+-]\d:?\d\d)"', body):
            continue  # old Go takes a sign within a zone
        if is_old and re.search(rb":[.,]\d", body):
            continue  # and a fraction without seconds
        bodies.append(body)
    return bodies


def test_bodies_that_are_no_json_or_hold_wrong_types_are_refused_in_the_same_words(partner: Started) -> None:
    bodies = [text.encode() for text in JSON_ONLY] + [b"[" + bytes((code,)) for code in range(128, 256)]
    found = list(differences(partner, bodies))
    assert not found, "\n".join(found)


def test_random_bodies_are_answered_alike(partner: Started) -> None:
    """``python -m tests.integration.test_bodies_against_alertmanager SEED COUNT`` compares as many as you like."""
    found = list(differences(partner, random_bodies(SEED, BODIES, is_old=partner.is_old)))
    assert not found, f"seed {SEED}\n" + "\n".join(found)


def test_the_same_alerts_are_stored(partner: Started) -> None:
    """After the same bodies both list the same annotations, starts and URLs."""
    ours = Ours(classic=partner.is_old)
    for body in random_bodies(SEED, BODIES, is_old=partner.is_old):
        if theirs(partner, body) is not None:
            ours.answer(body)
    listed = json.loads(ask(partner.port, "GET", "/api/v2/alerts").body)
    mine = {tuple(it.labels.items()): it.fields() for it in ours.table}
    for alert in listed:
        labels, notes, _starts, _ends, _updated, url, _timeout = mine[tuple(sorted(alert["labels"].items()))]
        assert alert["labels"] == labels
        assert (alert["annotations"], alert.get("generatorURL", "")) == (notes, url), f"seed {SEED}: {labels}"
    assert len(listed) > 10


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, started(program(), Path(folder), CONFIG) as one:
        for text in differences(one, random_bodies(int(sys.argv[1]), int(sys.argv[2]), is_old=one.is_old)):
            sys.stdout.write(text + "\n")
