"""Which ports are free, and which process holds one that is not."""

import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path

_LISTENING = "0A"


def taken(ports: Iterable[tuple[str, int]]) -> list[str]:
    """One line for each of the (``tcp`` or ``udp``, port) pairs that cannot be had on 127.0.0.1."""
    return [
        f"{kind.upper()} port {port} is taken by {_owner(kind, port)}"
        for kind, port in ports
        if not _is_free(kind, port)
    ]


def _is_free(kind: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as probe:
        if kind == "tcp":  # as servers do, so that connections that are closing do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _owner(kind: str, port: int) -> str:
    """``name (PID n), free it with: kill n``, as far as the kernel tells us."""
    inodes = _inodes(kind, port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if str(descriptor.readlink()) in inodes:
                    name = (process / "comm").read_text().strip()
                    return f"{name} (PID {process.name}), free it with: kill {process.name}"
    return f"a process of another user; find it with: sudo ss -lpn 'sport = :{port}'"


def _inodes(kind: str, port: int) -> set[str]:
    """The sockets bound to the port, as the links in /proc name them."""
    found = set()
    for table in (kind, kind + "6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                columns = line.split()
                bound = int(columns[1].rpartition(":")[2], 16) == port
                if bound and (kind == "udp" or columns[3] == _LISTENING):
                    found.add(f"socket:[{columns[9]}]")
    return found
