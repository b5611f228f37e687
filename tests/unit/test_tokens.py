"""Tokens of OAuth 2.0: when they are fetched, what answers mean, and that errors keep secrets."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.config.http import JWT_GRANT, HttpConfig, OAuth2
from amfast.config.kinds import Secret
from amfast.receivers.answers import Answer
from amfast.receivers.assertion import signed_assertion
from amfast.receivers.errors import HttpError
from amfast.receivers.tokens import Tokens, token_of
from tests.support.virtual import VirtualClock, run_virtual

CONFIG = OAuth2(client_id="id", client_secret=Secret("geheim&"), token_url="http://t/")
JSON = {"content-type": "application/json"}


def granted(token: str = "T", seconds: int = 3600) -> Answer:
    return Answer(200, json.dumps({"access_token": token, "expires_in": seconds}).encode(), JSON)


REFUSED = Answer(401, b'{"error": "invalid_client"}', JSON)


@dataclass
class Server:
    """Answers a second after it was asked, the last answer again and again."""

    clock: VirtualClock
    answers: Sequence[Answer]
    asked: list[tuple[bytes, bool]] = field(default_factory=list)
    """The bodies, and whether a name and a password stood in the head."""

    async def post(self, _url: str, _headers: Mapping[str, str], body: bytes, config: HttpConfig) -> Answer:
        self.asked.append((body, config.basic_auth is not None))
        await self.clock.sleep(1)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def tokens(self) -> Tokens:
        return Tokens(self.post, self.clock, random.Random(1))


def test_who_comes_while_a_token_is_fetched_waits_for_it() -> None:
    async def scenario(clock: VirtualClock) -> None:
        server = Server(clock, [granted()])
        tokens = server.tokens()
        found = await asyncio.gather(*(tokens.authorization(CONFIG, None) for _ in range(5)))
        assert (found, len(server.asked)) == (["Bearer T"] * 5, 1)

    run_virtual(scenario)


def test_a_token_is_fetched_anew_ten_seconds_before_its_end() -> None:
    async def scenario(clock: VirtualClock) -> None:
        server = Server(clock, [granted("one", 60), granted("two", 0)])
        tokens = server.tokens()
        found = [await tokens.authorization(CONFIG, None)]
        await clock.sleep(48.5)  # the answer took a second
        found.append(await tokens.authorization(CONFIG, None))
        await clock.sleep(1)
        found.append(await tokens.authorization(CONFIG, None))
        await clock.sleep(1e6)
        found.append(await tokens.authorization(CONFIG, None))
        assert found == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]

    run_virtual(scenario)


def test_after_a_failure_the_next_one_tries_and_nobody_asks_at_the_same_time() -> None:
    async def scenario(clock: VirtualClock) -> None:
        server = Server(clock, [REFUSED, REFUSED, granted()])
        tokens = server.tokens()
        asking = (tokens.authorization(CONFIG, None) for _ in range(3))
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(found[0]), *found[1:]] == [HttpError, "Bearer T", "Bearer T"]

    run_virtual(scenario)


def test_who_gives_up_does_not_stop_the_next_one() -> None:
    async def scenario(clock: VirtualClock) -> None:
        tokens = Server(clock, [granted()]).tokens()
        first = asyncio.create_task(tokens.authorization(CONFIG, None))
        second = asyncio.create_task(tokens.authorization(CONFIG, None))
        await clock.sleep(0.5)
        first.cancel()
        assert await second == "Bearer T"

    run_virtual(scenario)


def test_a_server_that_has_taken_one_way_is_not_asked_in_the_other() -> None:
    async def scenario(clock: VirtualClock) -> None:
        in_body = Server(clock, [REFUSED, granted(seconds=1)])
        in_head = Server(clock, [granted(seconds=1), REFUSED])
        tokens = in_body.tokens(), in_head.tokens()
        for _ in range(2):
            await tokens[0].authorization(CONFIG, None)
        await tokens[1].authorization(CONFIG, None)
        with pytest.raises(HttpError, match="401"):
            await tokens[1].authorization(CONFIG, None)
        assert [head for _, head in in_body.asked] == [True, False, False]
        assert [head for _, head in in_head.asked] == [True, True]

    run_virtual(scenario)


def test_another_secret_in_the_file_means_another_token(tmp_path: Path) -> None:
    async def scenario(clock: VirtualClock) -> None:
        server = Server(clock, [granted("one"), granted("two")])
        tokens = server.tokens()
        secret = tmp_path / "secret"
        config = OAuth2(client_id="id", client_secret_file=str(secret), token_url="http://t/")
        secret.write_text("a")
        found = [await tokens.authorization(config, None) for _ in range(2)]
        secret.write_text("b")
        assert [*found, await tokens.authorization(config, None)] == [
            "Bearer one",
            "Bearer one",
            "Bearer two",
        ]
        secret.unlink()
        with pytest.raises(HttpError, match="cannot read"):
            await tokens.authorization(config, None)

    run_virtual(scenario)


def test_a_token_is_forgotten_with_its_configuration() -> None:
    async def scenario(clock: VirtualClock) -> None:
        tokens = Server(clock, [granted()]).tokens()
        config = replace(CONFIG)
        await tokens.authorization(config, None)
        assert len(tokens._sources) == 1
        del config
        gc.collect()
        assert tokens._sources == {}

    run_virtual(scenario)


def test_parameters_must_not_replace_what_the_grant_says() -> None:
    async def scenario(clock: VirtualClock) -> None:
        config = replace(CONFIG, scopes=("a",), endpoint_params=(("scope", "b"),))
        with pytest.raises(HttpError, match="must not set scope"):
            await Server(clock, [granted()]).tokens().authorization(config, None)

    run_virtual(scenario)


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/json", '{"access_token": "a"}', ("Bearer a", 0)),
        ("", '{"access_token": "a", "token_type": "BEARER", "expires_in": 7}', ("Bearer a", 7)),
        ("application/json", '{"access_token": "a", "token_type": "mac", "expires_in": "7"}', ("MAC a", 7)),
        ("application/json", '{"access_token": "a", "expires_in": 99999999999}', ("Bearer a", (1 << 31) - 1)),
        ("application/json", '{"access_token": "a", "expires_in": null}', ("Bearer a", 0)),
        ("text/plain; x=y", "access_token=a%20b&expires_in=5", ("Bearer a b", 5)),
        ("application/x-www-form-urlencoded", "access_token=a&expires_in=x", ("Bearer a", 0)),
    ],
)
def test_a_token_is_read_from_json_and_from_a_form(kind: str, body: str, found: tuple[str, int]) -> None:
    assert token_of(Answer(200, body.encode(), {"content-type": kind}), ()) == found


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, "", "cannot be read"),
        (200, "[]", "cannot be read"),
        (200, '{"access_token": "a", "expires_in": 1.5}', "cannot be read"),
        (200, '{"access_token": "a", "expires_in": true}', "cannot be read"),
        (200, "[" * 100_000, "cannot be read"),
        (200, "{}", "has no access_token"),
        (200, '{"access_token": 5}', "has no access_token"),
        (200, '{"access_token": "a\\r\\nX: y"}', "characters that no header can have"),
        (200, '{"access_token": "a", "error": "no"}', r"refuses with 200 \(no\)"),
        (400, '{"error": "no", "error_description": "not\\nyou"}', r"refuses with 400 \(no: not you\)"),
        (500, "<html>", "refuses with 500$"),
    ],
)
def test_anything_else_is_one_error(status: int, body: str, why: str) -> None:
    with pytest.raises(HttpError, match=why) as raised:
        token_of(Answer(status, body.encode(), JSON), ())
    assert raised.value.retry


def test_an_answer_that_repeats_the_secret_does_not_bring_it_into_the_log() -> None:
    async def scenario(clock: VirtualClock) -> None:
        echo = b'{"error": "client_secret=geheim&", "error_description": "geheim%26"}'
        with pytest.raises(HttpError) as raised:
            await Server(clock, [Answer(400, echo, JSON)]).tokens().authorization(CONFIG, None)
        assert "geheim" not in str(raised.value)
        assert "<secret>: <secret>" in str(raised.value)

    run_virtual(scenario)


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "text/plain"]), st.sampled_from([200, 400])
)
def test_no_answer_breaks_the_reader(body: bytes, kind: str, status: int) -> None:
    try:
        header, _ = token_of(Answer(status, body, {"content-type": kind}), ("secret",))
    except HttpError:
        return
    assert header.isprintable()


@pytest.mark.parametrize(
    "key", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_is_none_is_one_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(HttpError, match="is not an RSA key in PEM") as raised:
        signed_assertion(replace(CONFIG, grant_type=JWT_GRANT), key, now_s=0, number="")
    assert not raised.value.retry
