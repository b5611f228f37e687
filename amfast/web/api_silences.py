"""``/api/v2/silences`` and ``/api/v2/silence/{silenceID}`` (reference api, section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Final

from amfast.model.clock import Clock
from amfast.model.json_text import encode_for_html
from amfast.model.matcher import Matcher, MatcherMode, valid_label_name
from amfast.model.silence import MatcherSpec, Silence, SilenceNotFound, SilenceRefused
from amfast.model.timestamp import Time, format_ms
from amfast.web.errors import wrong_format
from amfast.web.filters import BadParameter, parse_filter
from amfast.web.json_out import json_response, raw_json_response
from amfast.web.message import Request, Response
from amfast.web.params import Params
from amfast.web.parse_silence import parse_silence
from amfast.web.ports import SilenceStore
from amfast.web.uri import is_uuid

_STATES: Final = ("active", "pending", "expired")


class Unshowable(Exception):  # noqa: N818 - an answer more than an error
    """A silence that this version of the API has no form for."""


class SilencesApi:
    """Creates, lists and ends silences."""

    def __init__(self, store: SilenceStore, clock: Clock, mode: MatcherMode) -> None:
        self._store = store
        self._clock = clock
        self._mode = mode
        self._is_name = partial(valid_label_name, mode=mode)

    def get(self, request: Request) -> Response:
        """List the silences that the filter and the wanted states leave."""
        params = Params(request.target.query)
        try:
            matchers = parse_filter(params.many("filter"), self._mode)
        except BadParameter as error:
            return json_response(400, str(error))
        wanted = {state for state in _STATES if params.flag(state)}
        now_ns = self._clock.now_ns()
        kept = [
            silence
            for silence in self._store.list()
            if silence.state(now_ns) in wanted and _matches_filter(silence, matchers)
        ]
        kept.sort(key=partial(_order, now_ns=now_ns))
        try:
            shown = ",".join(_shown(silence, now_ns) for silence in kept)
            return raw_json_response(200, f"[{shown}]")
        except Unshowable as error:
            return json_response(500, str(error))

    def post(self, request: Request) -> Response | Awaitable[Response]:
        """Create or update a silence. Raises RequestRefused."""
        try:
            silence = parse_silence(bytes(request.body), self._clock.now_ns(), self._is_name)
            return self._once_kept(json_response(200, {"silenceID": self._store.set(silence)}))
        except SilenceRefused as error:
            return json_response(400, str(error))
        except SilenceNotFound:
            return json_response(404, "silence not found")

    def get_one(self, _request: Request, silence_id: str) -> Response:
        """Show one silence. Raises RequestRefused."""
        _check_id(silence_id)
        silence = self._store.get(silence_id)
        if silence is None:
            return Response(404)
        try:
            return raw_json_response(200, _shown(silence, self._clock.now_ns()))
        except Unshowable as error:
            return json_response(500, str(error))

    def delete(self, _request: Request, silence_id: str) -> Response | Awaitable[Response]:
        """End one silence. Raises RequestRefused."""
        _check_id(silence_id)
        return self._once_kept(Response(200)) if self._store.expire(silence_id) else Response(404)

    def _once_kept(self, response: Response) -> Response | Awaitable[Response]:
        """The answer, once what it says is on disk. If the disk fails it is given all the same: the change holds."""
        settled = self._store.settled()
        return response if settled is None else _after(settled, response)


async def _after(settled: Awaitable[None], response: Response) -> Response:
    await settled
    return response


def _check_id(silence_id: str) -> None:
    if not is_uuid(silence_id):
        raise wrong_format("silenceID", "path", "uuid", silence_id)


def _matches_filter(silence: Silence, matchers: Iterable[Matcher]) -> bool:
    """Whether one set of the silence has every matcher of the filter, compared as text."""
    specs = {MatcherSpec(int(matcher.type), matcher.name, matcher.value) for matcher in matchers}
    return any(specs <= set(matcher_set) for matcher_set in silence.matcher_sets)


def _order(silence: Silence, now_ns: int) -> tuple[int, int]:
    state = silence.state(now_ns)
    if state == "active":
        return 0, silence.ends_at_ns
    if state == "pending":
        return 1, silence.starts_at_ns
    return 2, -silence.ends_at_ns


def _shown(silence: Silence, now_ns: int) -> str:
    if len(silence.matcher_sets) > 1:
        raise Unshowable(
            f"silence {silence.id} has several sets of matchers, which API version 2 cannot show"
        )
    shown: dict[str, object] = {
        "id": silence.id,
        "status": {"state": silence.state(now_ns)},
        "updatedAt": format_ms(Time(silence.updated_at_ns)),
    }
    if silence.annotations:
        shown["annotations"] = dict(silence.annotations)
    shown["comment"] = silence.comment
    shown["createdBy"] = silence.created_by
    shown["endsAt"] = format_ms(Time(silence.ends_at_ns))
    shown["matchers"] = [
        {
            "isEqual": spec.type in (0, 1),
            "isRegex": spec.type in (1, 3),
            "name": spec.name,
            "value": spec.pattern,
        }
        for matcher_set in silence.matcher_sets
        for spec in matcher_set
    ]
    shown["startsAt"] = format_ms(Time(silence.starts_at_ns))
    return encode_for_html(shown)
