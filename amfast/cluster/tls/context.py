"""From the TLS settings to what ``ssl`` works with, and again when a certificate is renewed on disk."""

from __future__ import annotations

import logging
import os
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from amfast.config.cluster_tls import ClientTls, ClusterTls, Pem, ServerTls
from amfast.model.errors import AmfastError

_Texts = Mapping[Pem, bytes]


class Contexts:
    """The contexts of both sides; their files are looked at again before every handshake."""

    def __init__(self, tls: ClusterTls, log: logging.Logger) -> None:
        """Raises AmfastError when a file cannot be used."""
        self._server = _Source(tls.server, lambda texts: _server_context(tls.server, texts), log)
        self._client = _Source(tls.client, lambda texts: _client_context(tls.client, texts), log)

    def server(self) -> ssl.SSLContext:
        """For the next accepted connection."""
        return self._server.context()

    def client(self) -> ssl.SSLContext:
        """For the next dialled connection."""
        return self._client.context()


class _Source:
    """One side's context, built anew when one of its files says something else."""

    def __init__(
        self, side: ServerTls | ClientTls, build: Callable[[_Texts], ssl.SSLContext], log: logging.Logger
    ) -> None:
        self._pems = (*(side.pair or ()), *((side.authorities,) if side.authorities else ()))
        self._build = build
        self._log = log
        self._complaint = ""
        self._texts = self._read()
        self._context = build(self._texts)

    def context(self) -> ssl.SSLContext:
        """The context for what is on disk now; while that is unusable, the last one that was not.

        Certificate and key are two files: for a moment during a renewal they may not belong together.
        """
        try:
            texts = self._read()
            if texts != self._texts:
                self._context = self._build(texts)
                self._texts = texts
                self._log.info("took the renewed files of the gossip TLS configuration")
            self._complaint = ""
        except AmfastError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                attrs = {"err": self._complaint}
                self._log.warning(
                    "cannot use the renewed files, keeping the old ones", extra={"attrs": attrs}
                )
        return self._context

    def _read(self) -> _Texts:
        return {pem: pem.read() for pem in self._pems}


def _server_context(server: ServerTls, texts: _Texts) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = server.client_auth
    context.num_tickets = 0  # every handshake is a full one, as certificates may have changed
    context.options |= ssl.OP_NO_TICKET
    if not server.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if suites := ":".join(filter(None, server.cipher_suites)):
        context.set_ciphers(suites)
    for curve in server.curve_preferences:
        context.set_ecdh_curve(curve)
    _configure(context, server, texts, ssl.Purpose.CLIENT_AUTH)
    if server.only_tls13_suites:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _client_context(client: ClientTls, texts: _Texts) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    if client.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _configure(context, client, texts, ssl.Purpose.SERVER_AUTH)
    return context


def _configure(
    context: ssl.SSLContext, side: ServerTls | ClientTls, texts: _Texts, purpose: ssl.Purpose
) -> None:
    """What both sides have in common."""
    context.minimum_version = side.min_version or ssl.TLSVersion.TLSv1_2
    context.maximum_version = side.max_version or ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust whoever is listed, as the reference does
    if side.pair:
        _load_pair(context, *side.pair, texts)
    if side.authorities:
        text = texts[side.authorities].decode("ascii", "ignore")
        try:
            context.load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            raise AmfastError(f"{side.authorities.where}: holds no usable PEM certificate") from None
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(purpose)


def _load_pair(context: ssl.SSLContext, cert: Pem, key: Pem, texts: _Texts) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in texts[cert]:
        raise AmfastError(f"{cert.where}: holds no PEM certificate")
    if b"PRIVATE KEY-----" not in texts[key]:
        raise AmfastError(f"{key.where}: holds no PEM key")

    def no_password() -> str:
        raise AmfastError(f"{key.where}: the key is encrypted, and there is nobody to ask for its password")

    with _as_file(texts[cert]) as cert_name, _as_file(texts[key]) as key_name:
        try:
            context.load_cert_chain(cert_name, key_name, no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise AmfastError(f"{key.where}: the key is not that of the certificate") from None
            why = (error.reason or "damaged").replace("_", " ").lower()
            raise AmfastError(f"{cert.where}: the certificate or its key cannot be used: {why}") from None


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A name under which OpenSSL can read ``data``, which it takes from files only; in memory where possible."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("pem"), "wb") as memory:
            memory.write(data)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name
