"""What can go wrong with a request."""

from __future__ import annotations

import os
import socket
import ssl


class HttpError(Exception):
    """A request that got no answer. The text shows nothing of the URL; ``retry`` says whether another try can help."""

    def __init__(self, text: str, *, retry: bool = True) -> None:
        super().__init__(text)
        self.retry = retry


def why(error: OSError) -> str:
    """The system's own words for the number: the error's text may name the address, which may be secret."""
    if isinstance(error, ssl.CertificateError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror):
        return "the host name does not resolve"
    return os.strerror(error.errno) if error.errno else "no address of the host answers"
