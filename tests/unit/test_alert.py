"""The alert value: fingerprint, hash, end, order of label sets."""

from __future__ import annotations

import itertools

import xxhash
from hypothesis import given
from hypothesis import strategies as st

from amfast._ext.fingerprint import alert_hash, label_fingerprint
from amfast.model.alert import make_alert
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
    assert (labels_order(a) < labels_order(b)) == (compare_labels(a, b) < 0)


def test_the_set_lacking_the_first_differing_name_is_smaller() -> None:
    assert compare_labels({"b": "1"}, {"a": "1"}) == -1
    assert compare_labels({"a": "1", "c": "1"}, {"a": "1", "b": "9"}) == -1
    assert compare_labels({"z": "z"}, {"a": "1", "b": "1"}) == -1


def test_group_labels_are_quoted_as_go_quotes() -> None:
    labels = make_labels({"b": 'say "hi"\n', "a": "ü\u200b\x01"})
    assert format_labels(labels) == '{a="ü\\u200b\\x01", b="say \\"hi\\"\\n"}'


def test_the_end_itself_counts_as_resolved() -> None:
    it = alert(a="1", ends=10)
    assert it.resolved_at(at(10).ns)
    assert not it.resolved_at(at(10).ns - 1)


def test_a_flush_sees_no_end_while_an_alert_fires() -> None:
    fields = ({"a": "1"}, {}, (0, 0), at(10), (0, 0), "", False)
    assert make_alert(*fields, at(9).ns).ends_at.is_zero
    assert make_alert(*fields, at(10).ns).ends_at == make_alert(*fields).ends_at == at(10)
