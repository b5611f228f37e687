"""Addresses, names and the choice of what to advertise."""

import asyncio
import random
import socket

import pytest

from amfast.cluster.address import format_address, parse_ip, split_host_port
from amfast.cluster.advertise import InterfaceAddress, advertise_ip
from amfast.cluster.interfaces import interface_addresses
from amfast.cluster.resolve import has_nonlocal, resolve_peers, system_lookup
from amfast.cluster.ulid import new_ulid
from amfast.model.errors import AmfastError

ANY = bytes(4)


def ip(text):
    parsed = parse_ip(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a.example:9094", "a.example", 9094),
        (":9094", "", 9094),
        ("[::1]:65535", "::1", 65535),
        ("[fe80::1%eth0]:0", "fe80::1%eth0", 0),
    ],
)
def test_host_and_port_are_told_apart(text, host, port):
    assert split_host_port(text, "peer") == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:", "a:b", "a:65536", "a:-1", "::1:9094", "[::1]", "[::1]9094", "[[::1]]:1", "a:\u0661"],
)
def test_a_malformed_address_is_one_clear_error(text):
    with pytest.raises(AmfastError, match=r"^peer '.*'[: ]"):
        split_host_port(text, "peer")


def test_addresses_are_kept_in_their_shortest_form():
    assert parse_ip("::ffff:10.1.2.3") == bytes((10, 1, 2, 3))
    assert format_address(bytes(10) + b"\xff\xff\x0a\x01\x02\x03", 1) == "10.1.2.3:1"
    assert format_address(ip("2001:db8:0::1"), 9094) == "[2001:db8::1]:9094"
    assert parse_ip("example") is None
    assert parse_ip("1.2.3.4\0") is None


def test_a_ulid_carries_its_time_in_front():
    first = new_ulid(1469918176385, random.Random(1))
    assert first.startswith("01ARYZ6S41")
    assert len(first) == 26
    assert set(first) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert new_ulid(1469918176385, random.Random(2)) != first
    assert new_ulid(2**48 - 1, random.Random(1)).startswith("7ZZZZZZZZZ")


def interface(text, bits=24, *, default=False):
    return InterfaceAddress(ip(text), bits, default)


@pytest.mark.parametrize(
    ("found", "allow_public", "expected"),
    [
        (["127.0.0.1", "8.8.8.8", "10.0.0.5"], False, "10.0.0.5"),
        (["fd00::2", "192.168.1.1"], False, "192.168.1.1"),
        (["169.254.1.1", "fe80::1", "fd00::2"], False, "fd00::2"),
        (["8.8.8.8", "172.16.0.1"], True, "172.16.0.1"),
        (["8.8.8.8"], True, "8.8.8.8"),
    ],
)
def test_a_private_address_is_found_before_a_public_one(found, allow_public, expected):
    def interfaces():
        return [interface(text) for text in found]

    assert advertise_ip(ANY, "", interfaces, allow_public=allow_public) == ip(expected)
    assert advertise_ip(bytes(16), "", interfaces, allow_public=allow_public) == ip(expected)


def test_the_default_route_comes_first_then_ipv4_then_the_larger_network():
    small, large = interface("10.0.0.1", 24), interface("10.9.0.1", 8)
    routed = interface("fd00::2", 64, default=True)
    assert advertise_ip(ANY, "", lambda: [small, large], allow_public=False) == large.ip
    assert advertise_ip(ANY, "", lambda: [small, large, routed], allow_public=False) == routed.ip


def test_a_given_or_a_concrete_listen_address_is_advertised_as_it_is():
    assert advertise_ip(ANY, "8.8.8.8", list, allow_public=False) == ip("8.8.8.8")
    assert advertise_ip(ip("127.0.0.1"), "", list, allow_public=False) == ip("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "found", "message"),
    [
        ("node.example", [], "'node.example' is not an IP address"),
        (
            "",
            ["8.8.8.8"],
            "private IP address to advertise: set --cluster.advertise-address, or --cluster.listen-",
        ),
        ("", ["127.0.0.1", "192.0.2.1"], "private IP address to advertise"),
    ],
)
def test_nothing_fitting_to_advertise_is_an_error(host, found, message):
    with pytest.raises(AmfastError, match=message):
        advertise_ip(ANY, host, lambda: [interface(text) for text in found], allow_public=False)


def test_the_kernel_lists_the_loopback_interface():
    assert InterfaceAddress(b"\x7f\0\0\x01", 8, on_default_route=False) in interface_addresses()


async def lookup_example(host):
    if host == "many.example":
        return [ip("10.0.0.1"), ip("2001:db8::1")]
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_peers_resolve_to_all_their_addresses_and_unknown_names_stay():
    peers = ("many.example:1", "unknown.example:2", "[::ffff:10.0.0.9]:3")
    resolved = asyncio.run(resolve_peers(peers, lookup_example, 1.0))
    assert resolved == ["10.0.0.1:1", "[2001:db8::1]:1", "unknown.example:2", "10.0.0.9:3"]


def test_a_lookup_that_hangs_counts_as_unknown():
    async def hang(_host):
        await asyncio.sleep(60)
        return []

    assert asyncio.run(resolve_peers(("slow.example:1",), hang, 0.01)) == ["slow.example:1"]


def test_a_peer_without_port_is_an_error():
    with pytest.raises(AmfastError, match=r"'many\.example' is not host:port"):
        asyncio.run(resolve_peers(("many.example",), lookup_example, 1.0))


def test_the_systems_resolver_knows_localhost_and_refuses_odd_names():
    assert b"\x7f\0\0\x01" in asyncio.run(system_lookup("localhost"))
    for odd in ("a" * 300, "", "..", "a\0b"):
        with pytest.raises(OSError):
            asyncio.run(system_lookup(odd))


@pytest.mark.parametrize(
    ("peers", "nonlocal_"),
    [
        ([], False),
        (["127.0.0.2:1", "[::1]:1", "LocalHost:1"], False),
        (["127.0.0.1:1", "10.0.0.1:1"], True),
        (["name.example:1"], True),
    ],
)
def test_peers_elsewhere_are_noticed(peers, nonlocal_):
    assert has_nonlocal(peers) is nonlocal_
