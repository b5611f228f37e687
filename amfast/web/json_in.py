"""Request bodies as the reference's JSON reader takes them (reference api, section 3).

Only the first value counts; property names match in any case; unknown properties are ignored; bytes that are not UTF-8
become U+FFFD one by one. An object is read as a tuple of (name, value) pairs, so that it cannot be mistaken for an
array, which is a list, and repeated names are still there.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from amfast.model.timestamp import Time, parse_rfc3339

VALUES_MAX: Final = 2_000_000
"""Commas and brackets in one body, which bounds the values that it can hold and what they take in memory."""

Pairs: TypeAlias = tuple[tuple[str, Any], ...]

_SPACE = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_ONE_EACH: Final = "amfast.replace-each-byte"


class BodyEmpty(ValueError):  # noqa: N818 - what it is, not what went wrong
    """A body without any value."""


class BodyError(ValueError):
    """A body that is not JSON or holds the wrong types; its text says what and where."""


def _replace_each(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _REPLACEMENT * (error.end - error.start), error.end


codecs.register_error(_ONE_EACH, _replace_each)


def _refuse_constant(text: str) -> None:
    raise BodyError(f"{text} is no JSON value")


def _number(text: str) -> float:  # noqa: ARG001
    return 0.0  # no property takes a number: all that counts is that it is one


def _whole_text(text: str) -> str:
    return _LONE_SURROGATE.sub(_REPLACEMENT, text)


def _whole_pairs(pairs: list[tuple[str, Any]]) -> Pairs:
    return tuple(
        (_whole_text(name), _whole_text(value) if isinstance(value, str) else value) for name, value in pairs
    )


_PLAIN = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant
)
_ESCAPED = json.JSONDecoder(
    object_pairs_hook=_whole_pairs, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant
)


def first_value(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The first JSON value in ``body``. Raises BodyEmpty and BodyError."""
    if len(body) > VALUES_MAX and sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise BodyError(f"it holds more than {VALUES_MAX} values; send fewer at a time")
    text = body.decode("utf-8", _ONE_EACH)
    start = _SPACE.match(text).end()  # type: ignore[union-attr]
    if start == len(text):
        raise BodyEmpty
    decoder = _ESCAPED if b"\\u" in body else _PLAIN
    try:
        return decoder.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        raise BodyError(f"it is not JSON at character {error.pos + 1}: {error.msg}") from None
    except RecursionError:
        raise BodyError("it is nested too deeply") from None


def pairs(value: Any, where: str) -> Pairs:  # noqa: ANN401 - any JSON value
    if not isinstance(value, tuple):
        raise BodyError(f"{where} must be an object, not {_kind(value)}")
    return value


def array(value: Any, where: str) -> list[Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list):
        raise BodyError(f"{where} must be an array, not {_kind(value)}")
    return value


def fold(name: str) -> str:
    """A property name without its case, as Go folds it: two characters outside ASCII count as letters."""
    return name.replace("\u017f", "s").lower()


def text(value: Any, where: str) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str):
        raise BodyError(f"{where} must be a string, not {_kind(value)}")
    return value


def boolean(value: Any, where: str) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, bool):
        raise BodyError(f"{where} must be true or false, not {_kind(value)}")
    return value


def time(value: Any, where: str) -> Time:  # noqa: ANN401 - any JSON value
    try:
        return parse_rfc3339(text(value, where))
    except BodyError:
        raise
    except ValueError as error:
        raise BodyError(f"{where}: {error}") from None


def label_map(value: Any, where: str, before: Mapping[str, str] | None) -> dict[str, str] | None:  # noqa: ANN401
    """An object of strings, null as ""; a second object of the same name is merged into the first."""
    if value is None:
        return None
    merged = dict(before or {})
    for name, item in pairs(value, where):
        merged[name] = "" if item is None else text(item, f"{where}.{name}")
    return merged


def _kind(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    return {float: "a number", str: "a string", list: "an array"}.get(type(value), "an object")
