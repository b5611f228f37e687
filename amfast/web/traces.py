"""Spans of requests, while a configuration wants traces."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from amfast._ext.layers import Traced
from amfast.model.tracing import Attribute, Tracing
from amfast.web.message import Handler, Request, Response

_SERVER_ERROR: Final = 500


def traced(handler: Handler, tracing: Tracing) -> Handler:
    """The handler, in a span while there is a tracer; it then always answers by a task, in which the span stands."""

    async def in_span(request: Request) -> Response:
        said: dict[str, Attribute] = {
            "http.request.method": request.method,
            "url.path": request.target.raw_path,
            "url.scheme": "http",
            "http.request.body.size": len(request.body),
        }
        caller = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        for attribute, header in (("server.address", "host"), ("user_agent.original", "user-agent")):
            if header in caller:
                said[attribute] = caller[header]
        name = f"{request.method} {request.target.raw_path}"
        with tracing.span(name, said, kind="server", caller=caller) as span:
            result = handler(request)
            response = result if isinstance(result, Response) else await result
            span.set("http.response.status_code", response.status)
            if response.status >= _SERVER_ERROR:
                span.fail("")
            return response

    def with_own_body(request: Request) -> Awaitable[Response]:
        request.body = bytes(request.body)  # where it landed the next one lands
        return in_span(request)

    return Traced(handler, tracing, with_own_body)
