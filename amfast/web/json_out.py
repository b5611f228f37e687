"""Responses that are JSON, a newline at their end."""

from __future__ import annotations

from typing import Any, Final

from amfast.model.json_text import encode
from amfast.web.message import Headers, Response

JSON_HEADERS: Final[Headers] = (("Content-Type", "application/json"),)


def json_response(status: int, value: Any) -> Response:  # noqa: ANN401 - any JSON value
    """A response of the API's operations."""
    return raw_json_response(status, encode(value))


def raw_json_response(status: int, text: str) -> Response:
    """A response whose JSON is there already."""
    return Response(status, text.encode("utf-8", "replace") + b"\n", JSON_HEADERS)
