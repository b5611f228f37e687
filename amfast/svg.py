"""Charts as SVG, just enough for reports and the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 36, 48
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#555555")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; ``dashed`` for what was computed rather than measured."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def chart(title: str, x_label: str, y_label: str, lines: Sequence[Line], *, log_x: bool = False) -> str:
    """The text of an SVG file; the vertical axis begins at zero."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    y_step = _nice(max(*ys, 1e-9) / _TICKS)
    y_top = y_step * ceil(max(*ys, 1e-9) / y_step)
    x_ticks = _decades(min(xs), max(xs)) if log_x else _steps(min(xs), max(xs))
    scale: Callable[[float], float] = log10 if log_x else float
    x_low, x_high = scale(x_ticks[0]), scale(x_ticks[-1])
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        across = (scale(x) - x_low) / (x_high - x_low or 1.0)
        return _LEFT + across * (right - _LEFT), bottom - y / y_top * (bottom - _TOP)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_WIDTH / 2, 20, title, "middle", 14),
        _text((_LEFT + right) / 2, _HEIGHT - 10, x_label, "middle"),
        f'<g transform="rotate(-90 16 {_HEIGHT / 2})">{_text(16, _HEIGHT / 2, y_label, "middle")}</g>',
    ]
    for tick in x_ticks:
        x, _ = at(tick, 0)
        out += [_rule(x, _TOP, x, bottom), _text(x, bottom + 16, f"{tick:g}", "middle")]
    for i in range(round(y_top / y_step) + 1):
        _, y = at(x_ticks[0], i * y_step)
        out += [_rule(_LEFT, y, right, y), _text(_LEFT - 6, y + 4, f"{i * y_step:g}", "end")]
    for i, line in enumerate(lines):
        colour = _COLOURS[i % len(_COLOURS)]
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line.points))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        y = _TOP + 12 + 18 * i
        out.append(f'<path d="M{right + 10} {y}h22" stroke="{colour}" stroke-width="2"{dash}/>')
        out.append(_text(right + 38, y + 4, line.name, "start", 11))
    return "\n".join([*out, "</svg>\n"])


@dataclass(frozen=True, slots=True)
class Bar:
    """A value above zero with the range it was found in, and a mark at what was to be reached."""

    name: str
    value: float
    low: float
    high: float
    mark: float | None = None


def bars(title: str, x_label: str, rows: Sequence[Bar]) -> str:
    """The text of an SVG file: horizontal bars from 1 on a logarithmic axis."""
    ticks = _decades(
        min(1.0, *(row.low for row in rows)), max(10.0, *(max(row.high, row.mark or 0) for row in rows))
    )
    left, right, bottom = 250, _WIDTH - 60, _TOP + 24 * len(rows)
    low, high = log10(ticks[0]), log10(ticks[-1])

    def at(value: float) -> float:
        return left + (log10(value) - low) / (high - low) * (right - left)

    height = bottom + 52
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(_WIDTH / 2, 20, title, "middle", 14),
        _text((left + right) / 2, height - 10, x_label, "middle"),
    ]
    for tick in ticks:
        out += [
            _rule(at(tick), _TOP, at(tick), bottom),
            _text(at(tick), bottom + 16, f"{tick:g}", "middle", 10),
        ]
    for i, row in enumerate(rows):
        y = _TOP + 24 * i + 4
        begin, end = sorted((at(1.0), at(row.value)))
        out.append(
            f'<rect x="{begin:.1f}" y="{y}" width="{end - begin:.1f}" height="16" fill="{_COLOURS[0]}"/>'
            f'<path d="M{at(row.low):.1f} {y + 8}H{at(row.high):.1f}" stroke="#000"/>'
        )
        if row.mark is not None:
            out.append(f'<path d="M{at(row.mark):.1f} {y - 3}v22" stroke="{_COLOURS[1]}" stroke-width="2"/>')
        out.append(_text(left - 8, y + 12, row.name, "end", 11))
        out.append(_text(max(end, at(row.high)) + 6, y + 12, f"{row.value:.3g}", "start", 11))
    return "\n".join([*out, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _nice(step: float) -> float:
    """The next larger of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step)


def _steps(low: float, high: float) -> list[float]:
    step = _nice((high - low or 1.0) / _TICKS)
    return [step * i for i in range(floor(low / step), ceil(high / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    ticks = [
        10.0**power * factor
        for power in range(floor(log10(low)), ceil(log10(high)) + 1)
        for factor in (1, 2, 5)
    ]
    first = max(tick for tick in ticks if tick <= low)
    last = min(tick for tick in ticks if tick >= high)
    return [tick for tick in ticks if first <= tick <= last]
