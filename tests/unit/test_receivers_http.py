"""The HTTP client against a server of raw bytes on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from amfast.config.http import HttpConfig
from amfast.config.tls import TlsConfig
from amfast.config.url import Url
from amfast.loopclock import LoopClock
from amfast.receivers.answers import BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, Answer
from amfast.receivers.errors import HttpError
from amfast.receivers.http import REQUESTS_MAX, NetworkClient

Reply = Callable[[bytes], bytes]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[str]:
    """A server, and its URL; it ends when its connections have ended."""
    tasks: set[asyncio.Task[object]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError):
            await handle(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=5)
            assert not left


def talk(
    answer: Reply, use: Callable[[NetworkClient, str], Awaitable[Answer]], *, closing: bool = False
) -> tuple[Answer, list[bytes]]:
    """Run ``use`` with a client and the URL of a server; also returns the requests as they came.

    A ``closing`` server closes each connection when it has answered.
    """
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(
                (int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ontent-Length:" in line), 0
            )
            requests.append(head + await reader.readexactly(length))
            writer.write(answer(requests[-1]))
            await writer.drain()
            if closing:
                return

    async def run() -> Answer:
        async with serving(handle) as url:
            client = NetworkClient(LoopClock(), random.Random(1), {})
            try:
                return await use(client, url)
            finally:
                await client.close()

    return asyncio.run(run()), requests


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def post(
    path: str = "/p", *, follow: bool = True, timeout_s: float | None = 5.0
) -> Callable[[NetworkClient, str], Awaitable[Answer]]:
    headers = {"User-Agent": "Alertmanager/0", "Content-Type": "application/json"}
    return lambda client, url: client.post(
        url + path,
        headers=headers,
        body=b"{}",
        timeout_s=timeout_s,
        config=HttpConfig(follow_redirects=follow),
    )


def test_a_post_carries_what_it_was_given_and_little_else() -> None:
    answer, (request,) = talk(lambda _: reply(200, b"ok", "X-A: b"), post("/p%7E?a=%3A&b"))
    assert (answer.status, answer.body, answer.headers["x-a"]) == (200, b"ok", "b")
    lines = request.split(b"\r\n")
    assert lines[0] == b"POST /p%7E?a=%3A&b HTTP/1.1"
    assert lines[-1] == b"{}"
    names = {line.split(b":")[0].lower() for line in lines[1:-2]}
    assert names == {b"host", b"user-agent", b"content-type", b"content-length"}


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_redirects_are_followed_with_the_right_method(status: int, method: str) -> None:
    def answer(request: bytes) -> bytes:
        return reply(status, b"", "Location: /q") if b" /p " in request else reply(204)

    result, (_, second) = talk(answer, post())
    assert result.status == 204
    assert second.startswith(f"{method} /q HTTP/1.1\r\n".encode())
    assert second.endswith(b"{}") is (method == "POST")
    assert (b"application/json" in second) is (method == "POST")


def test_redirects_are_not_followed_when_told_or_when_they_lead_nowhere() -> None:
    assert talk(lambda _: reply(302, b"", "Location: /q"), post(follow=False))[0].status == 302
    assert talk(lambda _: reply(302), post())[0].status == 302
    assert talk(lambda _: reply(300, b"", "Location: /q"), post())[0].status == 300


def test_redirects_end_after_ten_requests() -> None:
    seen = []

    def answer(request: bytes) -> bytes:
        seen.append(request)
        return reply(307, b"", "Location: /p")

    with pytest.raises(HttpError, match="redirected 10 times"):
        talk(answer, post())
    assert len(seen) == REQUESTS_MAX


def test_a_redirect_to_something_else_than_http_fails() -> None:
    with pytest.raises(HttpError):
        talk(lambda _: reply(302, b"", "Location: file:///etc/passwd"), post())


def test_no_cookie_is_kept() -> None:
    async def twice(client: NetworkClient, url: str) -> Answer:
        await post()(client, url)
        return await post()(client, url)

    _, (_, second) = talk(lambda _: reply(200, b"", "Set-Cookie: a=b"), twice)
    assert b"ookie" not in second


def test_an_answer_longer_than_the_limit_is_cut_off() -> None:
    answer, _ = talk(lambda _: reply(200, b"x" * (BODY_BYTES_MAX * 20)), post())
    assert answer.body == b"x" * BODY_BYTES_MAX


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"\x00" * 100_000]
)
def test_a_broken_answer_is_one_error(raw: bytes) -> None:
    async def once(client: NetworkClient, url: str) -> Answer:
        return await post(timeout_s=0.3)(client, url)

    with pytest.raises(HttpError) as caught:
        talk(lambda _: raw, once)
    assert "127.0.0.1" not in str(caught.value)


def test_nobody_listening_is_said_without_the_address() -> None:
    async def elsewhere(client: NetworkClient, _url: str) -> Answer:
        return await post()(client, "http://127.0.0.1:1")

    with pytest.raises(HttpError, match=r"^cannot connect: Connection refused$"):
        talk(lambda _: b"", elsewhere)


def test_a_silent_server_runs_into_the_timeout() -> None:
    with pytest.raises(HttpError, match=r"^no answer within 0.05 s$"):
        talk(lambda _: b"", post(timeout_s=0.05))


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert talk(lambda _: reply(200), post())[0].status == 200


def test_aiohttp_is_not_imported_before_the_first_request() -> None:
    code = "import sys, amfast.receivers.table as t; t.build; print('aiohttp' in sys.modules, 'yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n"
        + b"".join(b"X-%d: 1\r\n" % i for i in range(500))
        + b"Content-Length: 0\r\n\r\n",
    ],
)
def test_a_success_counts_whatever_becomes_of_its_body(raw: bytes) -> None:
    answer, requests = talk(lambda _: raw, post(), closing=True)
    assert answer.status == 200
    assert len(requests) == 1


def test_a_success_whose_body_never_ends_counts_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.receivers.answers.BODY_WAIT_S", 0.05)
    answer, requests = talk(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", post())
    assert (answer.status, answer.body, len(requests)) == (200, b"abc", 1)


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(HEADERS_MAX + 2)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (HEADER_BYTES_MAX + 1),
    ],
)
def test_an_answer_that_is_no_http_is_not_asked_for_again(broken: bytes) -> None:
    with pytest.raises(HttpError, match="not valid HTTP") as caught:
        talk(lambda _: broken, post())
    assert not caught.value.retry


def test_an_announcement_is_no_answer() -> None:
    answer, requests = talk(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" + reply(201, b"b"), post())
    assert (answer.status, answer.body, len(requests)) == (201, b"b", 1)


def test_an_answer_may_end_with_its_connection() -> None:
    answer, _ = talk(lambda _: b"HTTP/1.1 500 X\r\n\r\nwhy", post(), closing=True)
    assert (answer.status, answer.body) == (500, b"why")


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
def test_a_connection_is_used_again_unless_the_server_ends_it(last: bytes) -> None:
    async def main() -> int:
        connections = 0

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            while head := await _head(reader):
                await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]))
                writer.write(b"HTTP/1.1 200 OK\r\n" + last + chunked)

        chunked = b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        async with serving(handle) as url:
            client = NetworkClient(LoopClock(), random.Random(1), {})
            for _ in range(3):
                answer = await post()(client, url)
                assert (answer.status, answer.body) == (200, b"x")
            await client.close()
        return connections

    assert asyncio.run(main()) == (3 if last else 1)


def test_what_comes_unasked_ends_the_connection_and_answers_nothing() -> None:
    """Or whoever can write into an idle connection would answer the next request."""

    async def twice(client: NetworkClient, url: str) -> Answer:
        await post()(client, url)
        await asyncio.sleep(0.05)
        return await post("/second")(client, url)

    answer, requests = talk(
        lambda request: reply(503) if b"/second" in request else reply(200) + reply(204), twice
    )
    assert answer.status == 503
    assert len(requests) == 2


@pytest.mark.parametrize("more", [b"HTTP/1.1 204 X\r\nX: ", b"HTTP/1.1 2", b"HTTP/1.1 204 X\r\n\r\nHTTP/1"])
def test_an_answer_cannot_begin_before_it_is_asked_for(more: bytes) -> None:
    async def twice(client: NetworkClient, url: str) -> Answer:
        await post()(client, url)
        return await post("/second")(client, url)

    answer, requests = talk(lambda request: reply(503) if b"/second" in request else reply(200) + more, twice)
    assert (answer.status, len(requests)) == (503, 2)


def test_a_trailer_is_no_header() -> None:
    chunked = b"HTTP/1.1 308 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nLocation: /other\r\n\r\n"
    answer, requests = talk(lambda _: chunked, post())
    assert (answer.status, len(requests)) == (308, 1)


CHUNKED = b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "then", "outcome"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "the answer is not valid HTTP"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "the answer is not valid HTTP"),
        (CHUNKED + b"1;", b"x=" + b"y" * 100, 500),
        (CHUNKED + b"0\r\nX: ", b"y" * 100, 500),
        (CHUNKED, b"1;a=b\r\nx\r\n", 500),
        (CHUNKED + b"0" * 10, b"0" * 100, 500),
    ],
)
def test_what_a_server_may_say_around_an_answer_is_bounded(
    begin: bytes, then: bytes, outcome: str | int
) -> None:
    taken = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await _head(reader)
        writer.write(begin)
        while taken < 8 << 20:
            writer.write(then * 100)
            await writer.drain()
            taken += len(then) * 100

    async def main() -> str | int:
        async with serving(flood) as url:
            client = NetworkClient(LoopClock(), random.Random(1), {})
            try:
                return (await post()(client, url)).status
            except HttpError as error:
                return str(error)
            finally:
                await client.close()

    assert asyncio.run(main()) == outcome
    assert taken < 8 << 20


def test_connections_that_nobody_uses_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a template makes the URL, hosts may be as many as there are alerts."""
    monkeypatch.setattr("amfast.receivers.direct.IDLE_MAX", 3)
    open_now: set[str] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = ""
        while head := await _head(reader):
            await reader.readexactly(2)
            host = head.partition(b"Host: ")[2].split(b"\r\n")[0].decode()
            open_now.add(f"http://{host}")
            writer.write(reply(200))
        open_now.discard(f"http://{host}")

    async def main() -> None:
        async with contextlib.AsyncExitStack() as servers:
            urls = [await servers.enter_async_context(serving(keep)) for _ in range(6)]
            client = NetworkClient(LoopClock(), random.Random(1), {})
            for url in [*urls, *urls, urls[4]]:
                await post()(client, url)
            async with asyncio.timeout(5):
                while len(open_now) > 3:  # noqa: ASYNC110 - the server sees it a moment later
                    await asyncio.sleep(0)
            assert open_now == set(urls[-3:])
            await client.close()

    asyncio.run(main())


def test_a_url_has_a_greatest_length() -> None:
    answer, _ = talk(lambda _: reply(200), post("/" + "x" * 16_000))
    assert answer.status == 200
    with pytest.raises(HttpError, match="malformed"):
        talk(lambda _: reply(200), post("/" + "x" * 16_384))


@pytest.mark.parametrize(
    "where",
    [
        "http://h:99999/",
        "http://h:1:2/",
        "http://:-1[x]@/",
        "https://:80",
        "http://[::1",
        "http://[x]/",
        "http://h:x/",
    ],
)
@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:1"])
def test_a_redirect_to_a_malformed_url_is_one_error(where: str, proxy: str) -> None:
    """Libraries have their own ways to refuse one, some of them only when its port is asked for."""
    config = HttpConfig(proxy_url=Url(proxy) if proxy else None, no_proxy="example.com:80" if proxy else "")
    with pytest.raises(HttpError, match="malformed") as caught:
        talk(
            lambda _: reply(307, b"", f"Location: {where}"),
            lambda client, url: client.post(url, headers={}, body=b"{}", timeout_s=5, config=config),
        )
    assert not caught.value.retry


def test_a_name_that_tls_cannot_ask_for_is_one_error() -> None:
    config = HttpConfig(tls_config=TlsConfig(server_name=".example"))
    with pytest.raises(HttpError, match="the host name is malformed"):
        talk(
            lambda _: reply(200),
            lambda client, url: client.post(
                url.replace("http:", "https:"), headers={}, body=b"{}", timeout_s=5, config=config
            ),
        )


def test_a_header_is_text() -> None:
    with pytest.raises(HttpError, match="no text"):
        talk(
            lambda _: reply(200),
            lambda client, url: client.post(
                url, headers={"X": "\ud800"}, body=b"", timeout_s=1, config=HttpConfig()
            ),
        )


def test_a_header_cannot_begin_another_line() -> None:
    with pytest.raises(HttpError, match="line break"):
        talk(
            lambda _: reply(200),
            lambda client, url: client.post(
                url, headers={"X": "a\r\nY: b"}, body=b"", timeout_s=1, config=HttpConfig()
            ),
        )


def test_a_name_in_the_url_is_sent_as_basic_authorization() -> None:
    _, (request,) = talk(
        lambda _: reply(200), lambda client, url: post()(client, url.replace("//", "//me:p%40ss@"))
    )
    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in request


def test_a_hanging_receiver_takes_no_connection_from_another() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(reply(200))
        await writer.drain()

    async def main() -> Answer:
        async with serving(hang) as hang_at, serving(answer) as answer_at:
            client = NetworkClient(LoopClock(), random.Random(1), {})
            hanging = [asyncio.create_task(post(timeout_s=None)(client, hang_at)) for _ in range(150)]
            await asyncio.sleep(0)
            try:
                return await post(timeout_s=5)(client, answer_at)
            finally:
                for task in hanging:
                    task.cancel()
                await asyncio.gather(*hanging, return_exceptions=True)
                await client.close()

    assert asyncio.run(main()).status == 200
