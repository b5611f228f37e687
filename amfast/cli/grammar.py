"""The command line: arguments in, a command and the values of its flags out, or a text that they ask for.

The grammar and the error texts are those of reference flags and amtool, sections 1. Three steps, in the reference's
order: split the arguments into commands, flags and values, read the values, then decide which of text, error and
values wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from amfast.cli import texts
from amfast.cli.declare import PARSERS, Command, Flag
from amfast.cli.values import quote
from amfast.model.errors import AmfastError

_ARGUMENTS_MAX = 100_000
"""Arguments read from files, all in all: ends files that name themselves."""

_FILE_BYTES_MAX = 1 << 20

_TEXTS = ("help-long", "help-man", "version", "completion-script-bash", "completion-script-zsh")
_HIDDEN = {"help", "completion-bash", *_TEXTS}


class UsageError(AmfastError):
    """Arguments that cannot be understood."""


class TextAsked(Exception):  # noqa: N818 - it is an answer, not an error
    """The arguments ask for a text on standard output instead of a run."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def read(program: Command, argv: Sequence[str], width: int) -> tuple[Command, dict[str, Any]]:
    """The command that the arguments (without the program's name) choose, and the values of its flags by field.

    ``width`` is for the help, in columns. Flags that are not given are not among the values. Raises UsageError, and
    TextAsked for ``--help``, ``--version`` and their like.
    """
    path, given = [program], list[tuple[str, str]]()
    error = _collect(argv, path, given)
    values, value_error = _read_values(path, given)
    for name, _ in given:
        if name in _TEXTS:
            raise TextAsked(_text(program, name, width))
    names = {name for name, _ in given}
    if "completion-bash" in names:
        raise TextAsked(texts.completions(path, argv[-1]))
    if error is not None:
        raise error
    if "help" in names or (program.commands and len(path) == 1):
        raise TextAsked(texts.help_text(path, width))
    if value_error is not None:
        raise value_error
    if path[-1].commands:
        raise UsageError(f"must select a subcommand of '{path[-1].name}'")
    missing = [
        f"'--{flag.name}'" for flag in _known(path).values() if flag.required and flag.name not in names
    ]
    if missing:
        raise UsageError(f"required flag(s) {', '.join(missing)} not provided")
    return path[-1], values


def _text(program: Command, name: str, width: int) -> str:
    if name == "version":
        return texts.version_text(program)
    if name == "help-long":
        return texts.help_text([program], width, everything=True)
    if name == "help-man":
        return texts.man_text(program)
    return texts.completion_script(program, name.rpartition("-")[2])


def _known(path: Sequence[Command]) -> dict[str, Flag]:
    """The flags of a command and those above it, by field."""
    return {field: flag for command in path for field, flag in command.flags.items()}


class _Token(NamedTuple):
    """``kind`` is ``long``, ``short`` or ``value``; ``text`` comes without dashes."""

    kind: str
    text: str


def _collect(argv: Sequence[str], path: list[Command], given: list[tuple[str, str]]) -> UsageError | None:
    """Fill ``path`` with commands and ``given`` with flag names and values, up to the error that is returned."""
    tokens = _tokens(argv)
    try:
        for token in tokens:
            if token.kind == "value":
                _choose(token.text, path, given)
                continue
            given.append(_flag_and_value(token, tokens, path))
            if given[-1][0] == "completion-bash":
                return None  # what follows is half typed
    except UsageError as error:
        return error
    return None


def _choose(name: str, path: list[Command], given: list[tuple[str, str]]) -> None:
    """Go into the command of this name; ``help`` shows the one that follows it instead of running it."""
    command = path[-1].find(name)
    if command is not None:
        path.append(command)
    elif name == "help" and path[0].commands and len(path) == 1 and not given:
        given.append(("help", "true"))
    elif path[-1].commands:
        raise UsageError(f"expected command but got {quote(name)}")
    else:
        raise UsageError(f"unexpected {name}")


def _flag_and_value(token: _Token, tokens: Iterator[_Token], path: Sequence[Command]) -> tuple[str, str]:
    if token.kind == "short":
        if token.text != "h":
            raise UsageError(f"unknown short flag '-{token.text}'")
        return "help", "true"
    name = token.text
    kinds = {**dict.fromkeys(_HIDDEN, "switch"), **{flag.name: flag.kind for flag in _known(path).values()}}
    if kinds.get(name) == "switch":
        return name, "true"
    if name.startswith("no-") and kinds.get(name[3:]) == "switch":
        return name[3:], "false"
    if name not in kinds:
        raise UsageError(f"unknown long flag '--{name}'")
    missing = UsageError(f"expected argument for flag '--{name}'")
    try:
        value = next(tokens, None)
    except UsageError:
        raise missing from None
    if value is None or value.kind != "value":
        raise missing
    return name, value.text


def _tokens(argv: Sequence[str]) -> Iterator[_Token]:
    """Split arguments; ``@file`` stands for the lines of the file, and nothing is special after ``--``."""
    waiting = list(reversed(argv))
    from_files = 0
    while waiting:
        argument = waiting.pop()
        if argument == "--":
            yield from (_Token("value", rest) for rest in reversed(waiting))
            return
        if argument.startswith("@"):
            lines = _file_arguments(argument[1:])
            from_files += 1 + len(lines)
            if from_files > _ARGUMENTS_MAX:
                raise UsageError(f"more than {_ARGUMENTS_MAX} arguments from files such as {argument}")
            waiting += reversed(lines)
        elif argument.startswith("--"):
            name, has_value, value = argument[2:].partition("=")
            yield _Token("long", name)
            if has_value:
                yield _Token("value", value)
        elif argument.startswith("-"):
            yield _Token("short", argument[1:2])
            if argument[2:]:
                waiting.append("-" + argument[2:])
        else:
            yield _Token("value", argument)


def _file_arguments(path: str) -> list[str]:
    """The lines of an arguments file; those starting with ``#`` are comments."""
    if not path:
        raise UsageError("expected @ file to expand arguments from")
    try:
        with Path(path).open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except IsADirectoryError:
        raise UsageError(
            f"failed to read arguments from {quote(path)}: read {path}: is a directory"
        ) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"failed to open arguments file {quote(path)}: open {path}: {reason}") from None
    if len(data) > _FILE_BYTES_MAX:
        raise UsageError(f"failed to read arguments from {quote(path)}: more than {_FILE_BYTES_MAX} bytes")
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines if not line.startswith("#")]


def _read_values(
    path: Sequence[Command], given: Sequence[tuple[str, str]]
) -> tuple[dict[str, Any], UsageError | None]:
    """The values by field name, up to the first wrong or repeated one."""
    known = {flag.name: (field, flag.kind) for field, flag in _known(path).items()}
    values: dict[str, Any] = {}
    for name, text in given:
        if name not in known:  # help and its like, of which the first says enough
            continue
        field, kind = known[name]
        if kind == "strings":
            values[field] = (*values.get(field, ()), text)
            continue
        if field in values:
            return values, UsageError(f"flag '{name}' cannot be repeated")
        try:
            values[field] = text == "true" if kind == "switch" else PARSERS[kind](text)
        except AmfastError as error:
            return values, UsageError(str(error))
    return values, None
