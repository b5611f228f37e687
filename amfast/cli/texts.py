"""The texts that the command line can ask for: help, manual page, version and completion scripts."""

from __future__ import annotations

import platform
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from amfast import __version__
from amfast.cli.declare import Command, Flag

_EFFECTS = {
    "full": "",
    "none": " (Accepted, without effect so far.)",
    "refused": " (Not supported so far; the program does not start with it.)",
}
_HELP_FLAG = Flag("help", "switch", None, "Show this help (also try --help-long and --help-man).")
_VERSION_FLAG = Flag("version", "switch", None, "Show the version of the program.")
_LABEL_WIDTH_MAX = 29
_TEXT_WIDTH_MIN = 20
_INDENT_MIN = 4
_GO_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "i686": "386"}

_BASH = """
_{0}_bash_autocomplete() {{
    COMPREPLY=( $(compgen -W "$( "${{COMP_WORDS[0]}}" --completion-bash \\
        "${{COMP_WORDS[@]:1:$COMP_CWORD}}" )" -- "${{COMP_WORDS[COMP_CWORD]}}") )
}}
complete -o default -F _{0}_bash_autocomplete {0}
"""
_ZSH = "\n#compdef {0}\nautoload -U compinit && compinit\nautoload -U bashcompinit && bashcompinit\n"


def _rows(path: Sequence[Command]) -> list[tuple[str, Flag]]:
    """The flags that a command takes, each as it is typed: those of the program first."""
    program, *commands = path
    rows = [
        ("-h, ", _HELP_FLAG),
        *(("    ", flag) for flag in program.flags.values()),
        ("    ", _VERSION_FLAG),
    ]
    rows += [("    ", flag) for command in commands for flag in command.flags.values()]
    return [(short + _form(flag), flag) for short, flag in rows]


def _form(flag: Flag) -> str:
    """The flag as it is typed, with its default or a placeholder as value."""
    if flag.kind == "switch":
        return f"--[no-]{flag.name}"
    value = flag.name.upper() if flag.default is None else flag.default
    if flag.kind == "string" and flag.default is not None:
        value = f'"{value}"'
    return f"--{flag.name}={value}" + (" ..." if flag.kind == "strings" else "")


def _help(flag: Flag) -> str:
    return flag.help + _EFFECTS[flag.effect]


def _usage(path: Sequence[Command]) -> str:
    """How a command is typed; its required flags are named."""
    command = path[-1]
    words = [one.name for one in path] + _words(command, nested=len(path) > 1)
    return " ".join(words)


def _words(command: Command, *, nested: bool) -> list[str]:
    flags = command.flags.values()
    words = [_form(flag).removesuffix(" ...") for flag in flags if flag.required]
    if not nested or any(not flag.required for flag in flags):
        words.append("[<flags>]")
    return [*words, "<command> [<args> ...]"] if command.commands else words


def help_text(path: Sequence[Command], width: int, *, everything: bool = False) -> str:
    """The text of ``--help`` for the last command of the path, on a terminal of ``width`` columns.

    With ``everything`` the flags of all commands below it are there too.
    """
    command = path[-1]
    lines = [f"usage: {_usage(path)}", ""]
    if command.about:
        lines += [*textwrap.wrap(command.about, width), ""]
    lines += ["Flags:", *_flag_lines(_rows(path), width), ""]
    if command.commands:
        lines += ["Commands:", *_command_lines(path, width, everything=everything), ""]
    return "\n".join(lines) + "\n"


def _flag_lines(rows: list[tuple[str, Flag]], width: int, margin: str = "  ") -> Iterator[str]:
    labels = [len(label) for label, _ in rows if len(label) <= _LABEL_WIDTH_MAX]
    indent = len(margin) + max(labels, default=_INDENT_MIN) + 2
    for label, flag in rows:
        text = textwrap.wrap(_help(flag), max(width - indent, _TEXT_WIDTH_MIN), break_on_hyphens=False)
        if len(label) <= _LABEL_WIDTH_MAX:
            yield (margin + label).ljust(indent) + text.pop(0)
        else:
            yield margin + label
        yield from (" " * indent + line for line in text)


def _command_lines(path: Sequence[Command], width: int, *, everything: bool) -> Iterator[str]:
    if len(path) == 1:
        yield "  help [<command>...]"
        commands: Sequence[Command] = path[0].commands
    else:
        commands = path[-1:]
    yield from _tree(commands, "  ", width, everything=everything)


def _tree(commands: Sequence[Command], margin: str, width: int, *, everything: bool) -> Iterator[str]:
    for command in commands:
        words = [] if command.commands else _words(command, nested=True)
        yield margin + " ".join([command.name, *words])
        if everything and command.flags:
            rows = [(_form(flag), flag) for flag in command.flags.values()]
            yield from _flag_lines(rows, width, margin + "    ")
        yield from _tree(command.commands, margin + "  ", width, everything=everything)


def man_text(program: Command) -> str:
    """The text of ``--help-man``: a manual page."""
    lines = [
        f'.TH {program.name} 1 "" "{program.name} {__version__}"',
        ".SH NAME",
        program.name,
        ".SH SYNOPSIS",
        f"\\fB{program.name}\\fR {' '.join(_words(program, nested=False))}",
        ".SH OPTIONS",
        *_man_flags(_rows([program])),
    ]
    if program.commands:
        lines += [".SH COMMANDS", *_man_commands(program.commands, "")]
    return "\n".join(lines) + "\n"


def _man_flags(rows: Iterable[tuple[str, Flag]]) -> Iterator[str]:
    for label, flag in rows:
        yield from (".TP", "\\fB" + label.strip().replace("-", "\\-") + "\\fR", _help(flag))


def _man_commands(commands: Iterable[Command], before: str) -> Iterator[str]:
    for command in commands:
        name = before + command.name
        yield from (".SS", f"\\fB{name}\\fR {' '.join(_words(command, nested=True))}", command.about)
        yield from _man_flags((_form(flag), flag) for flag in command.flags.values())
        yield from _man_commands(command.commands, name + " ")


def version_text(program: Command) -> str:
    """The text of ``--version``, line for line as the reference labels it."""
    machine = platform.machine()
    return (
        f"{program.name}, version {__version__} (branch: , revision: unknown)\n"
        "  build user:       \n"
        "  build date:       \n"
        f"  go version:       python{platform.python_version()}\n"
        f"  platform:         {sys.platform}/{_GO_MACHINES.get(machine, machine)}\n"
        "  tags:             unknown\n"
    )


def completion_script(program: Command, shell: str) -> str:
    """The script that teaches ``bash`` or ``zsh`` to complete flags."""
    return ((_ZSH if shell == "zsh" else "") + _BASH).format(program.name)


def completions(path: Sequence[Command], last_word: str) -> str:
    """What a completion script asks for while ``last_word`` is typed: the flags or the commands, one a line."""
    if last_word.startswith("-"):
        names = [f"--{flag.name}" for _, flag in _rows(path)]
        found = [] if last_word in names else names
    else:
        found = [one.name for one in path[-1].commands]
    return "".join(f"{name}\n" for name in found)
