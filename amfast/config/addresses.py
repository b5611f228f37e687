"""The kinds of values that say where something is: URLs and ``host:port``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from amfast.config.emit import Tree
from amfast.config.kinds import SECRET_TEXT, Secret, text_of
from amfast.config.schema import JsonSchema, Kind, Place
from amfast.config.url import Url, normal_url, proxy_problem, url_problem

TEMPLATE_MARK: Final = "{{"
_HTTP: Final = "^[hH][tT][tT][pP][sS]?://[^/?#]"


class _Url(Kind["Url | None"]):
    """A URL that may be shown, apart from a password in it."""

    def __init__(self, title: str, problem: Callable[[str], str | None], pattern: str) -> None:
        super().__init__(None)
        self.title = title
        self._problem = problem
        self._pattern = pattern

    def read(self, place: Place) -> Url | None:
        text = text_of(place)
        if text is None:
            return None
        if problem := self._problem(text):
            place.refuse(problem)
            return None
        return normal_url(text)

    def show(self, value: Url | None) -> Tree:
        return None if value is None else value.shown()

    def json_schema(self) -> JsonSchema:
        return {"type": "string", "pattern": self._pattern}

    def empty(self, value: Url | None) -> bool:
        return value is None


class _SecretUrl(Kind["Secret | None"]):
    """A URL that may say who may write to it. Its mask can be read back, and then stands for no URL."""

    title = "secret URL"

    def read(self, place: Place) -> Secret | None:
        text = text_of(place)
        if text is None:
            return None
        if text == SECRET_TEXT:
            return Secret(text)
        if problem := url_problem(text):
            place.refuse(problem)
        return Secret(text)

    def show(self, value: Secret | None) -> Tree:
        return None if value is None else SECRET_TEXT

    def json_schema(self) -> JsonSchema:
        return {"type": "string", "pattern": f"^{SECRET_TEXT}$|{_HTTP}"}


class _SecretTemplateUrl(_SecretUrl):
    """As a secret URL, but empty is the same as not there, and it may hold a template."""

    title = "secret URL template"

    def read(self, place: Place) -> Secret | None:
        text = text_of(place)
        if not text:
            return None
        if TEMPLATE_MARK not in text:
            return super().read(place)
        if problem := place.walk.template_problem(text):
            place.refuse(problem)
        return Secret(text)

    def json_schema(self) -> JsonSchema:
        return {"type": "string", "pattern": f"^$|^{SECRET_TEXT}$|[{{]{{2}}|{_HTTP}"}


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where a server listens. An IPv6 address has no brackets here."""

    host: str
    port: str

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _HostPort(Kind["HostPort | None"]):
    title = "host:port"

    def read(self, place: Place) -> HostPort | None:
        text = text_of(place)
        if not text:
            return None
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        bare = host[1:-1] if bracketed else host
        if not colon or not port or "]" in port:
            place.refuse("expected host:port, with a port")
        elif (":" in bare and not bracketed) or "[" in bare or "]" in bare:
            place.refuse("expected host:port, with brackets around an IPv6 address")
        return HostPort(bare, port)

    def show(self, value: HostPort | None) -> Tree:
        return None if value is None else str(value)

    def json_schema(self) -> JsonSchema:
        return {"type": "string", "pattern": "^$|:[^:\\]]+$"}


URL: Final = _Url("URL", url_problem, _HTTP)
PROXY_URL: Final = _Url("proxy URL", proxy_problem, "")
SECRET_URL: Final = _SecretUrl(None)
SECRET_TEMPLATE_URL: Final = _SecretTemplateUrl(None)
HOST_PORT: Final = _HostPort(None)
