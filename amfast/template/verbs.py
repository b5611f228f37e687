"""How one plain value looks under the flags of a verb (Go's fmt, format.go)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .floats import format_float
from .quoting import RUNE_MAX, bytes_of, can_backquote, is_printable, quote, quote_rune, rune

_LETTERS: Final = {2: "b", 8: "o", 10: "d", 16: "x"}
_WORD: Final = 1 << 64
_CODE_DIGITS: Final = 4
"""Of ``U+0041``, at least."""
_SHARP_DIGITS: Final = 6
"""That ``%#g`` shows when nothing else is asked for."""


@dataclass(slots=True)
class Flags:
    """What stands between the percent sign and the verb; the signs of ``%+v`` and ``%#v`` are apart."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    plus_v: bool = False
    sharp_v: bool = False
    width: int = 0
    precision: int | None = None

    def padded(self, text: str, *, zero: bool | None = None) -> str:
        """``text`` filled up to the width; ``zero`` overrules the flag."""
        if len(text) >= self.width:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if (self.zero if zero is None else zero) else " ")

    def cut(self, text: str) -> str:
        return text if self.precision is None else text[: self.precision]


def boolean(value: bool, flags: Flags) -> str:
    return flags.padded("true" if value else "false")


def integer(value: int, base: int, flags: Flags, *, upper: bool = False, letter_o: bool = False) -> str:
    """``%d %b %o %x``; ``letter_o`` is ``%O``."""
    sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
    least = 0
    if flags.precision is not None:
        if flags.precision == value == 0:
            return " " * flags.width
        least = flags.precision
    elif flags.zero and not flags.minus:
        least = flags.width - len(sign)
    digits = format(abs(value), _LETTERS[base]).rjust(least, "0")
    if flags.sharp:
        digits = {2: "0b", 8: "" if digits.startswith("0") else "0", 10: "", 16: "0x"}[base] + digits
    if letter_o:
        digits = "0o" + digits
    return flags.padded(sign + (digits.upper() if upper else digits), zero=False)


def unicode(value: int, flags: Flags) -> str:
    """``%U``: ``U+0041``, with the character itself under ``#``."""
    code = value % _WORD
    least = max(_CODE_DIGITS, flags.precision or 0)
    text = "U+" + f"{code:X}".rjust(least, "0")
    if flags.sharp and code <= RUNE_MAX and is_printable(chr(code)):
        text += f" '{chr(code)}'"
    return flags.padded(text, zero=False)


def character(value: int, flags: Flags) -> str:
    """``%c``."""
    return flags.padded(rune(value))


def quoted_character(value: int, flags: Flags) -> str:
    """``%q`` of a number."""
    return flags.padded(quote_rune(value, ascii_only=flags.plus))


def string(text: str, flags: Flags) -> str:
    """``%s``."""
    return flags.padded(flags.cut(text))


def quoted(text: str, flags: Flags) -> str:
    """``%q`` of a string."""
    text = flags.cut(text)
    if flags.sharp and can_backquote(text):
        return flags.padded(f"`{text}`")
    return flags.padded(quote(text, ascii_only=flags.plus))


def hexadecimal(text: str, flags: Flags, *, upper: bool) -> str:
    """``%x`` of a string: two digits for each byte, with a space between them, and ``0x``, as the flags say."""
    data = bytes_of(text) if flags.precision is None else bytes_of(text[: flags.precision])[: flags.precision]
    mark = "0x" if flags.sharp and data else ""
    digits = mark + (data.hex(" ").replace(" ", " " + mark) if flags.space else data.hex())
    return flags.padded(digits.upper() if upper else digits)


def floating(value: float, verb: str, flags: Flags, *, bits: int = 64) -> str:
    """``%e %f %g %b %x`` and their capitals; ``%v`` is ``g``."""
    precision = flags.precision
    if precision is None and verb in "eEfF":
        precision = 6
    verb = "f" if verb == "F" else verb
    number = format_float(value, verb, precision, bits)
    if number[0] not in "+-":
        number = "+" + number
    if flags.space and number[0] == "+" and not flags.plus:
        number = " " + number[1:]
    if number[1] in "IN":
        bare = number[1] == "N" and not flags.space and not flags.plus
        return flags.padded(number[1:] if bare else number, zero=False)
    if flags.sharp and verb != "b":
        number = number[0] + _sharp(number[1:], verb, precision)
    if not flags.plus and number[0] == "+":
        return flags.padded(number[1:])
    if flags.zero and not flags.minus:
        return number[0] + number[1:].rjust(flags.width - 1, "0")
    return flags.padded(number)


def _sharp(number: str, verb: str, precision: int | None) -> str:
    """``number`` with a point in any case, and the zeros at the end that a ``g`` leaves out."""
    missing = 0
    if verb in "gGx":
        missing = _SHARP_DIGITS if precision is None else precision
    mark = next((letter for letter in ("pP" if verb in "xX" else "eE") if letter in number), "")
    head, tail = (number[: number.index(mark)], number[number.index(mark) :]) if mark else (number, "")
    missing -= len(head.replace(".", "").lstrip("0"))
    if "." not in head:
        if head == "0":
            missing -= 1
        head += "."
    return head + "0" * missing + tail


def complex_number(value: complex, verb: str, flags: Flags) -> str:
    """A complex number: both parts, each with the width, the second one always with a sign."""
    real = floating(value.real, verb, flags)
    plus, flags.plus = flags.plus, True
    imaginary = floating(value.imag, verb, flags)
    flags.plus = plus
    return f"({real}{imaginary}i)"
