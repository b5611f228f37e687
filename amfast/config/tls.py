"""``tls_config``: who the other side of a connection must be, and who we are to it (reference config, section 10)."""

# ruff: noqa: RUF009 - _key() makes dataclass fields; a field of its own is called key
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from amfast.config.kinds import BOOL, FILE, SECRET, TEXT, Secret, Word
from amfast.config.schema import Block, Place
from amfast.config.schema import key as _key

_VERSION: Final = Word(("TLS10", "TLS11", "TLS12", "TLS13"))
_NO_MANAGER: Final = "in a secret manager, of which there is none."


@dataclass(frozen=True, slots=True)
class TlsConfig(Block):
    """TLS as a client."""

    ca: str = _key(TEXT, "", "PEM text of the authorities to trust.", excludes=("ca_file", "ca_ref"))
    cert: str = _key(TEXT, "", "PEM text of our certificate.", excludes=("cert_file", "cert_ref"))
    key: Secret | None = _key(SECRET, None, "PEM text of its key.", excludes=("key_file", "key_ref"))
    ca_file: str = _key(FILE, "", "File with the authorities to trust.", excludes=("ca_ref",))
    cert_file: str = _key(FILE, "", "File with our certificate.", excludes=("cert_ref",))
    key_file: str = _key(FILE, "", "File with its key.", excludes=("key_ref",))
    ca_ref: str = _key(TEXT, "", f"Name of the authorities {_NO_MANAGER}")
    cert_ref: str = _key(TEXT, "", f"Name of our certificate {_NO_MANAGER}")
    key_ref: str = _key(TEXT, "", f"Name of its key {_NO_MANAGER}")
    server_name: str = _key(TEXT, "", "Name that the server's certificate must have, if not that of its URL.")
    insecure_skip_verify: bool = _key(BOOL, False, "Take any certificate, from anybody.", shown=True)
    min_version: str = _key(_VERSION, "", "Oldest version to speak.")
    max_version: str = _key(_VERSION, "", "Newest version to speak.")

    def checked(self, place: Place) -> TlsConfig:
        certificate = self.cert or self.cert_file or self.cert_ref
        private_key = self.key or self.key_file or self.key_ref
        if certificate and not private_key:
            place.refuse("a certificate needs its key: key_file or key")
        elif private_key and not certificate:
            place.refuse("a key needs its certificate: cert_file or cert")
        return self
