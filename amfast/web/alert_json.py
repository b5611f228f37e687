"""One alert as the listings show it, and the filters that both listings share (reference api, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatcherError, MatcherMode, parse_matcher
from amfast.model.regex import Pattern, PatternError
from amfast.model.timestamp import format_ms
from amfast.web.json_out import encode_for_html
from amfast.web.params import Params
from amfast.web.ports import AlertEntry

ReceiverLabels: TypeAlias = Mapping[str, Labels]


class BadParameter(Exception):  # noqa: N818 - an answer more than an error
    """A query parameter that cannot be understood; the text goes back as a JSON string."""


def parse_filter(texts: Iterable[str], mode: MatcherMode, what: str = "") -> list[Matcher]:
    """One matcher a text. Raises BadParameter, whose text begins with ``what``."""
    try:
        return [parse_matcher(text, mode) for text in texts]
    except MatcherError as error:
        raise BadParameter(f"{what}{error}") from None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What ``active``, ``silenced``, ``inhibited`` and ``filter`` leave of the alerts not yet over."""

    matchers: list[Matcher]
    active: bool
    silenced: bool
    inhibited: bool

    def takes(self, entry: AlertEntry, now_ns: int) -> bool:
        alert = entry.alert
        if not alert.ends_at.is_zero and alert.ends_at.ns < now_ns:
            return False
        if not all(matcher.matches_filter(alert.labels) for matcher in self.matchers):
            return False
        if not (self.active or entry.silenced_by or entry.inhibited_by):
            return False
        return (self.silenced or not entry.silenced_by) and (self.inhibited or not entry.inhibited_by)


def read_filters(
    params: Params, mode: MatcherMode, receiver_labels: ReceiverLabels
) -> tuple[AlertFilter, Callable[[Collection[str]], bool]]:
    """The filter of alerts, and the one of receivers: whether any of the names given passes.

    Raises BadParameter for the first parameter that is wrong.
    """
    alerts = AlertFilter(
        parse_filter(params.many("filter"), mode),
        params.flag("active"),
        params.flag("silenced"),
        params.flag("inhibited"),
    )
    pattern = _receiver_pattern(params)
    matchers = parse_filter(
        params.many("receiver_matchers"), mode, "failed to parse receiver_matchers param: "
    )

    def has_labels(name: str) -> bool:
        labels = receiver_labels.get(name)
        return labels is not None and all(matcher.matches_filter(labels) for matcher in matchers)

    def takes(names: Collection[str]) -> bool:
        if pattern is not None and not any(map(pattern.matches, names)):
            return False
        return not matchers or any(map(has_labels, names))

    return alerts, takes


def _receiver_pattern(params: Params) -> Pattern | None:
    text = params.last("receiver")
    if not text:
        return None
    try:
        return Pattern(text)
    except PatternError as error:
        raise BadParameter(f"failed to parse receiver param: error parsing regexp: {error}") from None


def alert_json(entry: AlertEntry, receivers: Iterable[str], muted_by: Collection[str] = ()) -> str:
    """The alert as JSON text; ``muted_by`` makes it suppressed whatever else holds.

    Alerts and silences, unlike all else in the answers, are escaped for HTML.
    """
    alert = entry.alert
    suppressed = entry.silenced_by or entry.inhibited_by or muted_by
    shown: dict[str, object] = {
        "annotations": dict(alert.annotations),
        "endsAt": format_ms(alert.ends_at),
        "fingerprint": f"{alert.fingerprint:016x}",
        "receivers": [{"name": name} for name in receivers],
        "startsAt": format_ms(alert.starts_at),
        "status": {
            "inhibitedBy": list(entry.inhibited_by),
            "mutedBy": list(muted_by),
            "silencedBy": list(entry.silenced_by),
            "state": "suppressed" if suppressed else "active",
        },
        "updatedAt": format_ms(alert.updated_at),
    }
    if alert.generator_url:
        shown["generatorURL"] = alert.generator_url
    shown["labels"] = dict(alert.labels)
    return encode_for_html(shown)
