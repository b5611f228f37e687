"""How spans are sent: OTLP over gRPC or HTTP, as ``tracing`` says (reference config, section 11)."""

# ruff: noqa: ANN401 - the libraries may not be there, so their types cannot be named

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from amfast.config.kinds import Secret
from amfast.config.observing import Tracing
from amfast.config.tls import TlsConfig
from amfast.model.errors import AmfastError

MakeContext = Callable[[TlsConfig], ssl.SSLContext]
_TIMEOUT_S: Final = 10.0
_NS: Final = 1e9


def make_exporter(config: Tracing, tls: MakeContext) -> Any:
    """The exporter. Raises AmfastError: something cannot be used; ImportError: a library is missing."""
    timeout_s = config.timeout_ns / _NS if config.timeout_ns > 0 else _TIMEOUT_S
    headers = _headers(config)
    own_tls = TlsConfig() if config.tls_config is None else config.tls_config
    if config.client_type == "grpc":
        return _grpc(config, headers, timeout_s, own_tls)
    from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: PLC0415 - an extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    scheme = "http" if config.insecure else "https"
    return OTLPSpanExporter(
        f"{scheme}://{config.endpoint}/v1/traces",
        headers=headers,
        timeout=timeout_s,
        compression=Compression.Gzip if config.compression else Compression.NoCompression,
        session=_session(tls(own_tls), own_tls.server_name),
    )


def _grpc(config: Tracing, headers: dict[str, str], timeout_s: float, tls: TlsConfig) -> Any:
    import grpc  # noqa: PLC0415 - an extra
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    if not config.insecure and (tls.insecure_skip_verify or tls.min_version or tls.max_version):
        raise AmfastError(
            "tracing.tls_config: insecure_skip_verify, min_version and max_version need client_type: http"
        )
    credentials = grpc.ssl_channel_credentials(
        _pem(tls.ca, tls.ca_file), _pem(tls.key, tls.key_file), _pem(tls.cert, tls.cert_file)
    )
    return OTLPSpanExporter(
        config.endpoint,
        insecure=config.insecure,
        credentials=None if config.insecure else credentials,
        headers={name.lower(): value for name, value in headers.items()},
        timeout=timeout_s,
        compression=grpc.Compression.Gzip if config.compression else grpc.Compression.NoCompression,
        channel_options=(("grpc.ssl_target_name_override", tls.server_name),) if tls.server_name else None,
    )


def _pem(text: str | Secret | None, file: str) -> bytes | None:
    try:
        given = Path(file).read_bytes() if file else text.reveal() if isinstance(text, Secret) else text
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise AmfastError(f"tracing.tls_config: cannot read {file}: {why}") from None
    return given.encode() if isinstance(given, str) and given else given or None


def _headers(config: Tracing) -> dict[str, str]:
    """The first value of each header, or its first secret."""
    found = {}
    for name, header in config.headers or ():
        if header.values:
            found[name] = header.values[0]
        elif header.secrets:
            found[name] = "" if header.secrets[0] is None else header.secrets[0].reveal()
        elif header.files:
            raise AmfastError(f"tracing.headers.{name}: files cannot be used here, give values or secrets")
    return found


def _session(context: ssl.SSLContext, server_name: str) -> Any:
    """A session of requests that trusts whom ``tls_config`` trusts, and nobody else."""
    import requests  # noqa: PLC0415 - comes with the exporter
    import urllib3  # noqa: PLC0415 - comes with requests
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    if context.verify_mode is ssl.CERT_NONE:  # as the configuration says, so it need not be said each time
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            if server_name:
                kwargs |= {"server_hostname": server_name, "assert_hostname": server_name}
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

        def build_connection_pool_key_attributes(self, request: Any, _verify: Any, _cert: Any = None) -> Any:
            host, _ = super().build_connection_pool_key_attributes(request, True)
            return host, {}

        def cert_verify(self, *_args: Any) -> None:
            """Add no authorities to those of the context."""

    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Adapter())
    return session
