"""The alert value: fingerprint, hash, merging, order."""

from __future__ import annotations

import itertools

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from amfast._ext.fingerprint import alert_hash, label_fingerprint
from amfast.model.alert import alert_order
from amfast.model.labels import compare_labels, format_labels, labels_order, make_labels
from tests.support.alerts import alert, at

label_sets = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    max_size=6,
).map(make_labels)


def fnv1a_64(data: bytes) -> int:
    """FNV-1a as its authors define it (RFC 9923)."""
    state = 14695981039346656037
    for byte in data:
        state = (state ^ byte) * 1099511628211 % 2**64
    return state


@given(label_sets)
def test_hashes_are_those_of_names_and_values_each_closed_by_ff(labels: dict[str, str]) -> None:
    data = b"".join(part.encode() + b"\xff" for pair in labels.items() for part in pair)
    assert label_fingerprint(labels) == fnv1a_64(data)
    assert alert_hash(labels) == xxhash.xxh64_intdigest(data)


def test_fingerprint_of_no_labels_is_the_offset_basis() -> None:
    assert f"{label_fingerprint({}):016x}" == "cbf29ce484222325"


@given(label_sets, label_sets, label_sets)
def test_label_sets_have_one_order(a: dict[str, str], b: dict[str, str], c: dict[str, str]) -> None:
    assert compare_labels(a, b) == -compare_labels(b, a)
    ordered = sorted([a, b, c], key=labels_order)
    assert all(compare_labels(x, y) <= 0 for x, y in itertools.pairwise(ordered))
    assert (compare_labels(a, b) == 0) == (a == b)


def test_the_set_lacking_the_first_differing_name_is_smaller() -> None:
    assert compare_labels({"b": "1"}, {"a": "1"}) == -1
    assert compare_labels({"a": "1", "c": "1"}, {"a": "1", "b": "9"}) == -1
    assert compare_labels({"z": "z"}, {"a": "1", "b": "1"}) == -1


def test_alerts_with_a_job_come_first() -> None:
    without, b, a = alert(x="1"), alert(job="b"), alert(job="a", instance="i")
    assert sorted([without, b, a], key=alert_order) == [a, b, without]


def test_group_labels_are_quoted_as_go_quotes() -> None:
    labels = make_labels({"b": 'say "hi"\n', "a": "ü\u200b\x01"})
    assert format_labels(labels) == '{a="ü\\u200b\\x01", b="say \\"hi\\"\\n"}'


def test_the_end_itself_counts_as_resolved() -> None:
    it = alert(a="1", ends=10)
    assert it.resolved_at(at(10).ns)
    assert not it.resolved_at(at(10).ns - 1)
    assert not it.without_end().resolved_at(at(99).ns)


@pytest.mark.parametrize(
    ("old", "new", "ends", "timeout"),
    [
        # A firing report keeps an end that somebody sent and that is later.
        ({"ends": 500, "updated": 0}, {"ends": 300, "updated": 10}, 500, False),
        # That end is then as assumed as the newer report's own was.
        ({"ends": 500, "updated": 0}, {"ends": 300, "updated": 10, "timeout": True}, 500, True),
        # An assumed end gives way to what the newer report says.
        ({"ends": 500, "updated": 0, "timeout": True}, {"ends": 300, "updated": 10}, 300, False),
        # A resolve ends a firing alert, however late its old end.
        ({"ends": 500, "updated": 0}, {"ends": 5, "updated": 10}, 5, False),
        # Of two resolved reports the later end stays.
        ({"ends": 8, "updated": 0}, {"ends": 5, "updated": 10}, 8, False),
    ],
)
def test_the_newer_report_wins_but_an_end_that_was_sent_is_kept(
    old: dict[str, float], new: dict[str, float], ends: float, *, timeout: bool
) -> None:
    merged = alert(a="1", starts=3, **old).merged_with(
        alert(a="1", starts=4, annotations={"n": "new"}, **new)
    )
    assert merged.ends_at == at(ends)
    assert merged.timeout is timeout
    assert merged.starts_at == at(3)
    assert merged.annotations == {"n": "new"}


def test_merging_does_not_depend_on_who_is_asked() -> None:
    older, newer = alert(a="1", ends=50, updated=1), alert(a="1", ends=40, updated=2)
    assert older.merged_with(newer) == newer.merged_with(older)
