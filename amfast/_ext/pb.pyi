"""Protobuf codec of silences, log entries, cluster parts and gossip frames (reference storage, section 3).

Every decoder is all or nothing and raises ValueError; times are nanoseconds since the Unix epoch, a missing one
is 0. Records are delimited: a varint length, then the message.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, type_check_only

class SilenceFields(NamedTuple):
    id: str
    matcher_sets: tuple[tuple[tuple[int, str, str], ...], ...]
    starts_at_ns: int
    ends_at_ns: int
    updated_at_ns: int
    created_by: str
    comment: str
    annotations: dict[str, str]
    unknown: bytes
    expires_at_ns: int

class EntryFields(NamedTuple):
    group_key: bytes
    receiver: str
    integration: str
    idx: int
    timestamp_ns: int
    firing: tuple[int, ...]
    resolved: tuple[int, ...]
    receiver_data: bytes
    """The receiver's own data as encoded fields, written again as it came."""
    unknown: bytes
    expires_at_ns: int
    envelope: bytes = b""
    """What stands beside the entry and its expiry, written again as it came."""

@type_check_only
class SilenceLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def matcher_sets(self) -> tuple[tuple[tuple[int, str, str], ...], ...]: ...
    @property
    def starts_at_ns(self) -> int: ...
    @property
    def ends_at_ns(self) -> int: ...
    @property
    def updated_at_ns(self) -> int: ...
    @property
    def created_by(self) -> str: ...
    @property
    def comment(self) -> str: ...
    @property
    def annotations(self) -> Mapping[str, str]: ...
    @property
    def unknown(self) -> bytes: ...

@type_check_only
class EntryLike(Protocol):
    @property
    def group_key(self) -> bytes: ...
    @property
    def receiver(self) -> str: ...
    @property
    def integration(self) -> str: ...
    @property
    def idx(self) -> int: ...
    @property
    def timestamp_ns(self) -> int: ...
    @property
    def firing(self) -> Sequence[int]: ...
    @property
    def resolved(self) -> Sequence[int]: ...
    @property
    def receiver_data(self) -> bytes: ...
    @property
    def unknown(self) -> bytes: ...
    @property
    def envelope(self) -> bytes: ...

def decode_silences(data: bytes) -> list[SilenceFields]:
    """All MeshSilence records.

    Old forms are brought to the new one: a lone matcher list becomes the one set, the first old comment gives
    author and comment.
    """

def encode_silence(silence: SilenceLike, expires_at_ns: int) -> bytes:
    """One delimited MeshSilence; the first set is written in the old place as well."""

def decode_entries(data: bytes) -> list[EntryFields]:
    """All MeshEntry records."""

def encode_entry(entry: EntryLike, expires_at_ns: int) -> bytes:
    """One delimited MeshEntry."""

def decode_part(data: bytes) -> tuple[str, bytes]:
    """A Part: (key, data)."""

def encode_part(key: str, data: bytes) -> bytes: ...
def decode_full_state(data: bytes) -> list[tuple[str, bytes]]:
    """A FullState: its parts in order."""

def encode_full_state(parts: Sequence[tuple[str, bytes]]) -> bytes: ...
def decode_gossip_frame(data: bytes) -> tuple[str, int, str, bytes]:
    """A MemberlistMessage: (version, kind, from_addr, msg), see reference gossip, section 16.1."""

def encode_gossip_frame(version: str, kind: int, from_addr: str, msg: bytes) -> bytes:
    """A MemberlistMessage, without the length before it."""
