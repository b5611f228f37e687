"""Media types of requests and responses, and cross-origin rules (reference api, sections 2 and 3)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from amfast.web.errors import media_type_unreadable, media_type_unsupported, not_acceptable
from amfast.web.message import Headers, Request, Response

_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEDIA_TYPE = re.compile(rf"\s*({_NAME})/({_NAME})\s*")
_PARAMETER = re.compile(rf';\s*({_NAME})=({_NAME}|"(?:[^"\\]|\\.)*")\s*')
_TRAILING = re.compile(r";?\s*")
_ACCEPT_ITEM = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\Z))+')

_PREFLIGHT_VARY: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
_CORS_METHODS: Final = ("GET", "POST", "HEAD")
_CORS_HEADERS: Final = ("accept", "content-type", "x-requested-with")
_EMPTY_HEADERS_MAX: Final = 16


def check_media_types(request: Request) -> None:
    """Raise RequestRefused for a body that is not JSON, or a client that takes no JSON back."""
    if request.body:
        header = request.header(b"content-type") or "application/octet-stream"
        try:
            media_type, _ = parse_media_type(header)
        except ValueError as error:
            raise media_type_unreadable(header, str(error)) from None
        if media_type != "application/json":
            raise media_type_unsupported(media_type)
        return  # with a JSON body, JSON goes back whatever is accepted
    accepts = request.header_values(b"accept")
    if accepts and not accepts_json(",".join(accepts)):
        raise not_acceptable()


def parse_media_type(header: str) -> tuple[str, dict[str, str]]:
    """The media type in lower case, and its parameters (RFC 9110, section 8.3.1). Raises ValueError."""
    match = _MEDIA_TYPE.match(header)
    if match is None:
        raise ValueError("it is no type/subtype")
    position = match.end()
    parameters: dict[str, str] = {}
    while parameter := _PARAMETER.match(header, position):
        name = parameter[1].lower()
        if name in parameters:
            raise ValueError("mime: duplicate parameter name")
        parameters[name] = parameter[2].strip('"')
        position = parameter.end()
    if _TRAILING.fullmatch(header, position) is None:
        in_parameters = header[position : position + 1] == ";"
        raise ValueError(
            "mime: invalid media parameter"
            if in_parameters
            else "mime: unexpected content after media subtype"
        )
    return f"{match[1]}/{match[2]}".lower(), parameters


def accepts_json(header: str) -> bool:
    """Whether an ``Accept`` header (RFC 9110, section 12.5.1) leaves room for JSON; unreadable parts are skipped."""
    for item in _ACCEPT_ITEM.findall(header):
        try:
            media_range, parameters = parse_media_type(item.strip())
        except ValueError:
            continue
        if media_range in ("application/json", "application/*", "*/*") and _weight(parameters) > 0:
            return True
    return False


def _weight(parameters: dict[str, str]) -> float:
    """The weight ``q``, 1 when it is missing or no number."""
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 1


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may ask (the Fetch standard, "CORS-preflight request")."""
    return request.method == "OPTIONS" and bool(request.header(b"access-control-request-method"))


def preflight(request: Request) -> Response:
    """The answer to a preflight request."""
    method = request.header(b"access-control-request-method") or ""
    headers: list[tuple[str, str]] = [("Vary", _PREFLIGHT_VARY)]
    wanted = request.header_values(b"access-control-request-headers")
    if request.header(b"origin") and method in (*_CORS_METHODS, "OPTIONS") and _are_allowed(wanted):
        headers += [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", method)]
        headers += [("Access-Control-Allow-Headers", value) for value in wanted]
    return Response(204, b"", tuple(headers))


def _are_allowed(values: list[str]) -> bool:
    """Browsers send the names in lower case, sorted and once each; anything else is no browser's request."""
    names = [name.strip(" \t") for value in values for name in value.split(",", _EMPTY_HEADERS_MAX * 2)]
    given = [name for name in names if name]
    return (
        len(names) - len(given) <= _EMPTY_HEADERS_MAX
        and all(name in _CORS_HEADERS for name in given)
        and all(one < other for one, other in pairwise(given))
    )


def cors_headers(request: Request) -> Headers:
    """What every other response of version 2 carries."""
    if request.header(b"origin") and request.method in _CORS_METHODS:
        return (("Vary", "Origin"), ("Access-Control-Allow-Origin", "*"))
    return (("Vary", "Origin"),)
