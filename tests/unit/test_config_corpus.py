"""Every key of a configuration, right and wrong: our verdicts, errors and printed forms beside Alertmanager's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from amfast.config.load import loads
from amfast.config.schema import rows_of
from amfast.config.tree import RouteBlock
from amfast.model.errors import ConfigError
from amfast.receivers.table import INTEGRATIONS
from amfast.template.rendering import problem
from tests.support.corpus import Case, amtool_verdicts, cases

CASES = cases()
PRINTED = json.loads((Path(__file__).parents[1] / "vectors" / "config_printed.json").read_text())

UNKNOWN_KEY = "not found in type"
"""How amtool says that it does not know a key, as 0.25 does of all that came later."""

DIFFERENT = {
    "a null receiver": "Alertmanager takes a receiver of no name, which nothing can refer to",
    "a year of nothing": "Alertmanager takes the year zero for it",
    "a time of nothing": "Alertmanager takes a time of no length for it",
}
"""Where amfast's verdict is not that of Alertmanager 0.34, by the title of the case, and why."""

OLDER = {
    "OAuth without a secret": "0.25 wants a secret for every grant",
    "a certificate file without a key": "0.25 does not look for the key of a certificate",
    "a key without a certificate": "0.25 does not look for the certificate of a key",
    "the mask of a webhook's URL": "0.25 takes a webhook's URL for no secret",
    "a webhook with a broken template": "0.25 knows no templates in URLs",
    "a webhook with an empty template": "0.25 knows no templates in URLs",
    "a webhook whose template says something wrong": "0.25 knows no templates in URLs",
    "Telegram with the global token": "0.25 looks for the token before it looks into global",
    "grouping by a name of all the world": "0.25 knows classic label names only",
    "a matcher that only the newer grammar knows": "0.25 knows the classic grammar only",
}
"""Where Alertmanager 0.25 has another verdict than 0.34, and why."""

PRINTED_DIFFERENTLY = {
    "nulls in global": "amfast takes the default http_config for a null one, with which Alertmanager crashes",
}


@pytest.fixture(scope="module")
def amtool() -> str:
    found = shutil.which("amtool")
    if found is None:
        pytest.skip("needs amtool (Debian package prometheus-alertmanager)")
    return found


def verdict(text: str) -> str:
    """Our errors, empty for none."""
    try:
        loads(text, "am.yml", INTEGRATIONS, template_problem=problem)
    except ConfigError as error:
        return str(error)
    return ""


def test_the_corpus_is_large_and_its_titles_are_unique() -> None:
    assert len(CASES) >= 450
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_judged_as_it_should_be_and_a_bad_one_in_one_line(case: Case) -> None:
    found = verdict(case.text)
    if case.good:
        assert found == ""
    else:
        (line,) = found.splitlines()
        place, _, text = line.partition(": ")
        assert place.startswith("am.yml:")
        assert text.startswith(case.said)
        assert "SECRET" not in line


def test_amtool_has_the_same_verdicts(amtool: str, tmp_path: Path) -> None:
    """A newer amtool has fewer unknown keys and fewer of the listed differences."""
    judged = list(zip(CASES, amtool_verdicts(amtool, tmp_path, [case.text for case in CASES]), strict=True))
    known = [(case, theirs) for case, theirs in judged if UNKNOWN_KEY not in (theirs or "")]
    different = {case.title for case, theirs in known if (theirs is None) != (verdict(case.text) == "")}
    assert different - set(OLDER) <= set(DIFFERENT)
    assert len(known) >= 300


@pytest.mark.parametrize("title", [title for title in PRINTED if title not in DIFFERENT])
def test_a_configuration_is_printed_as_by_alertmanager_0_34(title: str) -> None:
    """The vectors were printed by its status API; the receiver ``r`` is not used, so that it is not built."""
    ours = loads(PRINTED[title]["text"], "am.yml", INTEGRATIONS).original
    assert "SECRET" not in ours
    assert (ours == PRINTED[title]["printed"]) is (title not in PRINTED_DIFFERENTLY)


def test_every_good_case_is_printed_in_the_vectors() -> None:
    assert {case.title for case in CASES if case.good} == set(PRINTED)


def test_secrets_are_in_no_representation() -> None:
    for case in CASES:
        if case.good and case.title not in DIFFERENT:
            assert "SECRET" not in repr(loads(case.text, "am.yml", INTEGRATIONS))


def test_a_file_that_is_right_says_what_amfast_cannot_do() -> None:
    text = (
        "route: {receiver: r}\nreceivers:\n- {name: r, slack_configs: [{api_url: http://h}]}\n"
        "- {name: s, sns_configs: [{topic_arn: t}]}"
    )
    assert loads(text, "am.yml", INTEGRATIONS).unsupported == (
        "am.yml:3:28: receivers[0].slack_configs: amfast cannot send through slack yet",
    )


def test_templates_can_be_used_wherever_a_webhook_and_its_route_have_them() -> None:
    text = (
        "route: {receiver: r, labels: {a: '{{ .Status }}'}}\ntemplates: ['*.tmpl']\n"
        "receivers: [{name: r, webhook_configs: [{url: 'http://h/{{ .Status }}', payload: {a: '{{ .Status }}'}}]}]"
    )
    assert loads(text, "am.yml", INTEGRATIONS).unsupported == ()


def test_keys_of_a_route_are_all_described() -> None:
    assert all(row.about for row in rows_of(RouteBlock))
