"""A line on the terminal that is written anew each second."""

from __future__ import annotations

from typing import TextIO

from amfast.load.tally import Second, Tally


class Progress:
    """Says how a run is getting on; says nothing where the output is no terminal."""

    def __init__(self, out: TextIO, *, quiet: bool = False) -> None:
        self.label = ""
        """Put before the line."""
        self._out = out
        self._shown = not quiet and out.isatty()
        self._before_s = 0.0

    def __call__(self, second: Second, tally: Tally) -> None:
        if self._shown:
            text = self.text(second, tally)
            self._out.write(f"\r\x1b[K{text}")
            self._out.flush()

    def text(self, second: Second, tally: Tally) -> str:
        """The line."""
        stretch_s = second.at_s - self._before_s
        self._before_s = second.at_s
        rate = second.alerts / stretch_s if stretch_s > 0 else 0.0
        latency = ""
        if second.p50_ms is not None and second.p99_ms is not None:
            latency = f"  POST p50 {second.p50_ms:.2f} ms, p99 {second.p99_ms:.2f} ms"
        before = f"{self.label}: " if self.label else ""
        return (
            f"{before}{second.at_s:.0f} s  {tally.alerts:,} alerts, {rate:,.0f}/s{latency}  "
            f"{second.requests:,} requests  {tally.problems:,} problems"
        )

    def begin(self, label: str) -> None:
        """Another run begins."""
        self.label = label
        self._before_s = 0.0

    def end(self) -> None:
        """Leave the line to what comes next."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
