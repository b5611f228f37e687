"""``/api/v2/status``, ``/api/v2/receivers`` and what is left of version 1 (reference api, sections 1 and 5)."""

from __future__ import annotations

import logging

from amfast.model.matcher import MatcherMode
from amfast.model.timestamp import format_ms
from amfast.web.filters import BadParameter, parse_filter
from amfast.web.json_out import json_response
from amfast.web.message import Request, Response
from amfast.web.params import Params
from amfast.web.ports import BuildInfo, StatusReader


class StatusApi:
    """Shows the node's state and its receivers."""

    def __init__(self, status: StatusReader, build: BuildInfo, mode: MatcherMode) -> None:
        self._status = status
        self._build = build
        self._mode = mode

    def get(self, _request: Request) -> Response:
        """The state of the cluster, the configuration, the start of the API and the version."""
        cluster = self._status.cluster()
        shown: dict[str, object] = {} if cluster.name is None else {"name": cluster.name}
        shown["peers"] = [
            {"address": address, "name": name}
            for name, address in sorted(cluster.peers, key=lambda peer: peer[0])
        ]
        shown["status"] = cluster.status
        build = self._build
        return json_response(
            200,
            {
                "cluster": shown,
                "config": {"original": self._status.config_text()},
                "uptime": format_ms(self._status.uptime),
                "versionInfo": {
                    "branch": build.branch,
                    "buildDate": build.build_date,
                    "buildUser": build.build_user,
                    "goVersion": build.runtime,
                    "revision": build.revision,
                    "version": build.version,
                },
            },
        )

    def get_receivers(self, request: Request) -> Response:
        """The configured receivers whose labels satisfy ``receiver_matchers``."""
        texts = Params(request.target.query).many("receiver_matchers")
        try:
            matchers = parse_filter(texts, self._mode, "failed to parse receiver_matchers param: ")
        except BadParameter as error:
            return json_response(400, str(error))
        return json_response(
            200,
            [
                {"labels": dict(labels), "name": name}
                for name, labels in self._status.receivers()
                if all(matcher.matches_filter(labels) for matcher in matchers)
            ],
        )


def version_1_gone(request: Request, log: logging.Logger) -> Response:
    """Version 1 of the API ended with release 0.27."""
    log.warning("%s %s: version 1 of the API no longer exists", request.method, request.target.raw_path)
    text = "version 1 of the API was removed in 0.27; use the same path below /api/v2"
    return json_response(410, {"status": "deprecated", "error": text})
