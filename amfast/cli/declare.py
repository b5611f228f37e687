"""How programs say what their command lines take: flags, which are fields of dataclasses, and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from amfast.cli import values

Effect = Literal["full", "none", "refused"]
"""``none``: giving it is answered by a warning. ``refused``: to start without its effect would do harm, such as to
serve openly where protection was asked for, so giving it ends the start."""


@dataclass(frozen=True, slots=True)
class Flag:
    """What the command line needs to know of one flag, apart from the field that holds its value."""

    name: str
    kind: str
    """``string``, ``strings`` (repeatable), ``switch`` (no value) or a key of :data:`PARSERS`."""
    default: str | None
    """The default as it is typed; None for a flag that has none, such as a switch that is off."""
    help: str
    effect: Effect = "full"
    """What the program makes of it."""
    required: bool = False


PARSERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "strings": str,
    "duration": lambda text: values.parse_duration_ns(text) / 1e9,
    "int": values.parse_int,
    "float": values.parse_float,
    "level": values.parse_log_level,
    "format": values.parse_log_format,
    "file": values.parse_file,
    "markup": values.parse_markup,
}
"""By kind, from the text of a value to the value; raise AmfastError. Switches take no value."""


def flag(
    name: str,
    kind: str,
    default: str | None,
    help_text: str,
    *,
    effect: Effect = "full",
    required: bool = False,
) -> Any:  # noqa: ANN401 - it stands for the field's own type
    """Declare the field of one flag."""
    value: object
    if kind == "switch":
        value = default == "true"
    elif kind == "strings":
        value = () if default is None else (default,)
    elif kind in ("file", "markup") and default is None:
        value = ""
    else:
        value = PARSERS[kind](default or "")
    return field(default=value, metadata={"flag": Flag(name, kind, default, help_text, effect, required)})


def flags_of(options: type) -> dict[str, Flag]:
    """The flags of a dataclass in the order of the help, by the name of their field."""
    return {item.name: item.metadata["flag"] for item in fields(options)}


@dataclass(frozen=True, slots=True)
class Command:
    """A program, or one of its commands; those that have commands of their own cannot run by themselves."""

    name: str
    about: str = ""
    flags: Mapping[str, Flag] = field(default_factory=dict)
    """By the name of the field that takes the value."""
    commands: tuple[Command, ...] = ()

    def find(self, name: str) -> Command | None:
        return next((command for command in self.commands if command.name == name), None)
