"""Whole runs of ``amfast-load``, against servers that go away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from amfast.load.plan import Plan
from amfast.load.process import Server
from amfast.load.run import Outcome, Run
from amfast.load.target import Target

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
READY = """
import http.server, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take every POST until the client goes away."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
            writer.write(OK)
    writer.close()


def test_a_target_that_is_gone_does_not_keep_the_others_waiting():
    async def main() -> Outcome:
        alive = await asyncio.start_server(accept, "127.0.0.1", 0)
        gone = await asyncio.start_server(lambda _, writer: gone_for_good(writer), "127.0.0.1", 0)

        async def gone_for_good(writer: asyncio.StreamWriter) -> None:
            gone.close()
            writer.close()

        targets = tuple(Target("127.0.0.1", one.sockets[0].getsockname()[1]) for one in (alive, gone))
        outcome = await Run(Plan(targets, alerts=100, batch=1, duration_s=1.0)).go()
        alive.close()
        return outcome

    tally = asyncio.run(asyncio.wait_for(main(), 30)).tally
    taken, lost = (sum(kind.statuses[status] for kind in tally.kinds.values()) for status in ("200", "0"))
    assert taken == lost > 40, "one in a quarter of a second would be four"


def test_what_a_terminal_sends_to_all_in_the_foreground_does_not_reach_the_server(tmp_path: Path):
    (tmp_path / "ready.py").write_text(READY)

    async def main() -> int:
        async with Server(f"{sys.executable} {tmp_path}/ready.py {{port}}") as server:
            return os.getpgid(server.pid)

    assert asyncio.run(main()) != os.getpgid(0)
