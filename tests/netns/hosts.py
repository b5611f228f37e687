"""Hosts made of network namespaces, each with one interface whose other end is in our hands."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_CLONE_NEWNET = 0x40000000
_NAMESPACES = Path("/var/run/netns")
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """Why no hosts can be made here, or None."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    if shutil.which("ip") is None:
        return "needs the ip command (Debian package iproute2)"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    name = f"amfast-try-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return "this machine does not allow network namespaces"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return None


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """One namespace; ``number`` (1 to 254) is in its address and its MAC."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ip = f"198.18.77.{number}"
        self.mac = bytes([2, 0, 0, 0, 0, number])
        self.namespace = f"amfast-{os.getpid()}-{number}"
        self._device = f"am{os.getpid() % 100_000}-{number}"
        self.tap = self._open_tap()
        _ip("netns", "add", self.namespace)
        _ip("link", "set", self._device, "netns", self.namespace)
        self._inside("link", "set", "lo", "up")
        self._inside("link", "set", self._device, "address", self.mac.hex(":"))
        self._inside("addr", "add", f"{self.ip}/24", "dev", self._device)
        self.plug()

    @property
    def prefix(self) -> Sequence[str]:
        """What stands before a command that is to run on this host."""
        return "ip", "netns", "exec", self.namespace

    def plug(self) -> None:
        self._inside("link", "set", self._device, "up")

    def unplug(self) -> None:
        """Take the interface down, as when the cable is pulled."""
        self._inside("link", "set", self._device, "down")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and threads it starts meanwhile, are on the host: their sockets belong to it."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            (_NAMESPACES / self.namespace).open("rb") as there,
        ):
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def remove(self) -> None:
        """Nothing of the host stays; its processes must have ended."""
        os.close(self.tap)
        _ip("netns", "delete", self.namespace)

    def _open_tap(self) -> int:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", self._device.encode(), _IFF_TAP | _IFF_NO_PI))
        return tap

    def _inside(self, *words: str) -> None:
        _ip("-netns", self.namespace, *words)


def _set_namespace(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns failed")
