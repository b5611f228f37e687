"""A running Alertmanager that we did not write, for comparing what it says, and ours run in the same way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ports import free_port

_PROGRAM = "prometheus-alertmanager"
_START_S = 10.0
_ROOT = Path(__file__).parents[2]


class ReferenceAlertmanager:
    """Debian's Alertmanager (0.25) without a cluster; ``close`` ends it."""

    def command(self) -> list[str]:
        """How the program is called."""
        program = shutil.which(_PROGRAM)
        if program is None:
            pytest.skip(f"needs {_PROGRAM} (Debian package {_PROGRAM})")
        return [program]

    def __init__(
        self,
        folder: Path,
        config: str,
        environment: Mapping[str, str] | None = None,
        more: Sequence[str] = (),
    ) -> None:
        command = self.command()
        self._config = folder / "alertmanager.yml"
        self._config.write_text(config)
        address = f"127.0.0.1:{free_port()}"
        self._url = f"http://{address}"
        flags = [
            f"--config.file={self._config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            "--web.external-url=http://am.example/base",
            "--web.route-prefix=/",
            *more,
        ]
        self._process = subprocess.Popen(
            [*command, *flags],
            cwd=_ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._request("/-/ready")
            except urllib.error.URLError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def _request(self, path: str, body: bytes | None = None, *, post: bool = False) -> bytes:
        request = urllib.request.Request(
            self._url + path,
            data=body,
            headers={"Content-Type": "application/json"},
            method="POST" if post or body is not None else "GET",
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as response:
            return bytes(response.read())

    def reload(self, config: str) -> None:
        """Replace the configuration; raises urllib.error.HTTPError when it is refused."""
        self._config.write_text(config)
        self._request("/-/reload", post=True)

    def original(self) -> str:
        """The configuration as the status API shows it."""
        return str(json.loads(self._request("/api/v2/status"))["config"]["original"])

    def config_hash(self) -> int:
        """``alertmanager_config_hash``."""
        return int(self.metric("alertmanager_config_hash"))

    def post_alerts(self, alerts: list[dict[str, Any]]) -> None:
        self._request("/api/v2/alerts", json.dumps(alerts).encode())

    def post_silence(self, silence: dict[str, Any]) -> str:
        """Returns the id that it has now."""
        answer = json.loads(self._request("/api/v2/silences", json.dumps(silence).encode()))
        return str(answer["silenceID"])

    def alerts(self) -> list[dict[str, Any]]:
        """What ``GET /api/v2/alerts`` lists."""
        return list(json.loads(self._request("/api/v2/alerts")))

    def metric(self, line: str) -> float:
        """The value of one series; ``line`` is its name with its labels."""
        for one in self._request("/metrics").decode().splitlines():
            if one.startswith(f"{line} "):
                return float(one.rpartition(" ")[2])
        raise AssertionError(f"no {line}")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class OurAlertmanager(ReferenceAlertmanager):
    """The node from this tree, run with the same flags."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "amfast"]
