"""TLS towards the servers of receivers, as ``tls_config`` says."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from amfast.config.kinds import Secret
from amfast.config.tls import TlsConfig
from amfast.receivers.errors import HttpError

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

Stamp = tuple[tuple[int, int] | None, ...]
"""When each file was written, and its size."""


class Contexts:
    """One context for each ``tls_config``, made anew when one of its files has changed."""

    def __init__(self) -> None:
        self._known: dict[TlsConfig, tuple[Stamp, ssl.SSLContext]] = {}

    def get(self, config: TlsConfig) -> ssl.SSLContext:
        """Raises HttpError: a file that cannot be read or used."""
        stamp = tuple(_stamp(name) for name in (config.ca_file, config.cert_file, config.key_file))
        found = self._known.get(config)
        if found is None or found[0] != stamp:
            found = stamp, make_context(config)
            self._known[config] = found
        return found[1]


def _stamp(name: str) -> tuple[int, int] | None:
    try:
        found = Path(name).stat() if name else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)


def _problem(config: TlsConfig) -> str | None:
    """Why TLS can never be spoken so, whatever the files hold."""
    for name in ("ca_ref", "cert_ref", "key_ref"):
        if getattr(config, name):
            return f"{name} names something in a secret manager, and there is none"
    if config.max_version and config.max_version < config.min_version:
        return "max_version is below min_version"
    return None


def make_context(config: TlsConfig) -> ssl.SSLContext:
    """What ``ssl`` needs to speak TLS so. Raises HttpError."""
    if problem := _problem(config):
        raise HttpError(f"tls_config: {problem}")
    context = ssl.create_default_context()
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.min_version:
        context.minimum_version = _VERSIONS[config.min_version]
    if config.max_version:
        context.maximum_version = _VERSIONS[config.max_version]
    if config.ca or config.ca_file:
        with _naming("ca", config.ca_file):
            context = _trusting(context, config)
    if config.cert or config.cert_file:
        for key, name in ("cert_file", config.cert_file), ("key_file", config.key_file):
            with _naming(key, name):  # the next step cannot say which of the two it was
                Path(name).open("rb").close() if name else None
        with _naming("cert and key", " and ".join(filter(None, (config.cert_file, config.key_file)))):
            _load_pair(context, config)
    return context


@contextlib.contextmanager
def _naming(what: str, file: str) -> Iterator[None]:
    """Whatever goes wrong with a part of tls_config becomes an HttpError that says with which."""
    try:
        yield
    except ssl.SSLError as error:
        raise HttpError(f"tls_config: {file or what} cannot be used ({error.reason or error})") from None
    except OSError as error:
        raise HttpError(
            f"tls_config: cannot read {file or what}: {error.strerror or type(error).__name__}"
        ) from None


def _trusting(usual: ssl.SSLContext, config: TlsConfig) -> ssl.SSLContext:
    """The same with the authorities of the configuration instead of the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = usual.check_hostname
    context.verify_mode = usual.verify_mode
    context.minimum_version, context.maximum_version = usual.minimum_version, usual.maximum_version
    text = config.ca or Path(config.ca_file).read_text(encoding="ascii", errors="replace")
    context.load_verify_locations(cadata=text)
    return context


def _load_pair(context: ssl.SSLContext, config: TlsConfig) -> None:
    """``ssl`` takes file names only, so that inline texts go through a file that nobody else can read."""
    with tempfile.TemporaryDirectory() as folder:
        cert = config.cert_file or _written(Path(folder) / "cert", config.cert)
        key = config.key_file or _written(Path(folder) / "key", config.key)
        context.load_cert_chain(cert, key)


def _written(path: Path, text: str | Secret | None) -> str:
    path.write_text(text.reveal() if isinstance(text, Secret) else text or "")
    return str(path)
