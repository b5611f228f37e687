"""Where people reach the node, and under which path its routes stand (reference flags, section 2)."""

from __future__ import annotations

from urllib.parse import urlsplit

from amfast.model.errors import AmfastError


def external_url(given: str, hostname: str, port: int) -> str:
    """The URL to print into notifications, without a slash at its end; made up from host and port if not given.

    Raises AmfastError for what is no http or https URL.
    """
    if not given:
        return f"http://{hostname}:{port}"
    try:
        parts = urlsplit(given)
    except ValueError as error:
        raise AmfastError(f"--web.external-url: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise AmfastError(
            f"--web.external-url: {parts.scheme or given!r} is no URL with the scheme http or https"
        )
    return given.rstrip("/")


def route_prefix(given: str, url: str) -> str:
    """The prefix of every route: empty, or a path that begins with a slash and does not end with one."""
    path = (given or urlsplit(url).path).strip("/")
    return f"/{path}" if path else ""
