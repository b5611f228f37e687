"""The file of ``--cluster.tls-config``: how gossip is protected.

See reference flags, sections 6 and 7; reference config, section 10; reference gossip, section 16.
What Python's ``ssl`` cannot do is refused here, with its place, rather than passed over.
"""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from amfast.config.files import read_bytes
from amfast.config.holders import TEXTS_OR_UNSET, BlockOf, ListOf
from amfast.config.kinds import BOOL, TEXT, Secret
from amfast.config.load import document, lines_of
from amfast.config.schema import Block, Kind, Place, Walk, is_null, key, read_block
from amfast.model.errors import ConfigError
from amfast.model.matcher import MatcherMode

T = TypeVar("T")

_PEM_BYTES_MAX: Final = 1 << 20
_FILE: Final = "file"


@dataclass(frozen=True, slots=True)
class Pem:
    """Certificates or a key: in the configuration itself (``text``) or in a file of their own (``path``)."""

    where: str
    """File, line, column and key, as errors begin."""
    path: Path | None = None
    text: Secret | None = None

    def read(self) -> bytes:
        """The PEM text as it is now. Raises ConfigError."""
        if self.path is None:
            return self.text.reveal().encode() if self.text is not None else b""
        try:
            with self.path.open("rb") as file:
                data = file.read(_PEM_BYTES_MAX + 1)
        except OSError as error:
            raise ConfigError(f"{self.where}: cannot read {self.path}: {error.strerror or error}") from None
        if len(data) > _PEM_BYTES_MAX:
            raise ConfigError(f"{self.where}: {self.path} is larger than {_PEM_BYTES_MAX >> 20} MiB")
        return data


Pair = tuple[Pem, Pem]
"""A certificate, with those that lead from it to an authority, and its key."""


class _Pem(Kind["Pem | None"]):
    """PEM text, or the name of a file with it; empty is the same as not there."""

    def __init__(self, *, in_file: bool) -> None:
        super().__init__(None)
        self._in_file = in_file

    def read(self, place: Place) -> Pem | None:
        text = TEXT.read(place)
        if not text:
            return None
        file: Path = place.walk.found[_FILE]
        where = f"{file.name}:{place.node.line}:{place.node.column}: {place.path}"
        if not self._in_file:
            return Pem(where, text=Secret(text))
        if "\0" in text:
            place.refuse("a file name cannot hold a NUL character")
        return Pem(where, path=file.parent / text)


class _Word(Kind[T]):
    """One of some words; ``refused`` are those of Alertmanager that are not possible here, with the reason."""

    null_is_absent = True

    def __init__(self, what: str, words: Mapping[str, T], zero: T, refused: Mapping[str, str]) -> None:
        super().__init__(zero)
        self._what = what
        self._words = words
        self._refused = refused

    def read(self, place: Place) -> T:
        text = TEXT.read(place)
        if text in self._words:
            return self._words[text]
        if text in self._refused:
            place.refuse(f"{text} {self._refused[text]}")
        elif text:
            place.refuse(f"unknown {self._what} {text!r}, known are {', '.join(filter(None, self._words))}")
        return self.zero


_UNCHECKED: Final = (
    "takes client certificates without checking them, which is not possible here: "
    "use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
)
_OLD: Final = "is no longer safe (RFC 8996) and not supported: TLS12 is the lowest possible"

_PEM_TEXT: Final = _Pem(in_file=False)
_PEM_FILE: Final = _Pem(in_file=True)
_CLIENT_AUTH: Final = _Word(
    "client_auth_type",
    {
        "": ssl.CERT_NONE,
        "NoClientCert": ssl.CERT_NONE,
        "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
        "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
    },
    ssl.CERT_NONE,
    dict.fromkeys(("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"), _UNCHECKED),
)
_VERSION: Final = _Word[ssl.TLSVersion | None](
    "TLS version",
    {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3},
    None,
    dict.fromkeys(("TLS10", "TLS11"), _OLD),
)
_SUITE: Final = _Word(
    "cipher suite",
    {
        **dict.fromkeys(
            ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"), ""
        ),
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    },
    "",
    {},
)
"""OpenSSL's names of the suites up to TLS 1.2. Those of TLS 1.3 are always on, as they are in the reference."""
_CURVE: Final = _Word(
    "curve",
    {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"},
    "",
    {},
)


@dataclass(frozen=True, slots=True)
class ServerTls(Block):
    """The accepting side. A file wins over what is written inline (reference flags, section 6)."""

    cert: Pem | None = key(_PEM_TEXT, None)
    cert_file: Pem | None = key(_PEM_FILE, None)
    key_text: Pem | None = key(_PEM_TEXT, None, name="key")
    key_file: Pem | None = key(_PEM_FILE, None)
    client_ca: Pem | None = key(_PEM_TEXT, None)
    client_ca_file: Pem | None = key(_PEM_FILE, None)
    client_auth: ssl.VerifyMode = key(_CLIENT_AUTH, ssl.CERT_NONE, name="client_auth_type")
    client_allowed_sans: tuple[str, ...] | None = key(TEXTS_OR_UNSET, None)
    cipher_suites: tuple[str, ...] = key(ListOf(_SUITE), ())
    """OpenSSL's names, empty ones for the suites of TLS 1.3."""
    curve_preferences: tuple[str, ...] = key(ListOf(_CURVE), ())
    """OpenSSL's names, at most one."""
    min_version: ssl.TLSVersion | None = key(_VERSION, None)
    max_version: ssl.TLSVersion | None = key(_VERSION, None)
    prefer_server_cipher_suites: bool = key(BOOL, True)

    def checked(self, place: Place) -> ServerTls:
        if not (self.cert or self.cert_file):
            place.refuse("needs a certificate: cert_file or cert")
        if not (self.key_text or self.key_file):
            place.refuse("needs the key of its certificate: key_file or key")
        if self.client_auth == ssl.CERT_NONE:
            for name in ("client_ca", "client_ca_file", "client_allowed_sans"):
                if getattr(self, name) is not None:
                    place.refuse("has no effect unless client_auth_type asks for certificates", name)
        if self.client_allowed_sans == ():
            place.refuse(
                "an empty list lets nobody in: leave it out, or name who may connect", "client_allowed_sans"
            )
        if len(self.curve_preferences) > 1:
            place.refuse("only one curve can be set here, or none for the usual ones", "curve_preferences")
        _check_versions(self, place)
        if self.only_tls13_suites and self.max_version == ssl.TLSVersion.TLSv1_2:
            place.refuse("none of the suites can be used up to max_version TLS12", "cipher_suites")
        return self

    @property
    def pair(self) -> Pair | None:
        """The certificate that is shown, and its key."""
        return _pair(self.cert_file or self.cert, self.key_file or self.key_text)

    @property
    def authorities(self) -> Pem | None:
        """Who may sign the certificates of clients."""
        return self.client_ca_file or self.client_ca

    @property
    def only_tls13_suites(self) -> bool:
        """Suites were chosen, and none that an older version could use."""
        return bool(self.cipher_suites) and not any(self.cipher_suites)


@dataclass(frozen=True, slots=True)
class ClientTls(Block):
    """The dialling side (reference config, section 10)."""

    NOT_BUILT: ClassVar = ("ca_ref", "cert_ref", "key_ref")

    ca: Pem | None = key(_PEM_TEXT, None)
    ca_file: Pem | None = key(_PEM_FILE, None)
    cert: Pem | None = key(_PEM_TEXT, None)
    cert_file: Pem | None = key(_PEM_FILE, None)
    key_text: Pem | None = key(_PEM_TEXT, None, name="key")
    key_file: Pem | None = key(_PEM_FILE, None)
    server_name: str = key(TEXT, "")
    insecure_skip_verify: bool = key(BOOL, False)
    min_version: ssl.TLSVersion | None = key(_VERSION, None)
    max_version: ssl.TLSVersion | None = key(_VERSION, None)

    def checked(self, place: Place) -> ClientTls:
        for name, text, file in (
            ("ca", self.ca, self.ca_file),
            ("cert", self.cert, self.cert_file),
            ("key", self.key_text, self.key_file),
        ):
            if text and file:
                place.refuse(f"{name} and {name}_file cannot both be set", f"{name}_file")
        cert, private_key = self.cert or self.cert_file, self.key_text or self.key_file
        if cert and not private_key:
            place.refuse("a certificate needs its key: key_file or key")
        elif private_key and not cert:
            place.refuse("a key needs its certificate: cert_file or cert")
        if not _is_host_name(self.server_name):
            place.refuse("is not a host name", "server_name")
        _check_versions(self, place)
        return self

    @property
    def pair(self) -> Pair | None:
        """The certificate that is shown when asked for, and its key."""
        return _pair(self.cert_file or self.cert, self.key_file or self.key_text)

    @property
    def authorities(self) -> Pem | None:
        """Who may sign the certificates of servers."""
        return self.ca_file or self.ca


@dataclass(frozen=True, slots=True)
class ClusterTls(Block):
    """The whole file."""

    server: ServerTls = key(BlockOf(lambda: ServerTls), ServerTls(), name="tls_server_config")
    client: ClientTls = key(BlockOf(lambda: ClientTls), ClientTls(), name="tls_client_config")

    def checked(self, place: Place) -> ClusterTls:
        server, client = (place.values.get(f"tls_{side}_config") for side in ("server", "client"))
        if server is None or is_null(server):
            place.refuse("needs a tls_server_config")
        if client is not None and is_null(client):
            place.refuse("must not be null: leave it out for the defaults", "tls_client_config")
        return self


def load_cluster_tls(path: str | Path) -> ClusterTls:
    """Read the file; certificates and keys are looked at later, by :meth:`Pem.read`.

    Names of files in it are relative to its own folder. Raises ConfigError: one line for each problem, with
    file, line and column.
    """
    path = Path(path)
    root = document(read_bytes(path, "the file of --cluster.tls-config"), path.name)
    walk = Walk(MatcherMode.FALLBACK, found={_FILE: path})
    tls = read_block(ClusterTls, Place(walk, root))
    if walk.problems:
        raise ConfigError("\n".join(lines_of(path.name, walk.problems)))
    return tls


def _pair(cert: Pem | None, private_key: Pem | None) -> Pair | None:
    return (cert, private_key) if cert and private_key else None


def _check_versions(side: ServerTls | ClientTls, place: Place) -> None:
    if side.min_version and side.max_version and side.max_version < side.min_version:
        place.refuse("is below min_version", "max_version")


def _is_host_name(text: str) -> bool:
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return not text.startswith(".") and "\0" not in text
