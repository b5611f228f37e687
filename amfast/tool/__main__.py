"""The command ``amfast-tool``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Final

from amfast.cli import grammar
from amfast.model.errors import AmfastError
from amfast.tool.commands import PROGRAM, RUN, TOOL

_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (without the program's name, default: the process's); the status is 0, or 1 after an error."""
    width = shutil.get_terminal_size((80, 24)).columns
    try:
        command, values = grammar.read(TOOL, sys.argv[1:] if argv is None else argv, width)
        return _print(RUN[command.name](values))
    except grammar.TextAsked as asked:
        return _print(asked.text)
    except AmfastError as error:
        print(f"{PROGRAM}: error: {error}\n", file=sys.stderr)  # noqa: T201 - a command line's answer
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 1


def _print(text: str) -> int:
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; keep the interpreter from trying again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
