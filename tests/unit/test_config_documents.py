"""What is made from the declarations of the keys: the JSON Schema and the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from amfast.__main__ import main
from amfast.config.compose import YamlError, compose
from amfast.config.documents import json_schema, markdown
from amfast.config.holders import ANYTHING
from amfast.config.places import Place, Walk
from amfast.model.matcher import MatcherMode
from tests.support.corpus import cases
from tests.unit.test_config_corpus import DIFFERENT

GOOD = [case for case in cases() if case.good and case.title not in DIFFERENT]
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def keys(schema: dict[str, object]) -> list[tuple[str, dict[str, str]]]:
    """Every key with what the schema says of it."""
    mappings = [("File", schema), *schema["$defs"].items()]
    return [(f"{name}.{key}", value) for name, one in mappings for key, value in one["properties"].items()]


def test_the_documentation_is_up_to_date() -> None:
    assert DOCS.read_text() == markdown(), "run python -m amfast.config.documents >docs/configuration.md"


def test_a_dot_in_a_name_does_not_end_what_a_key_is_for() -> None:
    about = {name: value["description"] for name, value in keys(json_schema())}
    assert about["Receiver.incidentio_configs"] == "Posts to incident.io."
    assert about["Receiver.rocketchat_configs"] == "Posts to Rocket.Chat."


def test_every_key_says_what_it_is_for() -> None:
    found = keys(json_schema())
    assert len(found) > 350
    assert [name for name, value in found if not value["description"].endswith(".")] == []


def test_the_schema_is_one_and_is_printed_by_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config.schema", "--config.file=/nowhere"]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed == json_schema()


def test_the_schema_takes_every_good_configuration_and_finds_most_of_what_is_wrong_with_bad_ones() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    for case in GOOD:
        assert [error.message for error in validator.iter_errors(read(case.text))] == [], case.title
    bad = [case for case in cases() if not case.good and is_yaml(case.text)]
    found = [case for case in bad if not validator.is_valid(read(case.text))]
    assert len(found) > len(bad) / 2


def read(text: str) -> object:
    """The file as plain values, the way our reader of free-form values sees it."""
    node = compose(text.encode())
    return plain(None if node is None else ANYTHING.value(Place(Walk(MatcherMode.FALLBACK), node)))


def plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def is_yaml(text: str) -> bool:
    try:
        read(text)
    except YamlError:
        return False
    return True
