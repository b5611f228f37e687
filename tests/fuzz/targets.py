"""One function per reader: it takes any bytes, and raises only when a promise is broken."""

from __future__ import annotations

import contextlib
import json

from amfast._ext import pb
from amfast._ext.grouping import Members, Places
from amfast._ext.intake import BodyEmpty, BodyError, BodyInvalid, Intake
from amfast._ext.listing import Listing
from amfast._ext.lzw import compress, decompress
from amfast._ext.saved import dump, restore
from amfast._ext.silence_records import scan_with_needs
from amfast._ext.snapshot import Snapshot, Told
from amfast._ext.swim import LEFT, Core, RemoteError, StreamMessage, StreamReader
from amfast._ext.table import Table
from amfast.model.alert import make_alert
from amfast.storage.salvage import salvage
from amfast.web.connection import Connection
from amfast.web.message import Request, Response
from amfast.web.shared import Shared
from tests.support.web import LOG, FakeClock, FakeTransport, feed

PACKET_BYTES_MAX = 65_536
DATAGRAM_BYTES_MAX = 1_500
IP = bytes([127, 0, 0, 1])
PORT = 9094


def new_core() -> Core:
    return Core(name="me", ip=IP, port=PORT, seed=1)


def _whole(core: Core) -> None:
    """Whatever came in: the node is there, and what it says fits the network and can be read back."""
    core.run(1_000_000)
    core.next_deadline_us()
    assert any(member.name == "me" and member.state != LEFT for member in core.members())
    core.events()
    core.dials()
    for packet, ip, port in core.packets():
        assert 0 < len(packet) <= DATAGRAM_BYTES_MAX
        assert len(ip) in (4, 16)
        assert 0 < port < PACKET_BYTES_MAX


def packet(data: bytes) -> None:
    """A datagram, to a node that has just started."""
    core = new_core()
    core.start(0)
    core.receive(500, data, IP, 1234)
    _whole(core)
    dropped = core.counters()["packets_dropped"]
    core.receive(1_000_100, b"\x00\x80", IP, 1234)
    assert core.packets(), "a ping is answered afterwards"
    assert core.counters()["packets_dropped"] == dropped


def stream(data: bytes) -> None:
    """A stream in pieces; the first byte says how long they are."""
    if not data:
        return
    size, rest = max(data[0], 1), data[1:]
    reader = StreamReader(b"")
    message: StreamMessage | None = None
    core = new_core()
    core.start(0)
    try:
        for start in range(0, len(rest), size):
            message = reader.feed(rest[start : start + size])
            if message is not None:
                break
        if message is not None and message.kind == "push_pull":
            core.merge(500, message)
    except RemoteError:
        pass
    _whole(core)


def lzw(data: bytes) -> None:
    """Decompression of anything within its bound, and back again of what was compressed."""
    with contextlib.suppress(RemoteError):
        assert len(decompress(data, PACKET_BYTES_MAX)) <= PACKET_BYTES_MAX
    assert decompress(compress(data), len(data)) == data


def records(data: bytes) -> None:
    """Files and user states: refused, or read into what is written and read the same again."""
    for decode, encode in ((pb.decode_silences, pb.encode_silence), (pb.decode_entries, pb.encode_entry)):
        try:
            found = decode(data)
        except ValueError:
            continue
        again = b"".join(encode(one, one.expires_at_ns) for one in found)  # type: ignore[arg-type]
        assert decode(again) == found
    _scanned(data)
    for decode_parts in (pb.decode_part, pb.decode_full_state):
        try:
            decode_parts(data)
        except ValueError:
            continue


def _scanned(data: bytes) -> None:
    """A scan refuses what decoding refuses, and what it keeps means the same."""
    try:
        found = pb.decode_silences(data)
    except ValueError:
        found = None
    try:
        scanned, owners, needs = scan_with_needs(data, _alternatives)
    except ValueError:
        assert found is None
        return
    assert [pb.decode_silences(one.data) for one in scanned] == [[one] for one in found or ()]
    again = [(one.id, some) for one in scanned for some in one.needs(_alternatives)]
    assert again == list(zip(owners, needs, strict=True))


def _alternatives(pattern: str) -> list[str]:
    return pattern.split("|")


def damaged(data: bytes) -> None:
    """A damaged file: whatever is kept is a record, and nothing counts twice."""
    kept: list[bytes] = []

    def take(record: bytes) -> None:
        pb.decode_entries(record)
        kept.append(record)

    def is_certain(record: bytes) -> bool:
        try:
            (entry,) = pb.decode_entries(record)
        except ValueError:
            return False
        return entry.timestamp_ns > 0

    found = salvage(data, take, is_certain)
    assert found.records == len(kept)
    assert sum(map(len, kept)) + found.lost_bytes == len(data)
    assert (found.first_at < 0) == (found.lost_bytes == 0)


def saved(data: bytes) -> None:
    """Rows of a file of alerts, beside those that are there; they come and go as any."""
    table = Table(7)
    Intake(table, classic_names=False, is_uri=bool).post(KNOWN, NOW_NS, 0, 300 * SECOND_NS)
    before = len(table)
    with contextlib.suppress(ValueError):
        restore(table, data, NOW_NS - SECOND_NS, NOW_NS, 300 * SECOND_NS)
    assert len(table) >= before
    fields = [stored.fields() for stored in table]
    _, again = dump(table, NOW_NS - SECOND_NS, 0, 1 << 20)
    other = Table(8)
    restore(other, again, NOW_NS - SECOND_NS, NOW_NS, 0)
    held = [one for one in fields if one[3][0] > NOW_NS - SECOND_NS]
    assert len(other) == len(held)
    for one in (table, other):
        one.collect(NOW_NS * 5, 0, 1 << 20)
        one.sweep(0, 1 << 20)


def http(data: bytes) -> None:
    """Requests in pieces: the connection that has their heads from the one before hears the same as that.

    The first byte says how long the pieces are.
    """
    if not data:
        return
    size, rest = max(data[0], 1), data[1:]
    heard: list[tuple[str, bytes]] = []

    def answer(request: Request) -> Response:
        heard.append((request.method, bytes(request.body)))
        return Response(200)

    shared = Shared(answer, FakeClock(), LOG)
    outcomes = []
    for _ in range(2):
        heard.clear()
        connection, transport = Connection(shared), FakeTransport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        for start in range(0, len(rest), size):
            feed(connection, rest[start : start + size])
        connection.connection_lost(None)
        outcomes.append((list(heard), transport.written))
    assert outcomes[0] == outcomes[1]
    assert (shared.bodies_bytes, shared.pads_lent) == (0, 0)


SECOND_NS = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND_NS
KNOWN = (
    b'[{"labels":{"a":"1","job":"x"},"annotations":{"s":"<y>"},"startsAt":"2027-01-01T00:00:00Z","generatorURL":"http://h/"}'
    b',{"labels":{"a":"2"},"endsAt":"2027-01-15T09:00:00Z"},{"endsAt":"2027-01-15T09:00:00.5+01:00","labels":{"a":"3"}}]'
)


class Unmuted:
    """Nothing is silenced or inhibited."""

    silences_version = rules_version = 1
    silences_everywhere = rules_everywhere = False

    def matching(self, _labels: dict[str, str], _fingerprint: int) -> tuple[str, ...]:
        return ()

    active = inhibiting = lambda *_what: ()

    def status_json(self, *_what: object) -> bytes:
        return b"{}"

    def receivers_json(self, _names: object) -> bytes:
        return b"[]"


def alerts(data: bytes) -> None:
    """A body, to a table that knows some alerts already; twice, the second time when what it knew has ended."""
    table = Table(7)
    places = Places(table)
    places.begin(["a"])
    group = Members(places, "r", lambda: b'"labels":{}}')
    intake = Intake(table, classic_names=False, is_uri=lambda url: "x" not in url)

    def post(body: bytes, now_ns: int) -> None:
        intake.post(body, now_ns, 0, 300 * SECOND_NS)
        for stored in places.take_unplaced():
            places.put(stored, (group,), b"[]", ("r",))

    post(KNOWN, NOW_NS)
    for now_ns in (NOW_NS, NOW_NS + 1, NOW_NS + 7200 * SECOND_NS):
        with contextlib.suppress(BodyEmpty, BodyError, BodyInvalid):
            post(data, now_ns)
        _listed(places, group, now_ns)
        table.collect(now_ns, 0, 1 << 20)
        table.sweep(0, 1 << 20)
        assert len(table) == len(list(table)) == table.stored
        post(KNOWN, now_ns)
        assert {stored.labels["a"] for stored in table if stored.labels.get("a") in ("1", "2", "3")} == {
            "1",
            "2",
            "3",
        }
        _told(group, table, now_ns)
        post(KNOWN, now_ns)
    assert group.close()
    _refused(data)


def _told(group: Members, table: Table, now_ns: int) -> None:
    """What is told is JSON, and stays what it was when the alerts have gone."""
    while not group.sort(3):
        pass
    snapshot = Snapshot(group, now_ns, make_alert)
    while not snapshot.look(2, closely=True):
        pass
    told = snapshot.told()
    pieces = _written(told)
    snapshot.forget_ended()
    table.collect(now_ns * 2, 0, 1 << 20)
    table.sweep(0, 1 << 20)
    assert _written(told) == pieces
    assert [_written(some) for some in (told.still_firing(), told.ended(), told.first(1))]
    assert len(told.firing) + len(told.resolved) == len(told.hashes) == len(list(told))


def _written(told: Told) -> list[object]:
    written = told.json()
    while not written.go_on(100):
        pass
    alerts = json.loads(b"[" + written.alerts + b"]")
    assert len(alerts) == len(told)
    return [alerts, json.loads(written.common_labels), json.loads(written.common_annotations)]


def _refused(data: bytes) -> None:
    """A body to a table that has room for none of it, and whose rows are about to go."""
    table = Table(7)
    intake = Intake(table, classic_names=False, is_uri=bool)
    intake.post(KNOWN, NOW_NS, 0, 300 * SECOND_NS)
    table.collect(NOW_NS * 2, 0, 1 << 20)
    table.make_room = lambda _new: False
    with contextlib.suppress(BodyEmpty, BodyError, BodyInvalid):
        intake.post(data, NOW_NS, 0, 300 * SECOND_NS)
    table.sweep(0, 1 << 20)
    assert len(table) == len(table.pool) == 0


def _listed(places: Places, group: Members, now_ns: int) -> None:
    for name in ("alerts", "in_groups"):
        listing = Listing(
            places,
            Unmuted(),
            [],
            active=True,
            silenced=True,
            inhibited=True,
            takes_receivers=None,
            now_ns=now_ns,
        )
        listing.set_groups([group])
        text = b""
        while not listing.is_done:
            text += getattr(listing, name)()
        assert isinstance(json.loads(text), list)


TARGETS = {
    "packet": packet,
    "stream": stream,
    "lzw": lzw,
    "records": records,
    "damaged": damaged,
    "saved": saved,
    "http": http,
    "alerts": alerts,
}
