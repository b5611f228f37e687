"""The real amtool, run against one node."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from .programs import environment, real_program

if TYPE_CHECKING:
    from pathlib import Path

    from .node import Node


class Amtool:
    def __init__(self, home: Path) -> None:
        self._program = real_program("amtool", "prometheus-alertmanager")
        self._environment = environment(home)

    def run(self, node: Node, *arguments: str) -> str:
        """Its standard output; AssertionError with its words when it fails."""
        done = subprocess.run(
            [self._program, f"--alertmanager.url={node.api.base_url}", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, f"amtool {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def alert_cases(self, node: Node) -> set[str]:
        return {one["labels"]["case"] for one in self._json(node, "alert", "query", "--output=json")}

    def silence_ids(self, node: Node) -> set[str]:
        return {one["id"] for one in self._json(node, "silence", "query", "--output=json")}

    def add_silence(self, node: Node, *matchers: str) -> str:
        added = self.run(node, "silence", "add", "--author=me", "--comment=e2e", "--duration=1h", *matchers)
        return added.strip()

    def _json(self, node: Node, *arguments: str) -> list[dict[str, Any]]:
        printed: list[dict[str, Any]] = json.loads(self.run(node, *arguments))
        return printed
