"""The command ``amfast-load``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from amfast.model.errors import AmfastError

_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (default: the process's); the status is 0, 1 when requests failed, or 2 on errors."""
    try:
        from amfast.load import command  # noqa: PLC0415 - a missing package must end in one line

        return command.run(list(sys.argv[1:] if argv is None else argv))
    except ModuleNotFoundError as error:
        text = f"the package {error.name} is missing: pip install 'amfast[load]'"
    except (AmfastError, OSError) as error:
        text = str(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    print(f"amfast-load: error: {text}", file=sys.stderr)  # noqa: T201 - a command line's answer
    return 2


if __name__ == "__main__":
    sys.exit(main())
