"""The texts that the command line can ask for: help, manual page, version and completion scripts."""

from __future__ import annotations

import platform
import sys
import textwrap

from amfast import __version__
from amfast.cli.flags import FLAGS, Flag

PROGRAM = "amfast"

_EFFECTS = {
    "full": "",
    "none": " (Accepted, without effect so far.)",
    "refused": " (Not supported so far; the program does not start with it.)",
}
_HELP_FLAG = Flag(
    "help", "switch", None, "Show this help (also try --help-long and --help-man).", effect="full"
)
_VERSION_FLAG = Flag("version", "switch", None, "Show the version of the program.", effect="full")
_LABEL_WIDTH_MAX = 29
_TEXT_WIDTH_MIN = 20
_GO_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "i686": "386"}

_BASH = """
_{0}_bash_autocomplete() {{
    COMPREPLY=( $(compgen -W "$( "${{COMP_WORDS[0]}}" --completion-bash \\
        "${{COMP_WORDS[@]:1:$COMP_CWORD}}" )" -- "${{COMP_WORDS[COMP_CWORD]}}") )
}}
complete -o default -F _{0}_bash_autocomplete {0}
"""
_ZSH = "\n#compdef {0}\nautoload -U compinit && compinit\nautoload -U bashcompinit && bashcompinit\n"


def _rows() -> list[tuple[str, Flag]]:
    flags = [("-h, ", _HELP_FLAG), *(("    ", flag) for flag in FLAGS.values()), ("    ", _VERSION_FLAG)]
    return [(short + _form(flag), flag) for short, flag in flags]


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


def help_text(width: int) -> str:
    """The text of ``--help`` for a terminal of ``width`` columns."""
    rows = _rows()
    indent = 4 + max(len(label) for label, _ in rows if len(label) <= _LABEL_WIDTH_MAX)
    lines = [f"usage: {PROGRAM} [<flags>]", "", "Flags:"]
    for label, flag in rows:
        text = textwrap.wrap(_help(flag), max(width - indent, _TEXT_WIDTH_MIN), break_on_hyphens=False)
        label_lines = ["  " + label]
        if len(label) <= _LABEL_WIDTH_MAX:
            label_lines = [label_lines[0].ljust(indent) + text.pop(0)]
        lines += [*label_lines, *(" " * indent + line for line in text)]
    return "\n".join(lines) + "\n\n"


def man_text() -> str:
    """The text of ``--help-man``: a manual page."""
    head = [
        f'.TH {PROGRAM} 1 "" "{PROGRAM} {__version__}"',
        ".SH NAME",
        PROGRAM,
        ".SH SYNOPSIS",
        f"\\fB{PROGRAM}\\fR [<flags>]",
        ".SH OPTIONS",
    ]
    for label, flag in _rows():
        head += [".TP", "\\fB" + label.strip().replace("-", "\\-") + "\\fR", _help(flag)]
    return "\n".join(head) + "\n"


def version_text() -> str:
    """The text of ``--version``, line for line as the reference labels it."""
    machine = platform.machine()
    return (
        f"{PROGRAM}, version {__version__} (branch: , revision: unknown)\n"
        "  build user:       \n"
        "  build date:       \n"
        f"  go version:       python{platform.python_version()}\n"
        f"  platform:         {sys.platform}/{_GO_MACHINES.get(machine, machine)}\n"
        "  tags:             unknown\n"
    )


def completion_script(shell: str) -> str:
    """The script that teaches ``bash`` or ``zsh`` to complete flags."""
    return ((_ZSH if shell == "zsh" else "") + _BASH).format(PROGRAM)


def completions(last_word: str) -> str:
    """What a completion script asks for while ``last_word`` is typed: the flags, one a line."""
    names = [f"--{flag.name}" for _, flag in _rows()]
    if not last_word.startswith("-") or last_word in names:
        return ""
    return "\n".join(names) + "\n"
