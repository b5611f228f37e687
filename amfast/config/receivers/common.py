"""What the configurations of all integrations have in common."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self, TypeVar

from amfast.config.globals import global_of
from amfast.config.holders import BlockOf
from amfast.config.http import HttpConfig
from amfast.config.kinds import BOOL
from amfast.config.schema import Block, Place, key

T = TypeVar("T")

HTTP_CONFIG: Final = BlockOf(lambda: HttpConfig, based=True)
OWN_HTTP: Final = "How HTTP requests are made. Replaces the global `http_config` as a whole."


@dataclass(frozen=True, slots=True)
class Integration(Block):
    """One way out of a receiver."""

    kind: ClassVar[str]
    """``webhook``, ``email`` …"""

    send_resolved: bool = key(BOOL, True, "Whether it is told when alerts have ended.", shown=True)


@dataclass(frozen=True, slots=True)
class HttpIntegration(Integration):
    """One that sends over HTTP."""

    http_config: HttpConfig | None = key(HTTP_CONFIG, None, OWN_HTTP)
    """None only until the global one is put in its place."""

    def checked(self, place: Place) -> Self:
        return with_http(self, place)


H = TypeVar("H", bound=HttpIntegration)


def with_http(config: H, place: Place) -> H:
    """The configuration with the global ``http_config`` if it has none of its own."""
    http_config = config.http_config or global_of(place).http_config
    for name in http_config.references() if http_config is not None else ():
        place.cannot(f"{name} names something in a secret manager, and there is none", "http_config")
    return replace(config, http_config=http_config)


def default(name: str) -> str:
    """The text that runs one of the built-in templates."""
    return f'{{{{ template "{name}" . }}}}'


def inherited(place: Place, own: T | None, name: str) -> T | None:
    """A value of the receiver itself, or the global one of this name."""
    found: T | None = own or getattr(global_of(place), name)
    return found


def needed(place: Place, own: T | None, name: str, key: str) -> T | None:
    """As :func:`inherited`, and reports that there is neither."""
    found = inherited(place, own, name)
    if not found:
        place.refuse(f"must be set here or as global.{name}", key)
    return found
