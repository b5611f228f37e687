"""Go's fmt: formats with verbs, and operands printed one after the other (Go's fmt, print.go).

Whatever is wrong with a format shows in the text (``%!d(string=hi)``, ``%!(EXTRA int=3)``); FunctionError is raised
only when the text would be longer than ``printing.OUTPUT_MAX`` or a value is nested too deeply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from .printing import NIL, Printer
from .quoting import REPLACEMENT
from .values import INTS, UINTS, Kind, Value, type_of
from .verbs import Flags

_SIZE_MAX: Final = 1_000_000
"""Of a width and of a precision."""
_NUMBER_LENGTH_MAX: Final = 8
_KEPT_CHARS: Final = 200
"""Of a format that is remembered in parts."""
_PLAIN_VERB: Final = re.compile(
    r"%(?P<flags>[#0+\- ]*)(?P<width>[1-9][0-9]{0,3})?(?:\.(?P<precision>[0-9]{0,4}))?(?P<verb>[a-zA-Z])"
)
_DIGITS: Final = re.compile("[0-9]+")
_FLAGS: Final = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}


def text(value: Value) -> str:
    """What ``{{value}}`` prints."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if value is None:
        return "<no value>"
    go_type = type_of(value)
    printer = Printer()
    if go_type.kind is Kind.POINTER and go_type.elem is not None and "String" not in go_type.methods:
        printer.argument(value, "v", go_type.elem)
    else:
        printer.argument(value, "v")
    return printer.text()


def sprint(arguments: Sequence[Value]) -> str:
    """Operands in their own formats, with a space between two neither of which is a string."""
    printer = Printer()
    after_string = True
    for argument in arguments:
        is_string = isinstance(argument, str)
        if not (is_string or after_string):
            printer.write(" ")
        printer.argument(argument, "v")
        after_string = is_string
    return printer.text()


def sprintln(arguments: Sequence[Value]) -> str:
    """Operands in their own formats, a space between any two, and a line's end."""
    printer = Printer()
    for number, argument in enumerate(arguments):
        if number:
            printer.write(" ")
        printer.argument(argument, "v")
    printer.write("\n")
    return printer.text()


def sprintf(format: str, arguments: Sequence[Value]) -> str:  # noqa: A002 - Go's name
    """The text of ``format`` with its verbs replaced by operands."""
    plain = _plain_parts(format) if len(format) <= _KEPT_CHARS else None
    if plain is None or len(plain) - 1 != len(arguments):
        return _Format(format, arguments).run()
    printer = Printer()
    for (before, flags, verb), argument in zip(plain, arguments, strict=False):
        printer.write(before)
        printer.flags = flags
        printer.argument(argument, verb)
    printer.write(plain[-1][0])
    return printer.text()


@lru_cache(256)
def _plain_parts(text: str) -> tuple[tuple[str, Flags, str], ...] | None:
    """The verbs of a format, each with its flags and what is before it, then the rest, with no verb.

    None for a format with anything else in it, such as sizes that are operands.
    """
    parts: list[tuple[str, Flags, str]] = []
    position = 0
    for found in _PLAIN_VERB.finditer(text):
        before = text[position : found.start()]
        if "%" in before:
            return None
        flags = Flags(width=int(found["width"] or 0))
        if found["precision"] is not None:
            flags.precision = int(found["precision"] or 0)
        for flag in found["flags"]:
            setattr(flags, _FLAGS[flag], True)
        if found["verb"] in "vw":
            flags.sharp_v, flags.sharp = flags.sharp, False
            flags.plus_v, flags.plus = flags.plus, False
        parts.append((before, flags, found["verb"]))
        position = found.end()
    rest = text[position:]
    return None if "%" in rest else (*parts, (rest, Flags(), ""))


def _decimal(digits: str) -> int | None:
    """The number; None if it is too large, which Go finds out one digit late."""
    digits = digits.lstrip("0")
    if len(digits) > _NUMBER_LENGTH_MAX or int(digits[:-1] or 0) > _SIZE_MAX:
        return None
    return int(digits or 0)


class _Format:
    """A walk through one format."""

    def __init__(self, text: str, arguments: Sequence[Value]) -> None:
        self._text = text
        self._arguments = arguments
        self._last_bracket = text.rfind("]")
        self._position = 0
        self._next = 0
        """Number of the operand that the next verb takes."""
        self._reordered = False
        self._good_index = True
        self._printer = Printer()

    def run(self) -> str:
        while True:
            percent = self._text.find("%", self._position)
            if percent < 0:
                break
            self._printer.write(self._text[self._position : percent])
            self._position = percent + 1
            self._directive()
        self._printer.write(self._text[self._position :])
        self._extra()
        return self._printer.text()

    def _directive(self) -> None:
        flags = self._printer.flags = Flags()
        while self._peek() in _FLAGS:
            setattr(flags, _FLAGS[self._peek()], True)
            self._position += 1
        self._good_index = True
        after_index = self._width(flags, self._index())
        after_index = self._precision(flags, after_index)
        if not after_index:
            self._index()
        verb = self._peek()
        if not verb:
            self._printer.write("%!(NOVERB)")
            return
        self._position += 1
        self._verb(REPLACEMENT if "\udc80" <= verb <= "\udcff" else verb)

    def _verb(self, verb: str) -> None:
        if verb == "%":
            self._printer.write("%")
        elif not self._good_index:
            self._printer.write(f"%!{verb}(BADINDEX)")
        elif self._next >= len(self._arguments):
            self._printer.write(f"%!{verb}(MISSING)")
        else:
            flags = self._printer.flags
            if verb in "vw":
                flags.sharp_v, flags.sharp = flags.sharp, False
                flags.plus_v, flags.plus = flags.plus, False
            self._printer.argument(self._arguments[self._next], verb)
            self._next += 1

    def _extra(self) -> None:
        """Name the operands that no verb took, unless verbs chose theirs by number."""
        rest = self._arguments[self._next :]
        if self._reordered or not rest:
            return
        printer = self._printer
        printer.flags = Flags()
        printer.write("%!(EXTRA ")
        for number, argument in enumerate(rest):
            if number:
                printer.write(", ")
            printer.write(NIL if argument is None else f"{type_of(argument).name}=")
            if argument is not None:
                printer.argument(argument, "v")
        printer.write(")")

    def _width(self, flags: Flags, after_index: bool) -> bool:
        """Read a width; says whether the last thing read is an index of an operand, which now must be followed."""
        if self._peek() == "*":
            self._position += 1
            size = self._size_from_operand()
            if size is None:
                self._printer.write("%!(BADWIDTH)")
            flags.width = abs(size or 0)
            if size is not None and size < 0:
                flags.minus, flags.zero = True, False
            return False
        width = self._number()
        if after_index and width is not None:
            self._good_index = False
        flags.width = width or 0
        return after_index

    def _precision(self, flags: Flags, after_index: bool) -> bool:
        if self._peek() != "." or self._position + 1 >= len(self._text):
            return after_index
        self._position += 1
        if after_index:
            self._good_index = False
        after_index = self._index()
        if self._peek() == "*":
            self._position += 1
            size = self._size_from_operand()
            flags.precision = size if size is not None and size >= 0 else None
            if flags.precision is None:
                self._printer.write("%!(BADPREC)")
            return False
        flags.precision = self._number() or 0
        return after_index

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _number(self) -> int | None:
        """The decimal number that comes next; one that is too large uses up the whole format."""
        digits = _DIGITS.match(self._text, self._position)
        if digits is None:
            return None
        number = _decimal(digits[0])
        self._position = len(self._text) if number is None else digits.end()
        return number

    def _index(self) -> bool:
        """Read ``[3]``, the number of the operand to go on with; says whether there was one."""
        if self._peek() != "[":
            return False
        self._reordered = True
        start = self._position + 1
        if start > self._last_bracket or start == len(self._text) - 1:
            self._position = start
            self._good_index = False
            return False
        end = self._text.index("]", start)
        self._position = end + 1
        digits = _DIGITS.fullmatch(self._text, start, end)
        number = None if digits is None else _decimal(digits[0])
        if number is not None and 1 <= number <= len(self._arguments):
            self._next = number - 1
        else:
            self._good_index = False
        return number is not None

    def _size_from_operand(self) -> int | None:
        if self._next >= len(self._arguments):
            return None
        value = self._arguments[self._next]
        self._next += 1
        kind = Kind.INVALID if value is None else type_of(value).kind
        if kind not in INTS and kind not in UINTS:
            return None
        return int(value) if abs(int(value)) <= _SIZE_MAX else None
