"""A signed statement of who we are, for which a token server gives a token (RFC 7523, RFC 7515)."""

from __future__ import annotations

import base64
import importlib.util
import json
from typing import TYPE_CHECKING, Final

from amfast.config.http import OAuth2
from amfast.model.errors import AmfastError
from amfast.receivers.errors import HttpError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

VALID_S: Final = 600


def check_can_sign() -> None:
    """Raise AmfastError when the library that signs is not there."""
    if importlib.util.find_spec("cryptography") is None:
        raise AmfastError(
            "oauth2 with signed assertions needs the package cryptography: pip install 'amfast[jwt]'"
        )


def signed_assertion(config: OAuth2, key: str, *, now_s: int, number: str) -> str:
    """The JWT of a configuration, valid from ``now_s``; ``key`` is an RSA key in PEM, ``number`` unique.

    Raises HttpError: the key cannot be used.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 20 MB for the few that sign
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    algorithms: dict[str, HashAlgorithm] = {
        "RS256": hashes.SHA256(),
        "RS384": hashes.SHA384(),
        "RS512": hashes.SHA512(),
    }
    algorithm = config.signature_algorithm or "RS256"
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise HttpError("client_certificate_key is not an RSA key in PEM without a passphrase", retry=False)
    head = {"alg": algorithm, "typ": "JWT"}
    if config.client_certificate_key_id:
        head["kid"] = config.client_certificate_key_id
    text = f"{_part(_json(head))}.{_part(_json(_claims(config, now_s, number)))}"
    return f"{text}.{_part(private.sign(text.encode(), padding.PKCS1v15(), algorithms[algorithm]))}"


def _claims(config: OAuth2, now_s: int, number: str) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": config.iss or config.client_id,
        "sub": config.client_id,
        "jti": number,
        "aud": config.audience or config.token_url,
        "iat": now_s,
        "exp": now_s + VALID_S,
    }
    if config.scopes:
        claims["scope"] = " ".join(config.scopes)
    return {**claims, **(config.claims or {})}


def _json(value: object) -> bytes:
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict
        ).encode()
    except (TypeError, ValueError):
        raise HttpError("the claims cannot be written as JSON", retry=False) from None


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
