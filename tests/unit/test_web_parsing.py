"""Bodies, query parameters, media types, paths: the pure functions of the web station."""

from __future__ import annotations

import json
import random
import time
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.model.alert import Alert
from amfast.model.json_text import encode, encode_for_html
from amfast.model.matcher import MatcherMode
from amfast.model.silence import SilenceRefused
from amfast.model.timestamp import NS, Time
from amfast.web import json_in
from amfast.web.api_alerts import AlertsApi
from amfast.web.errors import RequestRefused
from amfast.web.filters import BadParameter, parse_filter
from amfast.web.message import Request, Response, Target, parse_target
from amfast.web.metrics import takes_gzip
from amfast.web.negotiation import accepts_json
from amfast.web.params import Params
from amfast.web.parse_silence import parse_silence
from amfast.web.router import Match, Router, clean_path
from amfast.web.uri import is_request_uri, is_uuid
from tests.support.alert_side import make_store, stored
from tests.support.web import RealClock

NOW = Time(1_800_000_000 * NS, 3600)
TIMEOUT_NS = 300 * NS


class Parsed(NamedTuple):
    alerts: list[Alert]
    errors: list[str]
    firing: int
    resolved: int


class FixedClock(RealClock):
    def now_ns(self) -> int:
        return NOW.ns


class Fixed:
    """A status of which only the resolve timeout is asked."""

    def resolve_timeout_ns(self) -> int:
        return TIMEOUT_NS


def parse(body: bytes | str) -> Parsed:
    """Post a body to an empty table. Raises RequestRefused."""
    store = make_store(FixedClock(), offset_s=NOW.offset_s)
    api = AlertsApi(sink=store, reader=None, status=Fixed(), mode=MatcherMode.FALLBACK)  # type: ignore[arg-type]
    target = Target("/api/v2/alerts", "/api/v2/alerts", "")
    answer = api.post(Request("POST", target, [], body if isinstance(body, bytes) else body.encode()))
    assert (answer.status == 200) is (answer.body == b"")
    return Parsed(
        stored(store), json.loads(answer.body or '""').split("\n"), int(api._firing), int(api._resolved)
    )


def refusal(body: bytes | str) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        parse(body)
    return refused.value


def test_an_alert_without_times_starts_now_and_lasts_for_the_timeout() -> None:
    (alert,) = parse('[{"labels":{"b":"2","a":"1","c":""}}]').alerts
    assert list(alert.labels.items()) == [("a", "1"), ("b", "2")]
    assert alert.starts_at == alert.updated_at == NOW
    assert alert.ends_at == Time(NOW.ns + TIMEOUT_NS, 3600)
    assert alert.timeout


def test_an_alert_with_an_end_only_starts_where_it_ends() -> None:
    parsed = parse('[{"labels":{"a":"1"},"endsAt":"2001-01-01T00:00:00+02:00"}]')
    (alert,) = parsed.alerts
    assert alert.starts_at == alert.ends_at == Time(alert.ends_at.ns, 7200)
    assert not alert.timeout
    assert (parsed.firing, parsed.resolved) == (0, 1)


def test_invalid_alerts_are_counted_and_told_while_the_others_stay() -> None:
    parsed = parse('[{"labels":{"a":"1"}},{"labels":{}},{"labels":{"":"x"}},{"labels":{"b":"1"}}]')
    assert sorted("".join(alert.labels) for alert in parsed.alerts) == ["a", "b"]
    assert parsed.errors == ["at least one label pair required", 'invalid label set: invalid name ""']
    assert parsed.firing == 4


def test_property_names_match_in_any_case_and_repeated_label_objects_are_merged() -> None:
    (alert,) = parse(
        '[{"LABEL\u017f":{"a":"1","b":"1"},"labels":{"b":"2"},"GENERATORurl":"/x","z":[{}]}]'
    ).alerts
    assert alert.labels == {"a": "1", "b": "2"}
    assert alert.generator_url == "/x"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"\xff\xe4\xb8"', "\ufffd" * 3),
        (b'"\xed\xa0\x80"', "\ufffd" * 3),
        (b'"\\ud800x"', "\ufffdx"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"\u00e9\u2028"'.encode(), "\u00e9\u2028"),
    ],
)
def test_broken_text_becomes_replacement_characters(body: bytes, value: str) -> None:
    (alert,) = parse(b'[{"labels":{"x":' + body + b"}}]").alerts
    assert alert.labels["x"] == value


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"x":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '[{"labels":{"a":"b"},"x":' + "[" * 50_000 + "]" * 50_000 + "}]",
    ],
    ids=["open arrays", "open objects", "closed arrays", "within an alert"],
)
def test_deep_nesting_is_refused_and_nothing_else_happens(body: str) -> None:
    assert refusal(body).status == 400


@pytest.mark.parametrize("value", ["[]", '{"":0}', '""'])
def test_millions_of_tiny_values_that_nobody_wants_are_passed_over(value: str) -> None:
    assert parse('[{"labels":{"a":"b"},"x":[' + ",".join([value] * 2_000_000) + "]}]").alerts


def test_millions_of_labels_or_alerts_are_refused_before_they_take_memory() -> None:
    labels = ",".join(f'"{number:x}":""' for number in range(250_001))
    assert "holds more than 250000 labels" in refusal('[{"labels":{' + labels + "}}]").message
    assert "holds more than 250000 alerts" in refusal("[" + ",".join(["{}"] * 250_001) + "]").message


def test_a_number_of_any_length_is_passed_over_quickly() -> None:
    start = time.monotonic()
    assert parse('[{"labels":{"a":"b"},"x":' + "9" * 1_000_000 + "}]").alerts
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ("", 422, 602, "alerts in body is required"),
        ("[{}]", 422, 602, "0.labels in body is required"),
        ("[null]", 400, 400, "cannot unmarshal null into Go value of type models.PostableAlert (alert 0)"),
        ("{}", 400, 400, "cannot unmarshal object into Go value of type models.PostableAlerts"),
        (
            '[{"labels":{"a":1}}]',
            400,
            400,
            "cannot unmarshal number into Go struct field Alert.labels of type string",
        ),
        (
            '[{"startsAt":true}]',
            400,
            400,
            "cannot unmarshal bool into Go struct field .startsAt of type string",
        ),
        ('[{"endsAt":"soon"}]', 400, 400, "alert 0: endsAt: 'soon' is not an RFC 3339 time"),
        ("[NaN]", 400, 400, "invalid character 'N' looking for beginning of value"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(body: str, status: int, code: int, message: str) -> None:
    refused = refusal(body)
    assert (refused.status, refused.code) == (status, code)
    assert message in refused.message


SEED = random.randrange(1 << 32)


def test_random_changes_of_a_body_bring_alerts_or_a_refusal() -> None:
    """Repeat a failure by setting SEED to the number in its message."""
    rng = random.Random(SEED)
    whole = (
        b'[{"labels":{"a":"b\\u0041"},"annotations":{"x":"y"},"startsAt":"2021-01-01T00:00:00Z","u":[1,{}]}]'
    )
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(3)] = rng.choice(
                [b"{", b"}", b'"', b"\\", b"\xff", b",", b"null", b"1e", b""]
            )
        try:
            parse(bytes(data))
            parse_silence(bytes(data), NOW.ns, bool)
        except RequestRefused:
            continue
        except Exception as error:
            raise AssertionError(f"seed {SEED}: {bytes(data)!r}") from error


def test_patterns_that_take_too_long_in_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them may be as large as a pattern can be, and a request brings many."""
    monkeypatch.setattr("amfast.model.regex.EFFORT_MAX", 1500)

    def silence(count: int) -> bytes:
        matchers = [{"name": "a", "value": f"b{{500}}{number}", "isRegex": True} for number in range(count)]
        times = {"startsAt": "2027-01-16T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z"}
        return json.dumps({"matchers": matchers, "comment": "c", "createdBy": "me", **times}).encode()

    assert len(parse_silence(silence(2), NOW.ns, bool).matcher_sets[0]) == 2
    with pytest.raises(SilenceRefused, match="too large in all"):
        parse_silence(silence(3), NOW.ns, bool)
    filters = [f'a=~"b{{500}}{number}"' for number in range(3)]
    assert len(parse_filter(filters[:2], MatcherMode.FALLBACK)) == 2
    with pytest.raises(BadParameter, match="too large in all"):
        parse_filter(filters, MatcherMode.FALLBACK)


def test_a_filter_of_many_small_patterns_is_too_large_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.model.regex.EFFORT_MAX", 10_000)
    assert len(parse_filter([f'a=~".{number}"' for number in range(100)], MatcherMode.UTF8)) == 100
    with pytest.raises(BadParameter, match="too large in all"):
        parse_filter([f'a=~".{number}"' for number in range(200)], MatcherMode.UTF8)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    def plain(item: object) -> object:
        if isinstance(item, tuple):
            return {name: plain(inner) for name, inner in item}
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return item

    def without_numbers(item: object) -> object:
        if isinstance(item, dict):
            return {name: without_numbers(inner) for name, inner in item.items()}
        if isinstance(item, list):
            return [without_numbers(inner) for inner in item]
        return 0.0 if isinstance(item, float) else item

    for ensure_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ensure_ascii)
        assert plain(json_in.first_value(text.encode() + b" rest")) == without_numbers(value)


@given(st.text())
def test_json_that_is_written_reads_back(text: str) -> None:
    for write in (encode, encode_for_html):
        written = write({"x": text})
        assert json.loads(written) == {"x": text}
        assert "\u2028" not in written
    assert not set("<>&") & set(encode_for_html(text))


def test_parameters_are_read_as_go_reads_them() -> None:
    params = Params("a=1&a=2&b&c=%41+x&bad=%zz&semi;colon=1&d=%C3%A9&=x&e=&no=maybe&yes=SELECTED")
    assert params.many("a") == ["1", "2"]
    assert params.last("a") == "2"
    assert params.many("b") == [""]
    assert params.last("c") == "A x"
    assert params.many("bad") == params.many("semi;colon") == []
    assert params.last("d") == "\u00e9"
    assert params.flag("e")
    assert params.flag("missing")
    assert params.flag("yes")
    assert not params.flag("no")


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("application/json", True),
        ("APPLICATION/json", True),
        ("*/*", True),
        ("application/*;q=.5", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json;q=0.0, */*", True),
        ('text/x;a="a,*/*"', False),
        ('"', False),
        ("", False),
        ("*/*;q=x", True),
    ],
)
def test_accept_headers_leave_room_for_json_or_not(header: str, takes: bool) -> None:
    assert accepts_json(header) is takes


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("br, gzip", True),
        ("GZIP;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("deflate", False),
        ("", False),
    ],
)
def test_gzip_is_used_only_for_those_who_take_it(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        (b"/a%20b?x=%20", ("/a%20b", "/a b", "x=%20")),
        (b"http://h:1/p?q", ("/p", "/p", "q")),
        (b"HTTP://h", ("/", "/", "")),
        (b"*", ("*", "*", "")),
        (b"https://h?x", ("/", "/", "x")),
        (b"/%ff", ("/%ff", "/\ufffd", "")),
        (b"/a?b?c", ("/a", "/a", "b?c")),
        (b"/%", None),
        (b"/%4", None),
        (b"a", None),
        (b"", None),
    ],
)
def test_request_targets_are_taken_apart(raw: bytes, target: tuple[str, str, str] | None) -> None:
    assert parse_target(raw) == target


@given(st.binary(max_size=200))
def test_no_target_and_no_uri_breaks_anything(raw: bytes) -> None:
    parse_target(raw)
    text = raw.decode("latin-1")
    is_request_uri(text)
    is_request_uri("http://" + text)
    is_uuid(text)
    accepts_json(text)
    clean_path("/" + text)
    Params(text)


def test_the_checks_of_texts_take_no_more_than_linear_time() -> None:
    start = time.monotonic()
    for text in (
        "a" * 200_000,
        "http://" + "%25" * 100_000,
        '"' * 200_000,
        "a/b;" * 50_000,
        "a/b" + ";a=b" * 50_000,
        " " * 200_000,
        "/" * 200_000,
    ):
        is_request_uri(text)
        is_uuid(text)
        accepts_json(text)
        clean_path(text)
        Params(text)
    assert time.monotonic() - start < 3


def route(router: Router, method: str, path: str) -> str:
    found = router.find(Request(method, Target(path, path, ""), []))
    if isinstance(found, Match):
        return found.label
    return f"{found.status} {dict(found.headers).get('Location') or dict(found.headers).get('Allow', '')}".strip()


@pytest.mark.parametrize(
    ("method", "path", "result"),
    [
        ("GET", "/p/one", "/one"),
        ("HEAD", "/p/one", "/one"),
        ("GET", "/p/one/", "301 /p/one"),
        ("POST", "/p/ONE/", "404"),
        ("GET", "/P/One", "301 /p/one"),
        ("POST", "/p/one", "405 GET, HEAD, OPTIONS"),
        ("OPTIONS", "/p/one", "200 GET, HEAD, OPTIONS"),
        ("GET", "/p/s/x", "/s/:id"),
        ("GET", "/p/s/", "404"),
        ("GET", "/p/S/Xy/", "301 /p/s/Xy"),
        ("GET", "/p/f", "301 /p/f/"),
        ("GET", "/p/f/", "/f/*rest"),
        ("GET", "/p/f/a/B", "/f/*rest"),
        ("GET", "/p/F/a/B", "301 /p/f/a/B"),
        ("PUT", "/p/zzz", "404"),
        ("OPTIONS", "/p/zzz", "404"),
        ("DELETE", "/p/s/x", "405 GET, OPTIONS"),
    ],
)
def test_paths_find_their_route_redirect_or_error(method: str, path: str, result: str) -> None:
    router = Router("/p")
    for methods, pattern in (("GET HEAD", "/one"), ("GET", "/s/:id"), ("GET", "/f/*rest")):
        router.add(methods, pattern, lambda _request: Response(200))
    assert route(router, method, path) == result
