"""The printed configuration and its hash, beside those of a running Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from amfast.config.load import loads
from amfast.receivers.table import INTEGRATIONS
from tests.support.reference import ReferenceAlertmanager

PLAIN = """
route: {receiver: r}
receivers: [{name: r}]
"""

ROUTES = r"""
global: {resolve_timeout: 90s, http_config: {follow_redirects: no, enable_http2: no}}
route:
  receiver: team-a
  group_by: [alertname, cluster]
  group_wait: 0s
  routes:
  - matchers: ['severity="critical", team=~"a|b"', 'x!="y\\z"']
    match: {foo: bar, a10: z, a9: "0123", A: 1, _: x, a01: y}
    match_re: {job: "pro.*", empty: ""}
    receiver: "123"
    continue: true
    group_by: ['...']
    repeat_interval: 1w
    routes:
    - {receiver: "yes", group_by: [], group_interval: 90d}
receivers: [{name: team-a}, {name: "123"}, {name: "yes"}]
"""

INHIBITION = r"""
route: {receiver: r}
receivers: [{name: r}]
inhibit_rules:
- equal: [b, a, b]
  target_matchers: ['x!="1"', "c=d,a=~b"]
  target_match_re: {m: "x.*", e: ""}
  target_match: {z: "1", y: two}
  source_matchers: [severity=critical]
  source_match_re: {a10: x, a9: y}
  source_match: {a: "", b: "true"}
- {}
- {equal: [], source_match: , source_matchers: []}
"""

LONG = "it is so long that it goes over eighty columns for sure because it has very many words"
NAMES = [
    "trailing ", "a: b", "- a", "#x", 'it\'s "q"', "~", "1:20", "2001-01-01", "2001-13-01", "uni ü ☃ 😀", "tab\there",
    "\x01", "=", "<<", "0x1f", ".5", "1_000", "0o7", "08", "1e3", "{a", "'", " x", "multi\n", "\nmulti", "a\n\n b\n\n",
    "a\nb", "null", "x #y", "x:", "a,b", "[x]", "%x", "@x", "`x", "!x", "&x", "*x", "?x", "? x", "-x", "-", "|", ">",
    "---", "...", "\x85\u2028\ufeff", "a" + " " * 90 + "b", LONG, f"'{LONG}", f"\t{LONG}\x01", f"{LONG}\n{LONG}", "on",
    "oN", ".inf", "+1", "0b1", "1.2.3", "12:30:45.5", "2001-1-1 1:1:1", "18446744073709551616", "é", "\\", "a\\b", '"',
]  # fmt: skip

NEW_LINES = (
    "  smtp_tls_config:\n    insecure_skip_verify: false\n",
    "  slack_app_url: https://slack.com/api/chat.postMessage\n",
    "  rocketchat_api_url: https://open.rocket.chat/\n",
)
"""What Alertmanager prints since 0.25."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceAlertmanager]:
    running = ReferenceAlertmanager(tmp_path_factory.mktemp("reference"), PLAIN)
    yield running
    running.close()


def as_in_0_25(text: str) -> str:
    for line in NEW_LINES:
        assert line in text
        text = text.replace(line, "")
    kept, lines = [], iter(text.splitlines(keepends=True))
    for line in lines:
        if line == "  labels:\n":
            assert next(lines).startswith("    name: ")
        else:
            kept.append(line)
    return "".join(kept)


@pytest.mark.parametrize("config", [PLAIN, ROUTES, INHIBITION], ids=["plain", "routes", "inhibition"])
def test_the_printed_form_and_the_hash_are_the_same(reference: ReferenceAlertmanager, config: str) -> None:
    reference.reload(config)
    ours = loads(config, "am.yml", INTEGRATIONS)
    assert as_in_0_25(ours.original) == reference.original()
    assert ours.hash == reference.config_hash()


def test_texts_are_quoted_folded_and_blocked_alike(reference: ReferenceAlertmanager) -> None:
    routes = "".join(f"  - {{match: {{a: {_quoted(name)}}}}}\n" for name in NAMES)
    config = f"route:\n  receiver: r\n  routes:\n{routes}receivers: [{{name: r}}]\n"
    reference.reload(config)
    assert as_in_0_25(loads(config, "am.yml", INTEGRATIONS).original) == reference.original()


def test_a_webhook_is_printed_with_its_url_masked_and_empty_options_shown() -> None:
    config = (
        "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://h/', timeout: 90s}]}]\n"
    )
    assert loads(config, "am.yml", INTEGRATIONS).original.endswith("""
receivers:
- name: r
  labels:
    name: r
  webhook_configs:
  - send_resolved: true
    http_config:
      follow_redirects: true
      enable_http2: true
    url: <secret>
    url_file: ""
    max_alerts: 0
    timeout: 1m30s
templates: []
""")


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08X}" for char in text) + '"'
