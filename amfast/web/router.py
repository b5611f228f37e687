"""Paths outside version 2 of the API: which handler, which redirect, which error (reference api, section 1)."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote

from amfast.web.message import Handler, Request, Response, text_error

_HTML_HEADER: Final = ("Content-Type", "text/html; charset=utf-8")
_LOCATION_SAFE: Final = "".join(map(chr, range(0x21, 0x7F)))
_REDIRECT_TEXTS: Final = {
    301: "Moved Permanently",
    302: "Found",
    307: "Temporary Redirect",
}


class Route(NamedTuple):
    """A handler and the pattern it stands under; ``:x`` is one segment, a last ``*x`` all that follows."""

    method: str
    pattern: str
    handler: Handler
    label: str
    """What the metrics call it."""


class Match(NamedTuple):
    handler: Handler
    label: str


class Router:
    """Finds the route of a path; ``prefix`` is empty or begins with a slash."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._routes: list[Route] = []

    def add(self, methods: str, pattern: str, handler: Handler, label: str = "") -> None:
        """Register ``pattern`` (below the prefix) for each of the methods, separated by blanks."""
        for method in methods.split():
            self._routes.append(Route(method, self._prefix + pattern, handler, label or pattern))

    def add_root(self, handler: Handler) -> None:
        """Register ``GET /``, outside the prefix."""
        self._routes.append(Route("GET", "/", handler, "/"))

    def find(self, request: Request) -> Match | Response:
        """The handler for a request, or the redirect or error that answers it."""
        path, method = request.path, request.method
        match = self._match(method, path, _same)
        if match is not None:
            return Match(match.handler, match.label)
        if method != "CONNECT" and path != "/":
            found = self._spelling(method, path)
            if found is not None:
                query = f"?{request.target.query}" if request.target.query else ""
                return redirect(301 if method == "GET" else 307, found + query, method)
        allowed = sorted(
            {route.method for route in self._routes if _fits(route.pattern, path, _same) is not None}
            - {method}
        )
        if not allowed:
            return text_error(404, "404 page not found")
        allow = ("Allow", ", ".join(sorted({*allowed, "OPTIONS"})))
        if method == "OPTIONS":
            return Response(200, b"", (allow,))
        response = text_error(405, "Method Not Allowed")
        response.headers = (allow, *response.headers)
        return response

    def _match(self, method: str, path: str, same: Callable[[str, str], bool]) -> Route | None:
        for route in self._routes:
            if route.method == method and _fits(route.pattern, path, same) is not None:
                return route
        return None

    def _spelling(self, method: str, path: str) -> str | None:
        """The registered spelling of a path that differs in a trailing slash, letter case or dots only."""
        other = path[:-1] if path.endswith("/") else path + "/"
        if self._match(method, other, _same) is not None:
            return other
        cleaned = clean_path(path)
        other = cleaned[:-1] if cleaned.endswith("/") else cleaned + "/"
        for candidate in (cleaned, other):
            for route in self._routes:
                spelling = _fits(route.pattern, candidate, _same_letters)
                if route.method == method and spelling is not None:
                    return spelling
        return None


def _same(a: str, b: str) -> bool:
    return a == b


def _same_letters(a: str, b: str) -> bool:
    return a.lower() == b.lower()


def _fits(pattern: str, path: str, same: Callable[[str, str], bool]) -> str | None:
    """The path as the pattern spells it, or None when it does not fit."""
    expected, given = pattern.split("/"), path.split("/")
    if expected[-1].startswith("*"):
        fixed = len(expected) - 1
        expected, rest = expected[:fixed], given[fixed:]
        if not rest:
            return None
        given = given[:fixed]
    else:
        rest = []
    if len(expected) != len(given):
        return None
    spelled = []
    for one, other in zip(expected, given, strict=True):
        if one.startswith(":"):
            if not other:
                return None
            spelled.append(other)
        elif same(one, other):
            spelled.append(one)
        else:
            return None
    return "/".join(spelled + rest)


def clean_path(path: str) -> str:
    """The path without double slashes and dot segments; a trailing slash stays."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


def redirect(status: int, location: str, method: str) -> Response:
    """Send the client elsewhere, with a page for people when it asked for one."""
    location = quote(location, safe=_LOCATION_SAFE)  # an unescaped path may hold line ends
    headers: tuple[tuple[str, str], ...] = (("Location", location),)
    if method not in ("GET", "HEAD"):
        return Response(status, b"", headers)
    page = f'<a href="{html.escape(location)}">{_REDIRECT_TEXTS[status]}</a>.\n\n'
    return Response(status, page.encode("utf-8", "replace"), (_HTML_HEADER, *headers))
