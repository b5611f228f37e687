"""The default texts, byte for byte beside what Alertmanager 0.34 makes of the same data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from amfast.template import gotime
from amfast.template.builtin import BUILTINS
from amfast.template.functions import FUNCTIONS, timed
from tests.support.templates import data_of_case, default_cases, expected_texts, on_alerts, renderer

CASES = pytest.mark.parametrize("case", default_cases(), ids=lambda case: case["case"].replace(" ", "_"))


def call(name: str) -> str:
    return f'{{{{ template "{name}" {".Alerts" if name in on_alerts() else "."} }}}}'


@CASES
def test_every_default_text_is_that_of_the_reference(case: dict[str, Any]) -> None:
    templates, data = renderer(), data_of_case(case)
    found = {name: templates.text(call(name), data) for name, _ in expected_texts(case)}
    assert found == dict(expected_texts(case))
    assert len(found) == 63


def test_the_texts_are_escaped_as_the_references_are_where_they_stand_in_html() -> None:
    (case,) = [case for case in default_cases() if "html" in case]
    templates, data = renderer(), data_of_case(case)
    found = {name: templates.html(call(name), data) for name, _ in expected_texts(case, "html")}
    assert found == dict(expected_texts(case, "html"))


def test_a_file_that_defines_a_piece_anew_changes_all_that_is_made_of_it(tmp_path) -> None:
    (tmp_path / "own.tmpl").write_text('{{ define "__subject" }}mine{{ end }}')
    templates = renderer(tmp_path / "*.tmpl")
    data = data_of_case(default_cases()[0])
    assert templates.text('{{ template "slack.default.title" . }}', data) == "mine"
    assert templates.text('{{ template "slack.default.fallback" . }}', data).startswith("mine | http")


def test_the_document_names_every_function_and_every_default_text() -> None:
    document = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()
    words = set(re.findall(r"[\w.]+", document))
    assert {*BUILTINS, *FUNCTIONS, *timed(lambda: gotime.ZERO), "routeLabels"} - words == set()
    texts = {name for name, _ in expected_texts(default_cases()[0])} - {"__description"}
    assert {name for name in texts if name not in words and name.rpartition(".")[2] not in words} == set()
