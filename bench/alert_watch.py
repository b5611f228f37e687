"""``amfast-load`` as a process beside the measurement: dashboards that poll, and a watch on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alert_beside import SENDER_CORE
from processes import Node

_STOP_S = 60.0
_BEGIN_S = 1.0
WATCH = ("--pollers=1", "--poll-rate=200", "--poll-path=/-/healthy", "--timeout=100s")
"""Asks every 5 ms: the longest wait for an answer is the longest time that the server was busy with one thing."""


@dataclass(slots=True)
class Readings:
    """What the process reports in the end; nothing where it had to be killed."""

    pid: int
    report: dict[str, Any] = field(default_factory=lambda: {"kinds": {}, "seconds": 1.0})

    def longest_ms(self) -> float | None:
        return self._highest("max")

    def median_ms(self) -> float | None:
        return self._highest("p50")

    def answered_per_s(self) -> float:
        """Requests answered with 200."""
        answered = sum(kind["statuses"].get("200", 0) for kind in self.report["kinds"].values())
        return answered / float(self.report["seconds"])

    def _highest(self, name: str) -> float | None:
        found = [kind["latency_ms"].get(name) for kind in self.report["kinds"].values()]
        return max((value for value in found if value is not None), default=None)


@asynccontextmanager
async def load(node: Node, folder: Path, *flags: str) -> AsyncIterator[Readings]:
    """Let ``amfast-load`` read from a server for as long as the block takes."""
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(SENDER_CORE), sys.executable, "-m", "amfast.load"),
        *(f"--target=127.0.0.1:{node.http_port}", "--alerts=0", "--duration=1h", "--quiet"),
        *(f"--report={folder}", *flags),
        stdout=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    readings = Readings(process.pid)
    try:
        await asyncio.sleep(_BEGIN_S)
        yield readings
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
    if (folder / "report.json").exists():
        readings.report = json.loads((folder / "report.json").read_text())
