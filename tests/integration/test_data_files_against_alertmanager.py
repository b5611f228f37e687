"""A data folder that goes from Alertmanager to amfast and back, with all that older and newer versions wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amfast.storage.salvage import record_end
from tests.support.reference import OurAlertmanager, ReferenceAlertmanager
from tests.unit.test_pb import OFFICIAL, delimited, undelimited

CONFIG = "route: {receiver: d}\nreceivers: [{name: d}]\n"
NOW_S = int(time.time())
FUTURE = b"\x9a\x06\x06future"  # field 99, as a later version might have it
RECEIVER_SETS = b"\x62\x0b\x0a\x09\x12\x04team\x1a\x01x"  # field 12 of a silence


def silence(silence_id: str, **fields: Any) -> Any:
    """An active silence by the official library, with the matcher where old versions have it."""
    mesh = OFFICIAL["MeshSilence"]()
    mesh.expires_at.seconds = NOW_S + 90_000
    body = mesh.silence
    body.id = f"00000000-0000-4000-8000-{silence_id:0>12}"
    body.matchers.add(name="case", pattern=silence_id)
    body.starts_at.seconds, body.starts_at.nanos = NOW_S - 60, 123_456_789
    body.ends_at.seconds = NOW_S + 3600
    body.updated_at.seconds, body.updated_at.nanos = NOW_S - 60, 987_654_321
    for name, value in fields.items():
        setattr(body, name, value)
    return mesh


def old_and_new_silences() -> dict[str, bytes]:
    """Each encoded, with what no version of this library knows behind it."""
    plain = silence("1", created_by="me", comment="why")
    commented = silence("2")
    commented.silence.comments.add(author="first", comment="said", timestamp=commented.silence.starts_at)
    commented.silence.comments.add(author="second", comment="said too")
    every_type = silence("3", created_by="ü", comment="\u2028")
    for kind, pattern in ((1, "a|b.*"), (2, "not"), (3, "nor.+")):
        every_type.silence.matchers.add(type=kind, name="job", pattern=pattern)
    newer = silence("4", created_by="me", comment="newer")
    newer.silence.matcher_sets.add().matchers.extend(newer.silence.matchers)
    newer.silence.annotations.add(key="ticket", value="17")
    newer.silence.ParseFromString(newer.silence.SerializeToString() + RECEIVER_SETS + FUTURE)
    several = silence("5", created_by="me", comment="several sets")
    several.silence.matcher_sets.add().matchers.extend(several.silence.matchers)
    several.silence.matcher_sets.add().matchers.add(name="other", pattern="set")
    bad_regex = silence("6", created_by="me", comment="no such expression")
    bad_regex.silence.matchers.add(type=1, name="job", pattern="a(")
    found = {
        mesh.silence.id: mesh.SerializeToString()
        for mesh in (plain, commented, every_type, newer, several, bad_regex)
    }
    found[plain.silence.id] += FUTURE
    return found


def old_and_new_entries() -> dict[str, bytes]:
    found = {}
    for number, extra in enumerate(
        (b"", b"\x1a\x04hash\x20\x01", b"\x42\x0b\x0a\x02ts\x12\x05\x0a\x0312x", FUTURE)
    ):
        mesh = OFFICIAL["MeshEntry"]()
        mesh.expires_at.seconds = NOW_S + 90_000
        entry = mesh.entry
        entry.group_key = b"{}:{n=%d}" % number
        entry.receiver.group_name, entry.receiver.integration, entry.receiver.idx = "d", "webhook", number
        entry.timestamp.seconds, entry.timestamp.nanos = NOW_S - 60, 5
        entry.firing_alerts.extend([1, 2**64 - 1])
        entry.resolved_alerts.extend([7] * number)
        entry.ParseFromString(entry.SerializeToString() + extra)
        found[entry.group_key.decode()] = mesh.SerializeToString() + FUTURE
    return found


def records(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        end = record_end(data, at)
        assert end is not None
        yield undelimited(data[at:end])
        at = end


def silences_in(folder: Path) -> dict[str, Any]:
    """By id, what the official library makes of the file; the old copy of the matchers is the only set if need be."""
    found = {}
    for record in records(folder / "data" / "silences"):
        mesh = OFFICIAL["MeshSilence"].FromString(record)
        if not mesh.silence.matcher_sets:
            mesh.silence.matcher_sets.add().matchers.extend(mesh.silence.matchers)
        found[mesh.silence.id] = mesh
    return found


def entries_in(folder: Path) -> dict[bytes, Any]:
    found = (OFFICIAL["MeshEntry"].FromString(record) for record in records(folder / "data" / "nflog"))
    return {mesh.entry.group_key: mesh for mesh in found}


def listed(program: ReferenceAlertmanager) -> dict[str, dict[str, Any]]:
    """The silences that both versions of the API can show."""
    several = "00000000-0000-4000-8000-000000000005"
    shown = {}
    for number in range(1, 7):
        silence_id = f"00000000-0000-4000-8000-{number:0>12}"
        if silence_id != several:
            one = json.loads(program._request(f"/api/v2/silence/{silence_id}"))
            one.pop("annotations", None)  # 0.25 does not know them
            shown[silence_id] = one
    return shown


@pytest.mark.parametrize("first", [ReferenceAlertmanager, OurAlertmanager])
def test_nothing_is_lost_on_the_way_from_one_program_to_the_other_and_back(
    tmp_path: Path, first: type[ReferenceAlertmanager]
) -> None:
    ReferenceAlertmanager.command(first.__new__(ReferenceAlertmanager))  # skips here
    second = OurAlertmanager if first is ReferenceAlertmanager else ReferenceAlertmanager
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "silences").write_bytes(b"".join(map(delimited, old_and_new_silences().values())))
    (tmp_path / "data" / "nflog").write_bytes(b"".join(map(delimited, old_and_new_entries().values())))
    lists, silences, entries = [], [], []
    for program in (first, second, first, second):
        running = program(tmp_path, CONFIG)
        try:
            lists.append(listed(running))
        finally:
            running.close()
        silences.append(silences_in(tmp_path))
        entries.append(entries_in(tmp_path))
    assert lists[0] == lists[1] == lists[2] == lists[3]
    assert lists[0]["00000000-0000-4000-8000-000000000002"]["createdBy"] == "first"
    assert silences[0] == silences[1] == silences[2] == silences[3]
    assert entries[0] == entries[1] == entries[2] == entries[3]
    assert len(silences[0]) == 6
    newer = silences[3]["00000000-0000-4000-8000-000000000004"].SerializeToString()
    assert FUTURE in newer
    assert RECEIVER_SETS in newer
    assert entries[3] == {
        mesh.entry.group_key: mesh
        for mesh in map(OFFICIAL["MeshEntry"].FromString, old_and_new_entries().values())
    }
