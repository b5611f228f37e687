"""What ``http_config`` makes of requests: who they say they are, how they are protected, and which way they go."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from amfast.config.http import JWT_GRANT, HttpConfig
from amfast.config.load import loads
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.tls import TlsConfig
from amfast.loopclock import LoopClock
from amfast.model.errors import AmfastError
from amfast.model.notification import NotifyError
from amfast.receivers.answers import Answer
from amfast.receivers.credentials import left_domain, own_headers, secret_text
from amfast.receivers.errors import HttpError
from amfast.receivers.http import NetworkClient
from amfast.receivers.payload import check_status
from amfast.receivers.proxies import is_direct, proxy_for
from amfast.receivers.table import INTEGRATIONS
from tests.support.certificates import Authority

VECTORS = Path(__file__).parents[1] / "vectors"
Reply = Callable[[bytes], bytes]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def file(text: str) -> str:
    """A whole file whose only webhook has an ``http_config`` written in flow style."""
    webhook = f"{{url: 'http://h', http_config: {{{text}}}}}"
    return f"route: {{receiver: r}}\nreceivers: [{{name: r, webhook_configs: [{webhook}]}}]"


def config(text: str, folder: Path | None = None) -> HttpConfig:
    """Such an ``http_config``, in a file of ``folder``."""
    whole = loads(file(text), str((folder or Path()) / "am.yml"), INTEGRATIONS)
    assert whole.unsupported == ()
    (found,) = whole.receivers[0].integrations
    assert isinstance(found, WebhookConfig)
    assert found.http_config is not None
    return found.http_config


class Server:
    """Answers each request by ``reply`` and keeps them all."""

    def __init__(self, reply: Reply = lambda _: OK, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.reply = reply
        self.tls = tls
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(it[15:]) for it in head.split(b"\r\n") if it.startswith(b"Content-Length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.reply(self.requests[-1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def header(self, name: str, request: int = -1) -> list[str]:
        """The values of a header of one request."""
        lines = self.requests[request].decode().split("\r\n")
        return [line.partition(": ")[2] for line in lines if line.partition(":")[0].lower() == name.lower()]


def post(servers: list[Server], how: HttpConfig, url: str = "", times: int = 1) -> Answer:
    """Post to the first server, or to ``url`` in which ``{0}`` and the like are the ports."""

    async def run() -> Answer:
        running = [await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=one.tls) for one in servers]
        for one, server in zip(servers, running, strict=True):
            one.port = server.sockets[0].getsockname()[1]
        client = NetworkClient(LoopClock(), random.Random(1), {})
        target = (url or "http://127.0.0.1:{0}/p").format(*(one.port for one in servers))
        try:
            for _ in range(times):
                answer = await client.post(target, headers={}, body=b"{}", timeout_s=5, config=how)
        finally:
            await client.close()
            for server in running:
                server.close()
        return answer

    return asyncio.run(run())


def test_a_name_and_a_password_are_sent() -> None:
    server = Server()
    post([server], config("basic_auth: {username: Aladdin, password: 'open sesame'}"))
    assert server.header("Authorization") == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]


def test_credentials_are_sent_with_their_type_also_in_the_deprecated_form() -> None:
    server = Server()
    post([server], config("authorization: {type: Token, credentials: abc}"))
    post([server], config("bearer_token: def"))
    assert [server.header("Authorization", n) for n in (0, 1)] == [["Token abc"], ["Bearer def"]]


def test_secrets_in_files_are_read_for_each_request_and_trimmed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    how = config("authorization: {credentials_file: token}", tmp_path)
    token.write_text(" one\n")
    first = list(own_headers(how, strange=False))
    token.write_text("two")
    assert (first, list(own_headers(how, strange=False))) == (
        [("Authorization", "Bearer one")],
        [("Authorization", "Bearer two")],
    )
    token.unlink()
    with pytest.raises(HttpError, match="token: No such file"):
        list(own_headers(how, strange=False))


def test_further_headers_are_sent_in_order_and_as_often_as_they_have_values(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("four\n")
    server = Server()
    how = config(
        "http_headers: {X-A: {values: [one, two], secrets: [three], files: [f]}, X-B: {values: [b]}}",
        tmp_path,
    )
    post([server], how)
    assert (server.header("X-A"), server.header("X-B")) == (["one", "two", "three", "four"], ["b"])


@pytest.mark.parametrize("has_writer", [False, True])
def test_a_pipe_in_place_of_a_secret_holds_nothing_up(tmp_path: Path, has_writer: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR) if has_writer else None
    found: list[str] = []
    reading = threading.Thread(
        target=lambda: found.append(secret_text(None, str(tmp_path / "pipe"))), daemon=True
    )
    reading.start()
    reading.join(5)
    assert found == [""]
    if writer is not None:
        os.close(writer)


def test_credentials_go_along_with_a_redirect_but_not_to_another_host() -> None:
    def reply(request: bytes) -> bytes:
        target = b"/same" if b" /p " in request else b"http://localhost:%d/other" % server.port
        if b"/other" in request:
            return OK
        return b"HTTP/1.1 307 X\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % target

    server = Server(reply)
    post(
        [server],
        config(
            "authorization: {credentials: abc}, "
            "http_headers: {X: {values: [x]}, Cookie: {values: [c]}, Key: {secrets: [k]}}"
        ),
    )
    assert [server.header("Key", n) for n in range(3)] == [["k"], ["k"], []]
    assert [server.header("Authorization", n) for n in range(3)] == [["Bearer abc"], ["Bearer abc"], []]
    assert [server.header("Cookie", n) for n in range(3)] == [["c"], ["c"], []]
    assert [server.header("X", n) for n in range(3)] == [["x"], ["x"], ["x"]]


@pytest.mark.parametrize(
    "how",
    [
        "authorization: {credentials: abc123}",
        "basic_auth: {username: me, password: secret}",
        "http_headers: {X: {secrets: [hush-hush]}}",
    ],
)
def test_what_an_answer_repeats_of_the_secrets_in_the_request_is_not_shown(how: str) -> None:
    def echo(request: bytes) -> bytes:
        said = b" ".join(line for line in request.splitlines() if line.startswith((b"Auth", b"X")))
        return b"HTTP/1.1 400 X\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)

    answer = post([Server(echo)], config(how))
    with pytest.raises(NotifyError, match=r"unexpected status code 400: (X|Authorization): <secret>$"):
        check_status(answer)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("http://a.example/x", False), ("https://A.example:8/", False), ("http://b.a.example/", False),
        ("http://example/", True), ("http://ba.example/", True), ("http://[::1%25.a.example]/", True),
    ],
)  # fmt: skip
def test_subdomains_are_of_the_same_domain(now: str, left: bool) -> None:
    assert left_domain("http://a.example/", now) is left


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


def tls_server(authority: Authority, name: str, *, dns: str = "", wants_client: bool = False) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        *authority.sign(name, dns=(dns,) if dns else (), ips=() if dns else ("127.0.0.1",))
    )
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.file)
    return Server(tls=context)


HTTPS = "https://127.0.0.1:{0}/p"


def test_a_server_must_have_a_certificate_of_an_authority_that_is_trusted(authority: Authority) -> None:
    server = tls_server(authority, "plain")
    with pytest.raises(HttpError, match="the certificate is not trusted"):
        post([server], config(""), HTTPS)
    assert post([server], config(f"tls_config: {{ca_file: {authority.file}}}"), HTTPS).status == 200
    inline = f"tls_config: {{ca: {authority.file.read_text()!r}}}".replace("'", '"')
    assert post([server], config(inline), HTTPS).status == 200
    assert post([server], config("tls_config: {insecure_skip_verify: true}"), HTTPS).status == 200


def test_the_name_that_a_certificate_must_have_can_be_set(authority: Authority) -> None:
    server = tls_server(authority, "named", dns="other.example")
    how = f"ca_file: {authority.file}, server_name"
    assert post([server], config(f"tls_config: {{{how}: other.example}}"), HTTPS).status == 200
    with pytest.raises(HttpError, match="the certificate is not trusted"):
        post([server], config(f"tls_config: {{{how}: another.example}}"), HTTPS)


def test_our_certificate_is_shown_from_files_and_from_the_configuration(authority: Authority) -> None:
    server = tls_server(authority, "asking", wants_client=True)
    cert, key = authority.sign("client")
    trusted = f"ca_file: {authority.file}"
    files = f"tls_config: {{{trusted}, cert_file: {cert}, key_file: {key}}}"
    assert post([server], config(files), HTTPS).status == 200
    texts = f'tls_config: {{{trusted}, cert: "{_escaped(cert)}", key: "{_escaped(key)}"}}'
    assert post([server], config(texts), HTTPS).status == 200
    with pytest.raises(HttpError):
        post([server], config(f"tls_config: {{{trusted}}}"), HTTPS)


def _escaped(path: Path) -> str:
    return path.read_text().replace("\n", "\\n")


def test_a_certificate_that_cannot_be_read_is_one_error_without_a_secret(tmp_path: Path) -> None:
    server = Server()
    with pytest.raises(HttpError, match=r"^tls_config: cannot read \S*none: No such file or directory$"):
        post([server], config("tls_config: {ca_file: none}", tmp_path), HTTPS)
    (tmp_path / "none").write_text("nonsense")
    with pytest.raises(HttpError, match=r"^tls_config: \S*none cannot be used"):
        post([server], config("tls_config: {ca_file: none}", tmp_path), HTTPS)
    with pytest.raises(HttpError, match=r"^tls_config: cannot read \S*gone: No such file or directory$"):
        post([server], config("tls_config: {cert_file: none, key_file: gone}", tmp_path), HTTPS)
    (tmp_path / "gone").write_text("nonsense")
    with pytest.raises(HttpError, match=r"^tls_config: \S*none and \S*gone cannot be used"):
        post([server], config("tls_config: {cert_file: none, key_file: gone}", tmp_path), HTTPS)


def test_a_proxy_that_cannot_be_reached_is_named_as_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HttpError, match=r"^cannot connect to the proxy: Connection refused$"):
        post([Server()], config("proxy_url: 'http://user:pa%3Ass@127.0.0.1:1'"))

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HttpError, match=r"^cannot connect to the proxy: the host name does not resolve$"):
        post([Server()], config("proxy_url: 'http://proxy.example:1'"))


def test_a_proxy_is_asked_with_its_password() -> None:
    proxy = Server()

    async def run() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        client = NetworkClient(LoopClock(), random.Random(1), {})
        port = server.sockets[0].getsockname()[1]
        through = config(f"proxy_url: 'http://user:pass@127.0.0.1:{port}'")
        await client.post("http://receiver.example/p", headers={}, body=b"{}", timeout_s=5, config=through)
        await client.close()
        server.close()

    asyncio.run(run())
    assert proxy.requests[-1].startswith(b"POST http://receiver.example/p HTTP/1.1\r\n")
    assert proxy.header("Proxy-Authorization") == ["Basic dXNlcjpwYXNz"]


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "http://localhost/", False),
        ("x", "http://localhost/", True),
        ("x", "http://127.0.0.1/", True),
        ("*", "http://a.example/", True),
        ("example", "http://a.example/", True),
        ("a.example", "http://a.example/", True),
        (".a.example", "http://a.example/", False),
        (".example, b", "http://A.Example/", True),
        ("*.example", "http://a.example/", True),
        ("ample", "http://a.example/", False),
        ("a.example:80", "http://a.example/", True),
        ("a.example:80", "https://a.example/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3", "http://10.1.2.3:5/", True),
        ("10.1.2.3:6", "http://10.1.2.3:5/", False),
        (".3, 3", "http://10.1.2.3/", False),
        ("2001:db8::/32", "http://[2001:db8::1]/", True),
        ("2001:db8::1", "http://[2001:db8::1]/", True),
        ("nonsense/99,,", "http://a.example/", False),
    ],
)
def test_no_proxy_names_who_is_reached_directly(no_proxy: str, url: str, direct: bool) -> None:
    how = config(f"proxy_url: 'http://p', no_proxy: '{no_proxy}'" if no_proxy else "proxy_url: 'http://p'")
    assert (proxy_for(how, url, {}) is None) is direct


def test_go_reaches_the_same_hosts_directly() -> None:
    cases = json.loads((VECTORS / "no_proxy.json").read_text())
    assert [direct for _, _, direct in cases] == [is_direct(url, no_proxy) for no_proxy, url, _ in cases]


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://a.example/", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://a.example/", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.example/", None),
        ({"https_proxy": "socks5://p:1"}, "https://a.example/", "socks5://p:1"),
        ({"HTTP_PROXY": "", "http_proxy": "p:1"}, "http://a.example/", "http://p:1"),
        ({"HTTP_PROXY": "one:1", "http_proxy": "two:1"}, "http://a.example/", "http://one:1"),
        ({"HTTP_PROXY": "http://p:1", "no_proxy": "b, .a.example"}, "http://c.a.example/", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:9/", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost/", None),
        ({"HTTPS_PROXY": "ftp://p:1"}, "https://a.example/", "http://p:1"),
    ],
)
def test_the_environment_names_the_proxy(environment: dict[str, str], url: str, proxy: str | None) -> None:
    assert proxy_for(config("proxy_from_environment: true"), url, environment) == proxy


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"HTTP_PROXY": "//p"}, "the URL of the proxy is malformed"),
        ({"HTTP_PROXY": "http://a b:1"}, "the URL of the proxy is malformed"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "as in CGI"),
    ],
)
def test_a_proxy_of_the_environment_that_cannot_be_used_is_not_passed_by(
    environment: dict[str, str], why: str
) -> None:
    with pytest.raises(HttpError, match=why):
        proxy_for(config("proxy_from_environment: true"), "http://a.example/", environment)


@pytest.mark.parametrize(
    "reply", [b"", b"\x05", b"\x05\xff", b"\x04\x00", b"HTTP/1.1 400 X\r\n\r\n", b"\x05\x00\x05\x01"]
)
def test_a_socks_proxy_that_refuses_is_one_error(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(reply)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = NetworkClient(LoopClock(), random.Random(1), {})
        how = config(f"proxy_url: 'socks5://u:geheim@127.0.0.1:{server.sockets[0].getsockname()[1]}'")
        try:
            await client.post("http://a.example/", headers={}, body=b"", timeout_s=5, config=how)
        finally:
            await client.close()
            server.close()

    with pytest.raises(HttpError, match="the SOCKS proxy cannot be reached or refuses the connection"):
        asyncio.run(run())


def test_what_can_never_be_sent_is_refused_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(how: HttpConfig) -> str:
        async def check() -> None:
            NetworkClient(LoopClock(), random.Random(1), {}).check(how)

        with pytest.raises(AmfastError) as raised:
            asyncio.run(check())
        return str(raised.value)

    signing = config(f"oauth2: {{client_id: c, token_url: 'http://t', grant_type: '{JWT_GRANT}'}}")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install 'amfast[jwt]'" in refusal(signing)
    assert "tls_config: cannot read none: No such" in refusal(config("tls_config: {ca_file: none}"))
    by_reference = HttpConfig(tls_config=TlsConfig(cert_file="a", key_ref="b"))
    assert "key_ref names something in a secret manager" in refusal(by_reference)
    assert "max_version is below" in refusal(config("tls_config: {min_version: TLS13, max_version: TLS12}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("basic_auth: {username: u, password_ref: p}", "password_ref"),
        ("tls_config: {ca_ref: p}", "ca_ref"),
        ("oauth2: {client_id: c, token_url: 'http://t', client_secret_ref: s}", "oauth2.client_secret_ref"),
    ],
)
def test_what_names_a_secret_manager_is_told_with_its_place(text: str, said: str) -> None:
    whole = loads(file(text), "am.yml", INTEGRATIONS)
    (line,) = whole.unsupported
    where = "receivers[0].webhook_configs[0].http_config"
    assert line.endswith(f"{where}: {said} names something in a secret manager, and there is none")
