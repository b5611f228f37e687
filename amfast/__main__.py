"""The program: read the command line, set up the log, run the node."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Sequence

from amfast import logs
from amfast.cli import flags, grammar
from amfast.cli.checks import check_options
from amfast.cli.flags import DAEMON, Options
from amfast.model.errors import AmfastError

_INTERRUPTED = 130

log = logging.getLogger("amfast")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (without its name, default: the process's) and return the exit status."""
    try:
        options = flags.parse(
            sys.argv[1:] if argv is None else argv, width=shutil.get_terminal_size((80, 24)).columns
        )
    except grammar.TextAsked as asked:
        return _print(asked.text)
    except grammar.UsageError as error:
        print(f"{DAEMON.name}: error: {error}, try --help", file=sys.stderr)  # noqa: T201 - a command line's answer
        return 1
    if options.config_schema:
        from amfast.config.documents import json_schema  # noqa: PLC0415 - only this needs it

        return _print(json.dumps(json_schema(), indent=2) + "\n")
    logs.setup(options.log_level, options.log_format, sys.stderr)
    return _run(options)


def _run(options: Options) -> int:
    try:
        check_options(options)
        from amfast import app  # noqa: PLC0415 - only a run needs all the parts

        return app.run(options)
    except AmfastError as error:
        first, *more = str(error).splitlines()
        err = f"{first} (and {len(more)} more, see above)" if more else first
        log.error("amfast exited with error", extra={"attrs": {"err": err}})  # noqa: TRY400 - no traceback
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:
        log.exception("amfast exited with an unexpected error")
    return 1


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; keep the interpreter from trying again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
