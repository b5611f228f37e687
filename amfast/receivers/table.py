"""All kinds of integrations: how each is configured, and how it is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from amfast.config.schema import Block
from amfast.config.types import Receiver
from amfast.model.notification import Integration
from amfast.receivers.http import HttpClient
from amfast.receivers.webhook import Webhook, WebhookConfig


class Kind(NamedTuple):
    """``build`` takes the configuration, its index among the receiver's of this kind, and the client."""

    config: type[Block]
    build: Callable[[Any, int, HttpClient], Integration]


TABLE: Final[dict[str, Kind]] = {
    WebhookConfig.kind: Kind(WebhookConfig, Webhook),
}
"""By kind, in the order in which a receiver's integrations are built (reference notify, section 5)."""

INTEGRATIONS: Final = {kind: row.config for kind, row in TABLE.items()}
"""What the configuration needs to know of them."""


def build(receiver: Receiver, http: HttpClient) -> tuple[Integration, ...]:
    """Build a receiver's integrations, in order."""
    counts: dict[str, int] = {}
    built = []
    for config in receiver.integrations:
        index = counts.get(config.kind, 0)
        counts[config.kind] = index + 1
        built.append(TABLE[config.kind].build(config, index, http))
    return tuple(built)
