"""The version of Alertmanager whose behaviour this node shows to the outside."""

from typing import Final

REFERENCE_VERSION: Final = "0.34.0"
"""Sent as ``User-Agent: Alertmanager/<version>`` and shown where clients look for a version they know."""
