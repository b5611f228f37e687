"""The configuration file: what is taken, what it becomes, and how errors are told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast.config import compose
from amfast.config.compose import DEPTH_MAX
from amfast.config.load import load, loads
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.types import Config, InhibitRule, Receiver, Route
from amfast.config.url import url_problem
from amfast.model.errors import ConfigError
from amfast.model.matcher import MatcherMode, format_matchers
from amfast.receivers.table import INTEGRATIONS
from amfast.template.rendering import problem

SECOND = 1_000_000_000
RECEIVER = "receivers:\n- name: r\n"


def read(text: str, mode: MatcherMode = MatcherMode.FALLBACK) -> Config:
    return loads(text, "am.yml", INTEGRATIONS, mode, problem)


def route(body: str) -> Route:
    """The root route with more keys."""
    return read(f"route:\n  receiver: r\n{body}\n{RECEIVER}").route


def child(body: str) -> Route:
    """A child route written in one line of flow style."""
    return route(f"  routes: [{{{body}}}]").routes[0]


def webhook(body: str) -> WebhookConfig:
    config = read(f"route: {{receiver: r}}\nreceivers:\n- name: r\n  webhook_configs:\n  - {{{body}}}\n")
    found = config.receivers[0].integrations[0]
    assert isinstance(found, WebhookConfig)
    return found


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value).splitlines()


def test_a_small_configuration_becomes_frozen_values() -> None:
    config = read("""
global: {resolve_timeout: 90s}
route:
  receiver: team
  group_by: [alertname, cluster]
  group_wait: 10s
  routes:
  - matchers: ['severity="critical", team=~"a|b"']
    match: {x: y}
    match_re: {job: pro.*}
    continue: yes
    group_by: ['...']
    repeat_interval: 1w
receivers:
- name: team
  labels: {zone: 1, area: yes}
  webhook_configs:
  - {url: 'http://a/', max_alerts: 3}
  - {url_file: /etc/url, send_resolved: off, timeout: 1.5s}
""")
    assert config.global_.resolve_timeout_ns == 90 * SECOND
    root, first = config.route, config.route.routes[0]
    assert (root.receiver, root.group_by, root.group_by_all) == ("team", ("alertname", "cluster"), False)
    assert (root.group_wait_ns, root.group_interval_ns) == (10 * SECOND, None)
    assert (first.receiver, first.group_by, first.group_by_all) == ("", None, True)
    assert (first.continue_, first.repeat_interval_ns) == (True, 7 * 86400 * SECOND)
    assert format_matchers(first.matchers) == '{job=~"^(?:pro.*)$",severity="critical",team=~"a|b",x="y"}'
    (receiver,) = config.receivers
    assert receiver.labels == (("area", "yes"), ("name", "team"), ("zone", "1"))
    first_hook, second_hook = receiver.integrations
    assert isinstance(first_hook, WebhookConfig)
    assert isinstance(second_hook, WebhookConfig)
    assert first_hook.url is not None
    assert (first_hook.url.reveal(), first_hook.max_alerts) == ("http://a/", 3)
    assert (second_hook.url_file, second_hook.send_resolved) == ("/etc/url", False)
    assert second_hook.timeout_ns == 3 * SECOND // 2


def test_group_by_that_is_absent_inherits_and_an_empty_one_does_not() -> None:
    assert route("").group_by is None
    assert route("  group_by:").group_by is None
    assert route("  group_by: []").group_by == ()


def test_null_means_the_zero_value_of_a_key_that_has_a_default() -> None:
    text = f"route: {{receiver: r, group_wait: ~, match: , routes: null}}\n{RECEIVER}global: {{resolve_timeout: }}"
    config = read(text)
    assert config.global_.resolve_timeout_ns == 0
    assert config.route == Route(receiver="r")
    assert read(f"route: {{receiver: r}}\n{RECEIVER}global:").global_.resolve_timeout_ns == 300 * SECOND


def test_scalars_arrive_as_text_exactly_as_written() -> None:
    found = child("match: {a: 0123, b: yes, c: 09:00, d: 1.10, e: 0x1F, f: ~, g: 2020-01-01}").matchers
    assert [matcher.value for matcher in found] == ["0123", "yes", "09:00", "1.10", "0x1F", "", "2020-01-01"]


@pytest.mark.parametrize("word", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
def test_words_of_consent_are_true(word: str) -> None:
    assert child(f"continue: {word}").continue_ is True


@pytest.mark.parametrize("word", ['"true"', "yEs", "1", "enable", "tRUE", "''"])
def test_near_misses_of_a_bool_are_refused(word: str) -> None:
    assert (
        "expected true or false"
        in errors(f"route: {{receiver: r, routes: [{{continue: {word}}}]}}\n{RECEIVER}")[0]
    )


def test_anchors_and_merge_keys_work_and_the_last_word_counts() -> None:
    root = route("""
  routes:
  - &base {group_wait: 1s, match: &m {a: b}}
  - *base
  - {<<: *base, group_wait: 2s}
  - {group_wait: 2s, <<: *base}
  - {<<: [{group_wait: 3s}, *base]}
  - {match: {<<: *m, c: d}}""")
    assert [one.group_wait_ns for one in root.routes] == [SECOND * n for n in (1, 1, 2, 1, 3)] + [None]
    assert format_matchers(root.routes[-1].matchers) == '{a="b",c="d"}'


def test_only_the_first_document_is_read() -> None:
    assert read(f"---\nroute: {{receiver: r}}\n{RECEIVER}---\n[}}").route.receiver == "r"


def test_all_errors_are_listed_in_order_with_their_places() -> None:
    text = """global:
  resolve_timeout: soon
  slack_api_url: file://secret.example/
route:
  reciever: r
  receiver: r
  routes:
  - receiver: q
    group_wait: 1s
    group_wait: 2s
    matchers: ["a=~("]
  - continue: maybe
inhibit_rules: [{target_match_re: {a: (}, source_match: {b-c: d}, equal: [e, ""], sources: []}, []]
receivers:
- name: r
  slack_configs: [{}]
- name: r
  webhook_configs: [{url: "ftp://secret.example/"}]
zzz: 1
"""
    assert errors(text) == [
        "am.yml:2:20: global.resolve_timeout: not a duration: 'soon' (write it like 30s, 5m or 1d12h)",
        "am.yml:3:18: global.slack_api_url: the URL must start with http:// or https://",
        'am.yml:5:3: route.reciever: unknown key, did you mean "receiver"?',
        "am.yml:8:15: route.routes[0].receiver: there is no receiver named 'q'",
        "am.yml:10:5: route.routes[0].group_wait: the key is there twice",
        "am.yml:11:16: route.routes[0].matchers[0]: error parsing regexp: missing closing ): `^(?:()$`",
        "am.yml:12:15: route.routes[1].continue: expected true or false, without quotes",
        "am.yml:13:39: inhibit_rules[0].target_match_re.a: error parsing regexp: missing closing ): `^(?:()$`",
        'am.yml:13:83: inhibit_rules[0].sources: unknown key, did you mean "source_matchers"?',
        "am.yml:13:97: inhibit_rules[1]: expected a mapping, found a list",
        "am.yml:17:9: receivers[1].name: the receiver name 'r' is there twice",
        "am.yml:18:27: receivers[1].webhook_configs[0].url: the URL must start with http:// or https://",
        "am.yml:19:1: zzz: unknown key",
    ]


def test_a_wrong_value_in_global_is_one_error_and_what_is_right_in_it_counts() -> None:
    text = """global: {resolve_timeot: 5m, smtp_from: a@b, smtp_smarthost: 'mail:25', slack_api_url: 'https://h/'}
route: {receiver: r}
receivers: [{name: r, slack_configs: [{channel: c}], email_configs: [{to: t}]}]
"""
    assert errors(text) == [
        'am.yml:1:10: global.resolve_timeot: unknown key, did you mean "resolve_timeout"?'
    ]


def test_a_wrong_value_hides_no_keys_that_exclude_each_other() -> None:
    text = """route: {receiver: r}
receivers:
- name: r
  webhook_configs:
  - http_config: {basic_auth: {username: u}, bearer_token: t, follow_redirects: 7}
"""
    at = "receivers[0].webhook_configs[0].http_config"
    assert errors(text) == [
        f"am.yml:5:31: {at}.basic_auth: cannot be set beside bearer_token",
        f"am.yml:5:81: {at}.follow_redirects: expected true or false, without quotes",
    ]


def test_a_wrong_value_of_a_route_hides_nothing_else_of_it_and_nothing_follows_from_it() -> None:
    text = """route:
  receiver: r
  group_by: [a, a]
  matchers: ["="]
  group_interval: 0s
  repeat_interval: 0x
  routes:
  - receiver: nobody
    matchers: ['a=~"("']
    group_by: ['...', b]
    labels: {'': x}
    mute_time_intervals: [none]
    routes:
    - receiver: [nobody]
      match: {a-b: c}
      group_by: [[a]]
receivers: [{name: r}]
"""
    child = "route.routes[0]"
    assert [line.partition(" ")[2] for line in errors(text)] == [
        "route.group_by: label 'a' is there twice",
        "route.matchers[0]: bad matcher format: =",
        "route.group_interval: must not be zero",
        "route.repeat_interval: not a duration: '0x' (write it like 30s, 5m or 1d12h)",
        f"{child}.receiver: there is no receiver named 'nobody'",
        f"{child}.matchers[0]: error parsing regexp: missing closing ): `^(?:()$`",
        f"{child}.group_by: ... groups by all labels: name no others beside it",
        f"{child}.labels: invalid label name ''",
        f"{child}.mute_time_intervals: there is no time interval named 'none'",
        f"{child}.routes[0]: invalid label name 'a-b' in match or match_re",
        f"{child}.routes[0].receiver: expected text, found a list",
        f"{child}.routes[0].group_by[0]: expected text, found a list",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("group_by: [a, a]", "route.group_by: label 'a' is there twice"),
        ("group_by: [a, '...']", "route.group_by: ... groups by all labels"),
        ("group_by: ['']", "route.group_by: invalid label name ''"),
        ("group_interval: 0s", "route.group_interval: must not be zero"),
        ("repeat_interval: 0", "route.repeat_interval: must not be zero"),
        ("continue: true", "route: the root route has no siblings"),
        ("match: {a: b}", "route: the root route takes every alert"),
        ("match_re: {a: b}", "route: the root route takes every alert"),
        ("matchers: [a=b]", "route: the root route takes every alert"),
        ("routes: [{match: {a-b: c}}]", "route.routes[0]: invalid label name 'a-b'"),
        (
            "routes: [{match_re: {a: }}]",
            "route.routes[0].match_re.a: expected a regular expression, found nothing",
        ),
        ("routes: [{match_re: {a: (}}]", "route.routes[0].match_re.a: error parsing regexp"),
        ("routes: [{match: {a: [b]}}]", "route.routes[0].match.a: expected text, found a list"),
        ("routes: [{match: {a: b, a: b}}]", "route.routes[0].match.a: the key is there twice"),
        ("routes: [~]", "route.routes[0]: expected a mapping, found nothing"),
        ("routes: {}", "route.routes: expected a list, found a mapping"),
        ("routes: [{<<: a}]", "route.routes[0].<<: expected a mapping to merge, found a single value"),
        ("routes: [{receiver: q}]", "route.routes[0].receiver: there is no receiver named 'q'"),
        ("[a]: b", "route.?: expected a key, found a list"),
        (
            "routes: [{active_time_intervals: [a]}]",
            "route.routes[0].active_time_intervals: there is no time interval",
        ),
        ("labels: {'': b}", "route.labels: invalid label name ''"),
    ],
)
def test_a_route_that_cannot_be_used_is_refused(body: str, said: str) -> None:
    (line,) = errors(f"route: {{receiver: r, {body}}}\n{RECEIVER}")
    assert line.split(": ", 1)[1].startswith(said)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("equal: [a, '']", ":25: inhibit_rules[0].equal: invalid label name ''"),
        ("equal: a", ":25: inhibit_rules[0].equal: expected a list, found a single value"),
        (
            "source_match: {a-b: c}",
            ":17: inhibit_rules[0]: invalid label name 'a-b' in source_match or source_match_re",
        ),
        (
            "target_match_re: {a-b: c}",
            ":17: inhibit_rules[0]: invalid label name 'a-b' in target_match or target_match_re",
        ),
        ("target_match_re: {a: (}", ":39: inhibit_rules[0].target_match_re.a: error parsing regexp"),
        ("source_match_re: {a: }", ":39: inhibit_rules[0].source_match_re.a: expected a regular expression"),
        ("source_matchers: ['a=b,,']", ":36: inhibit_rules[0].source_matchers[0]: "),
        ("target_machers: []", ':18: inhibit_rules[0].target_machers: unknown key, did you mean "target_m'),
    ],
)
def test_an_inhibition_rule_that_cannot_be_used_is_refused(body: str, said: str) -> None:
    (line,) = errors(f"route: {{receiver: r}}\n{RECEIVER}inhibit_rules: [{{{body}}}]\n")
    assert line.startswith(f"am.yml:4{said}")


def test_all_forms_of_an_inhibition_rule_come_to_the_same() -> None:
    rules = read(f"""
route: {{receiver: r}}
{RECEIVER}
inhibit_rules:
- name: one
  source_match: {{b: "1", a: x}}
  source_match_re: {{c: "2|3"}}
  source_matchers: ['d!=4, e!~"5"']
  target_matchers: ['a=x']
  equal: [z, y, z]
- target_match: {{a: x}}
-
""").inhibit_rules
    assert [(rule.name, rule.equal) for rule in rules] == [("one", ("y", "z")), ("", ()), ("", ())]
    assert format_matchers(rules[0].source) == '{a="x",b="1",c=~"^(?:2|3)$",d!="4",e!~"5"}'
    assert rules[0].target == rules[1].target
    assert rules[2] == InhibitRule()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "am.yml:1:1: a configuration needs a route"),
        ("~", "am.yml:1:1: a configuration needs a route"),
        ("[]", "am.yml:1:1: expected a mapping, found a list"),
        (RECEIVER, "am.yml:1:1: a configuration needs a route"),
        (f"route: {{}}\n{RECEIVER}", "am.yml:1:8: route: the root route must name a receiver"),
        ("a: b: c", "am.yml:1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: *b", "am.yml:1:4: alias *b refers to an anchor that is not complete before it"),
        ("a: &b [*b]", "am.yml:1:8: alias *b refers to an anchor that is not complete before it"),
        ("a: !!binary aGk=", "am.yml:1:4: the tag tag:yaml.org,2002:binary is not supported"),
        ("a: \x01", "am.yml:1:1: not valid YAML: control characters are not allowed at byte 3"),
        (
            f"route: {{receiver: r}}\n{RECEIVER}- {{}}",
            "am.yml:4:3: receivers[1].name: the receiver needs a name",
        ),
        (
            f"route: {{receiver: r}}\n{RECEIVER}  labels: {{name: q}}",
            "am.yml:4:11: receivers[0].labels: the label name",
        ),
        (f"route: {{receiver: r}}\n{RECEIVER}tracing: {{}}", "am.yml:4:10: tracing.endpoint: must be set"),
        (
            f"route: {{receiver: r, mute_time_intervals: [a]}}\n{RECEIVER}time_intervals: [{{name: a}}]",
            "am.yml:1:8: route: the root route is the last resort",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, said: str) -> None:
    (line,) = errors(text)
    assert line.startswith(said)


def test_lists_that_say_nothing_are_not_refused_even_where_nothing_is_built() -> None:
    assert read(
        f"route: {{receiver: r}}\n{RECEIVER}templates: []\ninhibit_rules:\ntime_intervals: []\n"
    ).route


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "receivers[0].webhook_configs[0]: set one of url and url_file"),
        ("url: ''", "receivers[0].webhook_configs[0]: set one of url and url_file"),
        (
            "url: http://a, url_file: b",
            "receivers[0].webhook_configs[0].url: cannot be set beside url_file",
        ),
        (
            "url: 'http://a/{{ .X'",
            "receivers[0].webhook_configs[0].url: the template cannot be parsed: unclosed action",
        ),
        (
            "url: http://a, max_alerts: -1",
            "receivers[0].webhook_configs[0].max_alerts: expected a number from 0 up",
        ),
        (
            "url: http://a, max_alerts: '1'",
            "receivers[0].webhook_configs[0].max_alerts: expected a number from 0 up",
        ),
        ("url: http://a, timeout: '1'", "receivers[0].webhook_configs[0].timeout: not a duration"),
        ("url: http://a, timeout: 1d", "receivers[0].webhook_configs[0].timeout: not a duration"),
        (
            "url: http://a, http_config: {no_proxy: x}",
            "receivers[0].webhook_configs[0].http_config.no_proxy: needs proxy_url",
        ),
    ],
)
def test_a_webhook_that_cannot_be_used_is_refused(body: str, said: str) -> None:
    (line,) = errors(f"route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: [{{{body}}}]}}]")
    assert line.split(": ", 1)[1].startswith(said)


def test_numbers_and_go_durations_have_the_forms_of_yaml_1_1() -> None:
    assert webhook("url: http://a, max_alerts: 0x10").max_alerts == 16
    assert webhook("url: http://a, max_alerts: 010").max_alerts == 8
    assert webhook("url: http://a, max_alerts: 1_000").max_alerts == 1000
    assert webhook("url: http://a, timeout: 1500").timeout_ns == 1500
    assert webhook("url: http://a, timeout: 1m").timeout_ns == 60 * SECOND


def test_a_receiver_takes_the_global_http_config_unless_it_has_its_own() -> None:
    text = (
        "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: http://a},"
        " {url: http://a, http_config: {}}]}]\nglobal: {http_config: {follow_redirects: no}}"
    )
    first, second = read(text).receivers[0].integrations
    assert isinstance(first, WebhookConfig)
    assert isinstance(second, WebhookConfig)
    assert first.http_config is not None
    assert second.http_config is not None
    assert (first.http_config.follow_redirects, second.http_config.follow_redirects) == (False, True)


def test_classic_mode_takes_only_classic_label_names() -> None:
    text = f"route: {{receiver: r, group_by: ['a b']}}\n{RECEIVER}"
    assert read(text, MatcherMode.UTF8).route.group_by == ("a b",)
    with pytest.raises(ConfigError, match="invalid label name 'a b'"):
        read(text, MatcherMode.CLASSIC)


def test_matchers_that_need_attention_are_warnings_with_their_places() -> None:
    text = f"route: {{receiver: r, routes: [{{matchers: ['a=b c']}}]}}\n{RECEIVER}"
    (warning,) = read(text).warnings
    assert warning.startswith(
        "am.yml:1:43: route.routes[0].matchers[0]: matchers 'a=b c' are read by the classic"
    )
    assert read(text, MatcherMode.CLASSIC).warnings == ()


def test_secrets_are_not_shown_anywhere() -> None:
    config = read("route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://h/TOKEN'}]}]")
    assert "TOKEN" not in repr(config)
    assert "TOKEN" not in config.original
    assert "url: <secret>" in config.original
    wrong = "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://h:p/TOKEN%'}]}]"
    assert "TOKEN" not in "\n".join(errors(wrong))


def test_an_error_is_printable_and_of_bounded_length() -> None:
    (line,) = errors(f'route: {{receiver: r}}\n{RECEIVER}"{"x" * 100_000}\\e[31m\\n": 1')
    assert line.isprintable()
    assert len(line) <= 500
    lines = errors("\n".join(f"key{n}: 1" for n in range(1000)))
    assert len(lines) == 51
    assert lines[-1] == "am.yml: and 950 more"


def test_a_bomb_of_aliases_is_refused_quickly() -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.monotonic()
    (line,) = errors("\n".join(bomb))
    assert "aliases counted" in line
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_not_followed(opening: str) -> None:
    (line,) = errors("a: \n " + opening * 100_000)
    assert f"nested deeper than {DEPTH_MAX} levels" in line


def test_nesting_through_aliases_counts_too() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEPTH_MAX + 1))]
    assert "nested deeper" in errors("\n".join(lines))[0]


def test_routes_may_nest_nearly_as_deep_as_the_limit() -> None:
    levels = DEPTH_MAX // 2 - 3
    nested = "{routes: [" * levels + "{}" + "]}" * levels
    node = read(f"route: {{receiver: r, routes: [{nested}]}}\n{RECEIVER}").route
    for _ in range(levels + 1):
        (node,) = node.routes
    assert node.routes == ()


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"%@#, \n\t<", max_size=80).map(str.encode))
def test_any_bytes_give_a_configuration_or_one_error(data: bytes) -> None:
    with pytest.raises(ConfigError):
        loads(data, "am.yml", INTEGRATIONS)


@settings(deadline=None)
@given(st.recursive(st.text(max_size=8) | st.none() | st.booleans() | st.integers(),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
                        st.sampled_from(["route", "receivers", "global", "routes", "match", "name", "receiver", "<<",
                                         "webhook_configs", "url", "timeout", "labels", "http_config", "group_by"]),
                        inner, max_size=5), max_leaves=20))  # fmt: skip
def test_any_shape_gives_a_configuration_or_one_error(shape: object) -> None:
    try:
        read(json.dumps({"route": {"receiver": "r", "routes": [shape]}, "receivers": [{"name": "r"}, shape]}))
        read(json.dumps(shape))
    except ConfigError:
        return


def test_a_file_is_read_from_disk_and_named_in_errors(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"route: {{receiver: r}}\n{RECEIVER}")
    assert load(file, INTEGRATIONS).receivers == (Receiver("r", (("name", "r"),)),)
    file.write_text("rote: 1")
    with pytest.raises(ConfigError, match=rf'^{file}:1:1: rote: unknown key, did you mean "route"\?$'):
        load(file, INTEGRATIONS)
    with pytest.raises(
        ConfigError, match=r"^cannot read the configuration file .*: No such file or directory$"
    ):
        load(tmp_path / "none", INTEGRATIONS)


@pytest.mark.parametrize(
    ("good", "url"),
    [
        *((True, url) for url in (
            "http://h", "https://h:9/p?q=1#f", "HTTP://h", "http://:80", "http://u:p@h/", "http://[::1]:9",
            "http://h:", "http://é/", "http://h/a b", "http://h?%zz", "http://[fe80::1%25en0]/", "http://::1/",
        )),
        *((False, url) for url in (
            "", "h", "//h", "ftp://h", "http:h", "http://", "http:///p", "http://h:p", "http://a b/",
            "http://h/%zz", "http://[::1", "http://u p@h/", " http://h", "http://h/\x01", "http://h%20/",
        )),
    ],
)  # fmt: skip
def test_urls_are_judged_as_go_does(good: bool, url: str) -> None:
    assert (url_problem(url) is None) is good


def test_a_file_beyond_the_limits_is_refused_before_it_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "NODES_MAX", 10_000)
    assert errors(f"a: [{'x, ' * 20_000}") == ["am.yml:1:30002: more than 10000 values, aliases counted"]
    monkeypatch.setattr(compose, "BYTES_MAX", 1 << 20)
    assert errors("#" * (2 << 20)) == ["am.yml:1:1: the file is larger than 1 MiB"]


def test_a_file_in_which_everything_is_wrong_is_told_about_quickly_and_in_few_lines() -> None:
    lines = errors("\n".join(f"reciever{n}: [x, y]" for n in range(20_000)))
    assert lines[0] == 'am.yml:1:1: reciever0: unknown key, did you mean "receivers"?'
    assert (
        lines[49:] == ["am.yml:50:1: reciever49: unknown key", "am.yml: and 19950 more"] or len(lines) == 51
    )


def test_what_is_wrong_with_a_secret_does_not_say_it() -> None:
    text = """
route: {receiver: r}
receivers:
- name: r
  slack_configs: [{api_url: "htp://h/SECRET"}]
  discord_configs: [{webhook_url: "http://h:SECRET/"}]
  opsgenie_configs: [{api_key: [SECRET]}]
  pagerduty_configs: [{routing_key: {SECRET: SECRET2}}]
  telegram_configs: [{bot_token: SECRET, chat_id: "x"}]
  webhook_configs: [{url: "http://h/{{ SECRET", http_config: {proxy_url: "http://u:SECRET@h:p"}}]
"""
    found = errors(text)
    assert len(found) == 7
    assert "SECRET" not in "\n".join(found)


def test_file_names_are_seen_from_the_folder_of_the_file_where_the_reference_does_so() -> None:
    text = """
route: {receiver: r}
templates: ['t/*.tmpl', /abs/t.tmpl]
global: {http_config: {basic_auth: {username: u, password_file: ../p}}}
receivers:
- name: r
  webhook_configs:
  - {url_file: u}
  - {url: http://h, http_config: {tls_config: {ca_file: ca}, http_headers: {X: {files: [./f]}}}}
  incidentio_configs: [{url: http://h, http_config: {authorization: {credentials_file: c}}}]
  slack_configs: [{app_token_file: token, http_config: {oauth2: {client_id: c, token_url: t,
    client_secret_file: s, client_certificate_key_file: k}}}]
event_recorder: {file_outputs: [{path: events}]}
"""
    config = loads(text, "/etc/am/am.yml", INTEGRATIONS)
    assert config.templates == ("/etc/am/t/*.tmpl", "/abs/t.tmpl")
    assert config.event_recorder.file_outputs[0].path == "/etc/am/events"
    shown = config.original
    for line in (
        "password_file: /etc/p", "url_file: u", "ca_file: /etc/am/ca", "- /etc/am/f", "credentials_file: c",
        "credentials_file: /etc/am/token", "app_token_file: token", "client_secret_file: /etc/am/s",
        "client_certificate_key_file: k",
    ):  # fmt: skip
        assert f"{line}\n" in shown


def test_keys_that_depend_on_each_other_are_not_judged_when_one_of_them_is_wrong_already() -> None:
    text = "route: {receiver: r}\nreceivers: [{name: r, pushover_configs: [{user_key: [], token: []}]}]"
    assert len(errors(text)) == 2
