"""Floating-point numbers as text, as Go's ``strconv.FormatFloat`` writes them."""

from __future__ import annotations

import math
import struct
from typing import Final

_SHORTEST_DIGITS_32: Final = 9
"""With so many digits every 32-bit number is told from its neighbours."""
_MANTISSA_BITS: Final = {32: 24, 64: 53}
_EXPONENT_MIN: Final = {32: -149, 64: -1074}
_LARGE_EXPONENT: Final = 6
"""From here on the shortest text has an exponent."""
_SMALL_EXPONENT: Final = -4


def format_float(value: float, verb: str, precision: int | None = None, bits: int = 64) -> str:
    """``value`` by one of the verbs ``e E f g G b x X``.

    Without a precision there are as many digits as it takes to read the same number back. ``bits`` is 64 or 32.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    return sign + _positive(abs(value), verb, precision, bits)


def _positive(value: float, verb: str, precision: int | None, bits: int) -> str:
    if verb == "b":
        mantissa, exponent = _parts(value, bits)
        return f"{mantissa}p{exponent:+d}"
    if verb in "xX":
        text = _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    if precision is not None:
        return f"{value:.{precision}{verb}}"
    digits, point = _shortest(value, bits)
    if verb == "f":
        return _plain(digits, point)
    if verb in "gG" and _SMALL_EXPONENT <= point - 1 < _LARGE_EXPONENT:
        return _plain(digits, point)
    letter = "E" if verb in "EG" else "e"
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    exponent = point - 1 if value else 0
    return f"{digits[0]}{fraction}{letter}{exponent:+03d}"


def _shortest(value: float, bits: int) -> tuple[str, int]:
    """The digits that tell a number from all others, and how many of them stand before the point."""
    if value == 0:
        return "0", 1
    text = f"{value!r}" if bits == 64 else _shortest_32(value)  # noqa: PLR2004
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    return digits.strip("0"), len(whole) + int(exponent or 0) - leading


def _shortest_32(value: float) -> str:
    packed = struct.pack("f", value)
    texts = (f"{value:.{digits}e}" for digits in range(_SHORTEST_DIGITS_32))
    return next(text for text in texts if _packs_to(text, packed))


def _packs_to(text: str, packed: bytes) -> bool:
    try:
        return struct.pack("f", float(text)) == packed
    except OverflowError:
        return False


def _plain(digits: str, point: int) -> str:
    """``digits`` with the point after so many of them, and zeros where none are."""
    if point <= 0:
        return "0." + "0" * -point + digits if digits != "0" else "0"
    if len(digits) <= point:
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def _parts(value: float, bits: int) -> tuple[int, int]:
    """The mantissa as it is stored, its hidden bit included, and the exponent of its last bit."""
    smallest = _EXPONENT_MIN[bits]
    exponent = max(math.frexp(value)[1] - _MANTISSA_BITS[bits], smallest) if value else smallest
    numerator, denominator = value.as_integer_ratio()
    scaled = numerator * 2**-exponent if exponent < 0 else numerator // 2**exponent
    return scaled // denominator, exponent


def _hexadecimal(value: float, precision: int | None) -> str:
    """A mantissa from 1 up to 2 in hexadecimal, and a power of two in decimal; zero has the exponent zero."""
    exponent, digits = 0, ""
    if value:
        mantissa, exponent = math.frexp(value)
        fraction, exponent = int(math.ldexp(mantissa, 53)) - 2**52, exponent - 1
        digits = f"{fraction:013x}".rstrip("0")
        if precision is not None and precision < len(digits):
            return _rounded_hexadecimal(fraction + 2**52, exponent, precision)
    if precision is not None:
        digits = digits.ljust(precision, "0")
    point = "." if digits else ""
    return f"0x{1 if value else 0}{point}{digits}p{exponent:+03d}"


def _rounded_hexadecimal(mantissa: int, exponent: int, precision: int) -> str:
    """The 53 bits of a mantissa with so many digits after the point, ties to the even one."""
    shift = 52 - 4 * precision
    kept, rest = divmod(mantissa, 1 << shift)
    half = 1 << (shift - 1)
    kept += rest > half or (rest == half and kept % 2 == 1)
    if kept >> (4 * precision + 1):
        kept >>= 1
        exponent += 1
    digits = f"{kept - (1 << 4 * precision):0{precision}x}" if precision else ""
    return f"0x1{'.' if digits else ''}{digits}p{exponent:+03d}"
