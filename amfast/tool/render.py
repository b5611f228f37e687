"""``template render``: a text rendered as a node would."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from amfast.model.errors import AmfastError, ConfigError
from amfast.template import gotime
from amfast.template.loading import load_templates
from amfast.template.zones import LOCAL
from amfast.tool.decode import decode
from amfast.tool.sample import sample

_DATA_BYTES_MAX: Final = 64 << 20


def render(globs: Sequence[str], text: str, data_file: str, *, is_html: bool) -> str:
    """The text with the built-in templates and those of the files. Raises AmfastError."""
    try:
        templates = load_templates(globs, now)
    except ConfigError as error:
        if error.__cause__ is not None:  # what Alertmanager's tool says, which knows of no configuration
            raise AmfastError(str(error.__cause__)) from None
        raise
    data = decode(_read(data_file)) if data_file else sample(now())
    return templates.html(text, data) if is_html else templates.text(text, data)


def now() -> gotime.Time:
    """The time of this machine, in its zone."""
    return gotime.Time(time.time_ns(), LOCAL)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_DATA_BYTES_MAX + 1)
    except OSError as error:
        raise AmfastError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > _DATA_BYTES_MAX:
        raise AmfastError(f"{path} is larger than {_DATA_BYTES_MAX >> 20} MiB")
    return content
