"""What the event loop tells of itself."""

from __future__ import annotations

import asyncio
import select
import socket

import uvloop

from amfast.loopclock import loop_fd


def test_its_descriptor_is_readable_when_the_event_loop_has_something_to_do() -> None:
    async def scenario() -> None:
        mine, theirs = socket.socketpair()
        with mine, theirs:
            mine.setblocking(False)
            read = asyncio.Event()
            asyncio.get_running_loop().add_reader(mine, lambda: mine.recv(1) and read.set())
            await asyncio.sleep(0.01)  # then the loop looks at the socket
            assert not _is_readable(loop_fd())
            theirs.send(b"!")
            assert _is_readable(loop_fd())
            await read.wait()
            assert not _is_readable(loop_fd())
            asyncio.get_running_loop().remove_reader(mine)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_an_event_loop_of_asyncio_does_not_tell() -> None:
    async def scenario() -> int:
        return loop_fd()

    assert asyncio.run(scenario()) == -1


def _is_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])
