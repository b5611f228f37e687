"""The version of Alertmanager whose behaviour this node shows to the outside."""

from typing import Final

from amfast import __version__

REFERENCE_VERSION: Final = "0.34.0"
"""Sent as ``User-Agent: Alertmanager/<version>`` and shown where clients look for a version they know."""

API_VERSION: Final = f"{REFERENCE_VERSION}+amfast.{__version__}"
"""What the status API and ``build_info`` show. Dashboards choose by it how to talk to the API, so the
reference's version leads; ours follows where semantic versioning puts what does not count for comparing."""
