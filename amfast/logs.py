"""Log lines as the reference writes them: logfmt or JSON, one line a record (reference flags, section 4).

Callers give attributes as ``extra={"attrs": {...}}``; before them stands the component, which is what follows the
dot in the logger's name (``amfast.cluster``).
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from pathlib import PurePath
from typing import TextIO

from amfast.model.goquote import quote
from amfast.model.timestamp import Time, format_ms, format_nano

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_LEVEL_NAMES = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.WARNING: "WARN"}
_DELETE = "\x7f"
_BLURS = re.compile('[ ="\ufffd]')


def setup(level: str, form: str, stream: TextIO) -> None:
    """Send everything of ``amfast`` from ``level`` on, and warnings of libraries, to ``stream``.

    ``level`` is ``debug``, ``info``, ``warn`` or ``error``, ``form`` is ``logfmt`` or ``json``. Calling it
    again replaces what was set up before.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    logging.getLogger("amfast").setLevel(_LEVELS[level])
    gossip = logging.getLogger("amfast.cluster")  # the one part that strangers can make speak
    gossip.filters[:] = [Sparing()]
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a closed standard error must not bring the daemon down


class Sparing(logging.Filter):
    """Lets a message through so many times a minute; what was held back is counted into the next that passes."""

    LINES_MAX = 20
    PERIOD_S = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._since: dict[str, tuple[float, int]] = {}
        """By message: when its minute began, and how often it came since."""

    def filter(self, record: logging.LogRecord) -> bool:
        began_s, count = self._since.get(record.msg, (record.created, 0))
        if record.created - began_s >= self.PERIOD_S:
            held_back = count - self.LINES_MAX
            if held_back > 0:
                vars(record)["attrs"] = {**getattr(record, "attrs", {}), "held_back": held_back}
            began_s, count = record.created, 0
        self._since[record.msg] = (began_s, count + 1)
        return count < self.LINES_MAX


class _Formatter(logging.Formatter):
    """What both forms have in common: which keys there are, in which order."""

    def _time(self, record: logging.LogRecord) -> Time:
        return Time(int(record.created * 1000) * 1_000_000, time.localtime(record.created).tm_gmtoff)

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        fields: dict[str, object] = {
            "level": _LEVEL_NAMES.get(record.levelno, "ERROR"),
            "source": f"{PurePath(record.pathname).name}:{record.lineno}",
            "msg": record.getMessage(),
        }
        attrs: Mapping[str, object] = getattr(record, "attrs", {})
        program, _, component = record.name.partition(".")
        if program == "amfast" and component:
            fields["component"] = component
        fields.update(attrs)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["err"] = f"{type(error).__name__}: {error}"
            if logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
                fields["traceback"] = self.formatException((type(error), error, error.__traceback__))
        return fields


class LogfmtFormatter(_Formatter):
    """``time=… level=… source=… msg=…`` and the attributes, quoted where needed."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = " ".join(f"{_word(key)}={_word(_text(value))}" for key, value in self._fields(record).items())
        return f"time={format_ms(self._time(record))} {pairs}"


class JsonFormatter(_Formatter):
    """The same keys as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"time": format_nano(self._time(record)), **self._fields(record)}
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=str)
        return _valid(text)


def _text(value: object) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _word(text: str) -> str:
    """``text``, quoted if it is empty or holds anything that would end or blur the word."""
    text = _valid(text)
    is_plain = text.isprintable() or text.replace(_DELETE, "").isprintable()
    return text if text and is_plain and not _BLURS.search(text) else quote(text)


def _valid(text: str) -> str:
    """Bytes that were no UTF-8, as file names may hold them, made printable."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
