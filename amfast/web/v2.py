"""Version 2 of the API: paths to operations, and everything that is the same for all of them."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from amfast._ext.layers import Headed
from amfast.web.api_alerts import AlertsApi
from amfast.web.api_silences import SilencesApi
from amfast.web.api_status import StatusApi
from amfast.web.errors import RequestRefused, method_unknown, path_unknown
from amfast.web.message import Headers, Request, Response
from amfast.web.negotiation import check_media_types, cors_headers, is_preflight, preflight

Operation: TypeAlias = Callable[[Request], Response | Awaitable[Response]]

API_PATH: Final = "/api/v2/"
_SILENCE_PATH: Final = "/api/v2/silence/"
_NO_STORE: Final = ("Cache-Control", "no-store")
_PATH_SAFE: Final = "$&+,/:;=@!'()*~"


class V2:
    """Answers every request below ``/api/v2/``; paths are without the route prefix."""

    def __init__(self, alerts: AlertsApi, silences: SilencesApi, status: StatusApi) -> None:
        self._silences = silences
        self._paths: Mapping[str, Mapping[str, Operation]] = {
            "/api/v2/alerts": {"GET": alerts.get, "POST": alerts.post},
            "/api/v2/alerts/groups": {"GET": alerts.get_groups},
            "/api/v2/receivers": {"GET": status.get_receivers},
            "/api/v2/silences": {"GET": silences.get, "POST": silences.post},
            "/api/v2/status": {"GET": status.get},
        }

    def find(self, request: Request, raw_path: str) -> Operation:
        """Who answers requests with this one's head, and a body or none as it has.

        ``raw_path`` is the path as it was sent, without the prefix.
        """
        if is_preflight(request):
            return preflight
        headers = (_NO_STORE, *cors_headers(request))
        try:
            operation = self._find(request, raw_path)
            check_media_types(request)
        except RequestRefused as refused:
            operation = _refusing(refused)

        return Headed(operation, headers, _response_to, _finish)

    def _find(self, request: Request, raw_path: str) -> Operation:
        path = raw_path if "/." not in raw_path else posixpath.normpath(raw_path)
        path = path.rstrip("/")
        operations = self._paths.get(path)
        if operations is None and path.startswith(_SILENCE_PATH) and path.count("/") == 4:  # noqa: PLR2004
            silence_id = unquote(path.removeprefix(_SILENCE_PATH))
            operations = {
                "GET": partial(self._silences.get_one, silence_id=silence_id),
                "DELETE": partial(self._silences.delete, silence_id=silence_id),
            }
        if operations is None:
            raise path_unknown(_escaped(raw_path))
        operation = operations.get(request.method)
        if operation is None:
            raise method_unknown(request.method, sorted(operations))
        return operation


def _refusing(refused: RequestRefused) -> Operation:
    refused.__traceback__ = None  # it holds on to the request
    return lambda _request: refused.response()


def _response_to(error: Exception) -> Response:
    if isinstance(error, RequestRefused):
        return error.response()
    raise error


async def _finish(awaitable: Awaitable[Response], headers: Headers) -> Response:
    response = await awaitable
    response.headers = (*response.headers, *headers)
    return response


def _escaped(raw_path: str) -> str:
    """The path in the one spelling that Go gives an escaped path that is not escaped as it would do it."""
    decoded = unquote(raw_path, errors="surrogateescape")
    if _is_valid_encoding(raw_path):
        return raw_path
    return quote(decoded, safe=_PATH_SAFE, errors="surrogateescape")


def _is_valid_encoding(raw_path: str) -> bool:
    return all(char.isalnum() or char in "-_.~%[]" + _PATH_SAFE for char in raw_path) and raw_path.isascii()
