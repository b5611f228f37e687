"""Messages as trees of plain values, written as protobuf's JSON mapping or in its binary form.

A message is a ``dict`` by JSON name. Times and durations are nanoseconds, enumerations the names of their values. What
is missing, and what is a scalar's zero, is left out in both forms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from amfast.model.labels import Labels
from amfast.model.timestamp import NS, ZERO_NS, Time, format_nano

Tree = Mapping[str, Any]
"""The values of a message by JSON name."""

_END_NS: Final = 253_402_300_800 * NS
"""The year 10000, with which the mapping ends."""
_VARINT: Final = 0
_BYTES: Final = 2
_U64: Final = (1 << 64) - 1
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Kind(Protocol):
    """What a field may hold."""

    @property
    def wire(self) -> int:
        """The wire type."""
        ...

    def is_missing(self, value: Any) -> bool:  # noqa: ANN401 - whatever the kind holds
        """Whether a single value is left out."""
        ...

    def plain(self, value: Any) -> Any:  # noqa: ANN401
        """The value for JSON. Raises ValueError."""
        ...

    def binary(self, value: Any) -> bytes:  # noqa: ANN401
        """The bytes behind the tag, without their length. Raises ValueError."""
        ...


class _Scalar:
    """A text, a truth value, a number of up to 32 bits, or with ``quoted`` one of 64."""

    def __init__(self, *, quoted: bool = False, is_text: bool = False) -> None:
        self._quoted = quoted
        self.wire = _BYTES if is_text else _VARINT

    def is_missing(self, value: Any) -> bool:  # noqa: ANN401
        return not value

    def plain(self, value: Any) -> Any:  # noqa: ANN401
        return str(value) if self._quoted else value

    def binary(self, value: Any) -> bytes:  # noqa: ANN401
        return value.encode() if isinstance(value, str) else varint(value)


class _Moment:
    """A ``google.protobuf`` time, or with ``is_span`` a duration."""

    wire = _BYTES

    def __init__(self, *, is_span: bool) -> None:
        self._is_span = is_span

    def is_missing(self, _value: Any) -> bool:  # noqa: ANN401
        return False

    def plain(self, value: int) -> str:
        seconds, ns = divmod(value, NS)
        if self._is_span:
            return f"{seconds}{_fraction(ns)}s"
        if not ZERO_NS <= value < _END_NS:
            raise ValueError("a time lies outside the years 1 to 9999")
        return f"{format_nano(Time(seconds * NS))[:-1]}{_fraction(ns)}Z"

    def binary(self, value: int) -> bytes:
        seconds, ns = divmod(value, NS)
        return (b"\x08" + varint(seconds) if seconds else b"") + (b"\x10" + varint(ns) if ns else b"")


class Enumeration:
    """Names in the order of their numbers; the first is the one that is left out."""

    wire = _VARINT

    def __init__(self, *names: str) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}

    def is_missing(self, value: str) -> bool:
        return not self._numbers[value]

    def plain(self, value: str) -> str:
        return value

    def binary(self, value: str) -> bytes:
        return varint(self._numbers[value])


class _LabelSet:
    """A list of names and values, given as a label set. There are many of them, so they have a way of their own."""

    wire = _BYTES

    def is_missing(self, _value: Labels) -> bool:
        return False

    def plain(self, value: Labels) -> dict[str, Any]:
        return {"labels": [_pair(key, text) for key, text in value.items()]} if value else {}

    def binary(self, value: Labels) -> bytes:
        out = bytearray()
        for key, text in value.items():
            pair = bytearray()
            for number, part in ((1, key), (2, text)):
                if part:
                    _put(pair, number, _BYTES, part.encode())
            _put(out, 1, _BYTES, pair)
        return bytes(out)


def _pair(key: str, value: str) -> dict[str, str]:
    if key and value:
        return {"key": key, "value": value}
    return {name: text for name, text in (("key", key), ("value", value)) if text}


class Field(NamedTuple):
    """One field of a message."""

    number: int
    name: str
    kind: Kind
    is_list: bool = False


class Message:
    """A message by its fields, in the order in which they are written."""

    wire = _BYTES

    def __init__(self, *fields: Field) -> None:
        self._fields = fields

    def is_missing(self, _value: Tree) -> bool:
        return False

    def plain(self, value: Tree) -> dict[str, Any]:
        written = {}
        for _, name, kind, is_list in self._fields:
            found = value.get(name)
            if found is None:
                continue
            if is_list:
                if found:
                    written[name] = [kind.plain(one) for one in found]
            elif not kind.is_missing(found):
                written[name] = kind.plain(found)
        return written

    def binary(self, value: Tree) -> bytes:
        out = bytearray()
        for number, name, kind, is_list in self._fields:
            found = value.get(name)
            if found is None:
                continue
            if is_list and kind.wire == _VARINT:
                if found:
                    _put(out, number, _BYTES, b"".join(map(kind.binary, found)))
                continue
            for one in found if is_list else (found,):
                if is_list or not kind.is_missing(one):
                    _put(out, number, kind.wire, kind.binary(one))
        return bytes(out)


TEXT: Final = _Scalar(is_text=True)
BOOL: Final = _Scalar()
UINT32: Final = _Scalar()
INT64: Final = _Scalar(quoted=True)
LABELS: Final = _LabelSet()
TIME: Final = _Moment(is_span=False)
DURATION: Final = _Moment(is_span=True)


def as_json(message: Message, value: Tree) -> bytes:
    """One line of JSON. Raises ValueError for what the mapping cannot say."""
    return _encoder.encode(message.plain(value)).encode()


def varint(value: int) -> bytes:
    """A number of up to 64 bits; negative ones are taken for what they are in two's complement."""
    value &= _U64
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _put(out: bytearray, number: int, wire: int, value: bytes | bytearray) -> None:
    out += varint(number << 3 | wire)
    if wire == _BYTES:
        out += varint(len(value))
    out += value


def _fraction(ns: int) -> str:
    """As many digits as it takes, in threes; none for whole seconds."""
    if not ns:
        return ""
    digits = f"{ns:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}"
