"""The pages that are neither API nor metrics: the front page, health, reload (reference api, section 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from amfast.model.errors import AmfastError
from amfast.web.message import Request, Response, text_error

_PAGE_HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
)
_TEXT: Final = (("Content-Type", "text/plain; charset=utf-8"),)
_INDEX: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>amfast</title>
<style>body { font: 1rem/1.5 sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem }</style>
</head>
<body>
<h1>amfast</h1>
<p>This node takes alerts, groups and routes them, and notifies people. It speaks Alertmanager's API.</p>
<ul>
<li><a href="api/v2/alerts">Alerts</a> and <a href="api/v2/alerts/groups">groups of alerts</a></li>
<li><a href="api/v2/silences">Silences</a></li>
<li><a href="api/v2/status">Status</a> and <a href="api/v2/receivers">receivers</a></li>
<li><a href="metrics">Metrics</a></li>
</ul>
</body>
</html>
"""


def index(_request: Request) -> Response:
    return Response(200, _INDEX, _PAGE_HEADERS)


def health(request: Request) -> Response:
    """Say that the process answers; it is ready as soon as it does."""
    return Response(
        200, b"" if request.method == "HEAD" else b"OK", () if request.method == "HEAD" else _TEXT
    )


class ReloadPage:
    """Reloads the configuration, to the end even if the client goes away."""

    def __init__(self, reload: Callable[[], Awaitable[None]]) -> None:
        self._reload = reload
        self._running: set[asyncio.Future[None]] = set()

    async def post(self, _request: Request) -> Response:
        running = asyncio.ensure_future(self._reload())
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            await asyncio.shield(running)
        except AmfastError as error:
            return text_error(500, f"failed to reload config: {error}")
        return Response(200)
