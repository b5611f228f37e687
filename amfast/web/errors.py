"""The errors of the API's framework: ``{"code": …, "message": …}`` (reference api, section 3)."""

from __future__ import annotations

from typing import Final

from amfast.model.goquote import quote
from amfast.model.json_text import encode_for_html
from amfast.web.json_out import JSON_HEADERS
from amfast.web.message import Response

_UNPROCESSABLE: Final = 422
_REQUIRED: Final = 602
_WRONG_FORMAT: Final = 601
_TOO_FEW_ITEMS: Final = 612


class RequestRefused(Exception):  # noqa: N818 - an answer more than an error
    """A request that the framework refuses before any operation sees it."""

    def __init__(self, status: int, code: int, message: str, allow: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.allow = allow

    def response(self) -> Response:
        """The answer, without a newline at its end."""
        body = encode_for_html({"code": self.code, "message": self.message}).encode("utf-8", "replace")
        headers = (("Allow", self.allow), *JSON_HEADERS) if self.allow else JSON_HEADERS
        return Response(self.status, body, headers)


def path_unknown(path: str) -> RequestRefused:
    return RequestRefused(404, 404, f"path {path} was not found")


def method_unknown(method: str, allowed: list[str]) -> RequestRefused:
    allow = ",".join(allowed)
    return RequestRefused(405, 405, f"method {method} is not allowed, but [{allow}] are", allow)


def media_type_unsupported(media_type: str) -> RequestRefused:
    return RequestRefused(
        415, 415, f'unsupported media type "{media_type}", only [application/json] are allowed'
    )


def media_type_unreadable(header: str, why: str) -> RequestRefused:
    return RequestRefused(400, 400, f"parsing Content-Type header from {quote(header)} failed, because {why}")


def not_acceptable() -> RequestRefused:
    return RequestRefused(406, 406, "unsupported media type requested, only [application/json] are available")


def body_unreadable(body: str, why: str) -> RequestRefused:
    """``body`` names what was expected: ``alerts`` or ``silence``."""
    return RequestRefused(400, 400, f'parsing {body} body from "" failed, because {why}')


def required(name: str) -> RequestRefused:
    """A missing body or property; ``name`` is its path, such as ``0.labels``."""
    return RequestRefused(_UNPROCESSABLE, _REQUIRED, f"{name} in body is required")


def too_few(name: str) -> RequestRefused:
    return RequestRefused(_UNPROCESSABLE, _TOO_FEW_ITEMS, f"{name} in body should have at least 1 items")


def wrong_format(name: str, place: str, kind: str, value: str) -> RequestRefused:
    """``place`` is ``body`` or ``path``, ``kind`` the format that ``value`` lacks."""
    return RequestRefused(
        _UNPROCESSABLE, _WRONG_FORMAT, f"{name} in {place} must be of type {kind}: {quote(value)}"
    )
