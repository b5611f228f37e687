"""Ways in which a webhook can be configured to go out, and what the outside sees of each.

``python -m tests.support.outbound PROGRAM`` runs them through an Alertmanager and renews the facts in
``tests/vectors/outbound.json``, which were recorded with version 0.34.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.certificates import Authority
from tests.support.outside import DONE, GRANTED, Neighbourhood, Outside, Reply
from tests.support.reference import ReferenceAlertmanager

FACTS = Path(__file__).parents[1] / "vectors" / "outbound.json"

Seen = dict[str, list[dict[str, Any]]]
_VERSION = re.compile(r"Alertmanager/\S*")
JSON = {"Content-Type": "application/json"}
HOOK = "http://127.0.0.1:{port}/hook"
NO_MATTER = ("accept-encoding", "connection", "accept", "referer")
"""Headers that change nothing for whoever answers."""


@dataclass(frozen=True)
class Way:
    """One ``http_config``, and what the outside answers. A notification goes to each of ``urls``."""

    config: str
    urls: tuple[str, ...] = (HOOK,)
    tokens: tuple[Reply, ...] = (GRANTED,)
    replies: tuple[Reply, ...] = (DONE,)
    first: int | None = None
    """How many of the events are looked at, where what is refused is tried again and again."""
    since: str = "0.25"
    """The first version whose behaviour this is."""


def _oauth2(more: str = "", url: str = "http://127.0.0.1:{port}/token") -> str:
    return (
        f"oauth2: {{client_id: id, client_secret: 'secret', token_url: '{url}'{', ' if more else ''}{more}}}"
    )


_JWT = "grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', token_url: 'http://127.0.0.1:{port}/token'"
_REFUSED: Reply = (401, JSON, '{"error": "invalid_client"}')
_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

WAYS: Mapping[str, Way] = {
    "token once for two": Way(_oauth2(), urls=(HOOK, HOOK)),
    "scopes and parameters": Way(
        _oauth2("scopes: [one, 'two three'], endpoint_params: {audience: 'x&y', resource: 'ü +'}")
    ),
    "another grant": Way(_oauth2("endpoint_params: {grant_type: password, user: u}")),
    "strange names": Way(
        "oauth2: {client_id: 'a b:c', client_secret: 'p&=+ü%', token_url: 'http://127.0.0.1:{port}/token?a=b'}",
    ),
    "secret from a file": Way(
        "oauth2: {client_id: id, client_secret_file: secret, token_url: 'http://127.0.0.1:{port}/token'}"
    ),
    "in the body when refused in the head": Way(_oauth2(), tokens=(_REFUSED, GRANTED)),
    "refused twice": Way(_oauth2(), tokens=(_REFUSED,), first=2),
    "an error with status 200": Way(_oauth2(), tokens=((200, JSON, '{"error": "no"}'),), first=2),
    "no token": Way(_oauth2(), tokens=((200, JSON, "{}"),), first=2),
    "form encoded": Way(
        _oauth2(), tokens=((200, _FORM, "access_token=a%2Bb&token_type=bearer&expires_in=9"),)
    ),
    "another type": Way(
        _oauth2(), tokens=((200, JSON, '{"access_token": "t", "token_type": "Pop", "expires_in": "600"}'),)
    ),
    "no further try after 401": Way(_oauth2(), replies=((401, {}, ""),)),
    "redirected": Way(
        _oauth2(),
        replies=((307, {"Location": "/elsewhere"}, ""), DONE),
        tokens=((307, {"Location": "/token/elsewhere"}, ""), GRANTED),
    ),
    "through a proxy of its own": Way(
        _oauth2("proxy_url: 'http://u:p@127.0.0.1:{port}'", "http://tokens.example/token")
    ),
    "protected by itself": Way(
        _oauth2("tls_config: {ca_file: authority.pem}", "https://127.0.0.1:{tls_port}/token")
    ),
    "with more headers": Way(_oauth2() + ", http_headers: {X-A: {values: [b]}}", since="0.34"),
    "signed": Way(
        f"oauth2: {{client_id: id, client_certificate_key_file: {{folder}}/key.pem, {_JWT}}}",
        since="0.34",
    ),
    "signed with everything": Way(
        "oauth2: {client_id: id, client_certificate_key_file: {folder}/key.pem, client_certificate_key_id: k1, iss: me,"
        " audience: you, claims: {extra: [1, x], sub: other}, signature_algorithm: RS512, scopes: [a, b],"
        f" endpoint_params: {{more: m}}, {_JWT}}}",
        since="0.34",
    ),
    "signed and refused": Way(
        f"oauth2: {{client_id: id, client_certificate_key_file: {{folder}}/key.pem, {_JWT}}}",
        tokens=(_REFUSED,),
        first=1,
        since="0.34",
    ),
    "http proxy": Way(
        "proxy_url: 'http://u:p%40w@127.0.0.1:{port}', proxy_connect_header: {X-Proxy: [one, two]}",
        urls=("http://origin.example/hook",),
    ),
    "http proxy and https": Way(
        "proxy_url: 'http://u:p%40w@127.0.0.1:{port}', proxy_connect_header: {X-Proxy: [one, two]},"
        " tls_config: {ca_file: authority.pem}",
        urls=("https://origin.example/hook",),
    ),
    "proxy of an unknown kind": Way(
        "proxy_url: 'ftp://127.0.0.1:{port}'", urls=("http://origin.example/hook",)
    ),
    "socks5": Way("proxy_url: 'socks5://127.0.0.1:{port}'", urls=("http://origin.example/hook",)),
    "socks5h with a password": Way(
        "proxy_url: 'socks5h://u:p%40w@127.0.0.1:{port}'",
        urls=("http://origin.example:8080/hook",),
        since="0.34",
    ),
    "socks5 and https": Way(
        "proxy_url: 'socks5://127.0.0.1:{port}', tls_config: {ca_file: authority.pem}",
        urls=("https://origin.example/hook",),
    ),
    "socks5 to an address": Way(
        "proxy_url: 'socks5://127.0.0.1:{port}'", urls=("http://192.0.2.1/hook", "http://[2001:db8::1]/hook")
    ),
    "environment": Way(
        "proxy_from_environment: true, tls_config: {ca_file: authority.pem}",
        urls=("http://origin.example/hook", "https://origin.example/hook", HOOK),
        since="0.34",
    ),
}  # fmt: skip


def run(
    program: type[ReferenceAlertmanager],
    folder: Path,
    expected: Seen | None = None,
    names: tuple[str, ...] = (),
) -> Seen:
    """Send a notification on each way (or those named), and return what the outside saw of it.

    ``expected`` says how much to wait for; without it, a few seconds decide.
    """
    authority = Authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("origin", dns=("origin.example",)))
    key = rsa.generate_private_key(65537, 2048)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (folder / "secret").write_text("from a file\n")
    ways = {name: WAYS[name] for name in names or WAYS}
    places = {name: Outside(way.tokens, way.replies, context) for name, way in ways.items()}
    outside = Neighbourhood(list(places.values()))
    environment = {**os.environ, "NO_PROXY": "unrelated.example"}
    if "environment" in places:
        proxy = f"127.0.0.1:{places['environment'].port}"
        environment |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": f"http://{proxy}"}
    try:
        alertmanager = program(folder, _file(places, folder), environment)
        try:
            alertmanager.post_alerts(
                [
                    {"labels": {"way": name, "n": str(n)}}
                    for name, way in ways.items()
                    for n in range(len(way.urls))
                ]
            )
            if expected is None:
                time.sleep(4)
            else:
                outside.wait(lambda: all(len(places[n].seen) >= len(expected[n]) for n in places), 20)
        finally:
            alertmanager.close()
    finally:
        outside.close()
    return {
        name: _comparable(place, place.seen[: ways[name].first], key.public_key())
        for name, place in places.items()
    }


def _file(places: Mapping[str, Outside], folder: Path) -> str:
    routes, receivers = [], []
    for name, place in places.items():
        for number, url in enumerate(WAYS[name].urls):
            who = f"{name} {WAYS[name].urls.index(url)}"
            routes.append(f"{{receiver: '{who}', matchers: ['way=\"{name}\"', 'n=\"{number}\"']}}")
        receivers += [
            f"- name: '{name} {number}'\n  webhook_configs: [{{url: '{place.address(url)}', "
            f"http_config: {{{place.address(WAYS[name].config).replace('{folder}', str(folder))}}}}}]"
            for number, url in enumerate(dict.fromkeys(WAYS[name].urls))
        ]
    routes_text = ", ".join(routes)
    return (
        f"route: {{receiver: rest, group_by: [way, n], group_wait: 0s, routes: [{routes_text}]}}\n"
        "receivers:\n- name: rest\n" + "\n".join(receivers)
    )


def _comparable(place: Outside, seen: list[dict[str, Any]], key: rsa.RSAPublicKey) -> list[dict[str, Any]]:
    """Without what is different in each run, in an order that does not depend on chance."""
    for event in seen:
        if "headers" in event:
            fields = [one for one in event["headers"] if one[0] not in NO_MATTER]
            fields = [one for one in fields if one[0] != "content-length" or "body" in event]
            if event["request"].startswith("CONNECT"):
                # Each library names itself to a proxy, and Host says nothing that the first line does not.
                fields = [one for one in fields if one[0] not in ("host", "user-agent")]
            event["headers"] = [[name, _VERSION.sub("Alertmanager/VERSION", value)] for name, value in fields]
        if "assertion=" in event.get("body", ""):
            fields = dict(parse_qsl(event["body"]))
            claims = _claims(fields["assertion"], key)
            event["body"] = {**fields, "assertion": json.loads(place.named(json.dumps(claims)))}
            event["headers"] = [one for one in event["headers"] if one[0] != "content-length"]
    return sorted(seen, key=lambda event: json.dumps(event, sort_keys=True))


def _claims(assertion: str, key: rsa.RSAPublicKey) -> dict[str, Any]:
    """What a signed assertion says, times and its unique number apart; the signature must be right."""
    head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in assertion.split("."))
    said = {"head": json.loads(head), "claims": json.loads(claims)}
    algorithm = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}[
        said["head"]["alg"]
    ]
    key.verify(signature, assertion.rpartition(".")[0].encode(), padding.PKCS1v15(), algorithm)
    assert said["claims"]["exp"] - said["claims"]["iat"] == 600
    assert len(said["claims"].pop("jti")) == 36
    del said["claims"]["exp"], said["claims"]["iat"]
    return said


def known() -> Seen:
    """The recorded facts."""
    return dict(json.loads(FACTS.read_text()))


def main(path: str) -> None:
    """Record what a program does."""

    class Program(ReferenceAlertmanager):
        def command(self) -> list[str]:
            return [path]

    with tempfile.TemporaryDirectory() as folder:
        FACTS.write_text(
            json.dumps(run(Program, Path(folder)), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        )


if __name__ == "__main__":
    main(sys.argv[1])
