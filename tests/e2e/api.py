"""The HTTP side of a node, with nothing but the standard library."""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.error
import urllib.request
from typing import Any

_TIMEOUT_S = 10
# Proxy settings of the surroundings must not carry loopback requests away.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method: str, url: str, body: object = None) -> tuple[int, str]:
    """Status and text of one request; `body`, when given, is sent as JSON. OSError when nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data is not None else {}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with _opener.open(request, timeout=_TIMEOUT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def in_seconds(seconds: float) -> str:
    """The moment this many seconds from now, as RFC 3339 in UTC."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def alert(case: str, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": "DemoDown", "case": case, **labels},
        "annotations": {"summary": f"demo {case} is down"},
        "startsAt": in_seconds(0),
    }


def matcher(name: str, value: str, *, is_regex: bool = False, is_equal: bool = True) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": is_regex, "isEqual": is_equal}


def silence(*matchers: dict[str, Any], starts_in_s: float = 0, ends_in_s: float = 3600) -> dict[str, Any]:
    return {
        "matchers": list(matchers),
        "startsAt": in_seconds(starts_in_s),
        "endsAt": in_seconds(ends_in_s),
        "createdBy": "night watch",
        "comment": "während der Wartung",
    }


class Api:
    """What the scenarios ask of one node."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def _json(self, path: str) -> Any:
        return json.loads(self._ok("GET", path))

    def _ok(self, method: str, path: str, body: object = None) -> str:
        status, text = call(method, self.base_url + path, body)
        assert status == 200, f"{method} {path}: {status} {text}"
        return text

    def is_ready(self) -> bool:
        return call("GET", self.base_url + "/-/ready")[0] == 200

    def reload(self) -> tuple[int, str]:
        return call("POST", self.base_url + "/-/reload")

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._json("/api/v2/status")
        return status

    def members(self) -> dict[str, str]:
        """Address by name of every member this node sees."""
        return {peer["name"]: peer["address"] for peer in self.status()["cluster"]["peers"]}

    def metric(self, name: str) -> float:
        """The value of a metric without labels; AssertionError when it is not exported."""
        found = re.search(rf"^{name} (\S+)$", self._ok("GET", "/metrics"), re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found[1])

    def post_alerts(self, *alerts: dict[str, Any]) -> None:
        self._ok("POST", "/api/v2/alerts", list(alerts))

    def alerts(self) -> list[dict[str, Any]]:
        alerts: list[dict[str, Any]] = self._json("/api/v2/alerts")
        return alerts

    def alert_of(self, case: str) -> dict[str, Any] | None:
        return next((one for one in self.alerts() if one["labels"]["case"] == case), None)

    def add_silence(self, body: dict[str, Any]) -> str:
        return str(json.loads(self._ok("POST", "/api/v2/silences", body))["silenceID"])

    def expire_silence(self, silence_id: str) -> None:
        self._ok("DELETE", f"/api/v2/silence/{silence_id}")

    def silences(self) -> dict[str, dict[str, Any]]:
        """Every silence by its ID."""
        return {one["id"]: one for one in self._json("/api/v2/silences")}

    def silence_state(self, silence_id: str) -> str | None:
        found = self.silences().get(silence_id)
        return str(found["status"]["state"]) if found else None
