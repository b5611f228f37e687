"""The connection of ``amfast-load``, against servers that behave in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from amfast.load.client import Answer, Connection
from amfast.load.target import Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ASKED = (b"GET / HTTP/1.1\r\n", b"Host: x\r\n\r\n")


def against(handler: Handler, talk: Callable[[Connection], Awaitable[None]], timeout_s: float = 10.0) -> None:
    async def main() -> None:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            connection = Connection(Target("127.0.0.1", server.sockets[0].getsockname()[1]), timeout_s)
            await talk(connection)
            connection.close()

    asyncio.run(asyncio.wait_for(main(), 30))


def answers(*texts: bytes) -> Handler:
    """One text for each request; the connection is closed after the last."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for text in texts:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text)
        await writer.drain()
        writer.close()

    return handle


async def ask(connection: Connection) -> Answer:
    await connection.open()
    return await connection.ask(ASKED)


def test_one_connection_answers_one_request_after_the_other():
    async def talk(connection: Connection) -> None:
        first = await ask(connection)
        assert (first.status, first.read_bytes, first.problem) == (200, len(texts[0]), "")
        assert first.took_ns > 0
        assert connection.is_open
        assert (await ask(connection)).read_bytes == len(texts[1])

    texts = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
    )
    against(answers(*texts), talk)


def test_a_refusal_keeps_what_the_server_said():
    async def talk(connection: Connection) -> None:
        assert (await ask(connection)).problem == 'status 400: "bad"'

    against(answers(b'HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\n"bad"'), talk)


def test_after_an_answer_that_closes_the_next_request_dials_again():
    async def talk(connection: Connection) -> None:
        for _ in range(3):
            assert (await ask(connection)).status == 200
            assert not connection.is_open

    against(answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), talk)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "connection lost: closed by the server"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "connection lost: closed by the server"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP: "),
    ],
)
def test_what_is_no_answer_is_a_problem_and_no_status(text, problem):
    async def talk(connection: Connection) -> None:
        answer = await ask(connection)
        assert answer.status == 0
        assert answer.problem.startswith(problem)

    against(answers(text), talk)


def test_a_server_that_says_nothing_is_given_up():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def talk(connection: Connection) -> None:
        answer = await ask(connection)
        assert (answer.status, answer.problem) == (0, "no answer in 0.1 s")

    against(silent, talk, timeout_s=0.1)


def test_asking_a_connection_that_was_lost_is_a_problem_and_not_an_exception():
    async def talk(connection: Connection) -> None:
        answer = await connection.ask(ASKED)
        assert answer == Answer(0, 0, 0, "connection lost")

    against(answers(), talk)
