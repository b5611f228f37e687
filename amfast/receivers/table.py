"""All kinds of integrations that amfast can send through, and how each is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from amfast.config.http import HttpConfig
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.types import Receiver
from amfast.model.errors import AmfastError
from amfast.model.notification import Integration
from amfast.receivers.http import HttpClient
from amfast.receivers.payload import Pause
from amfast.receivers.webhook import Webhook
from amfast.template.rendering import Renderer

Build = Callable[[Any, int, HttpClient, Renderer, Pause], Integration]
"""Takes the configuration, its index among the receiver's of this kind, the client, the templates and the pause."""

TABLE: Final[dict[str, Build]] = {
    WebhookConfig.kind: Webhook,
}
"""By kind, in the order in which a receiver's integrations are built (reference notify, section 5)."""

INTEGRATIONS: Final = frozenset(TABLE)
"""The kinds that can be used; the configuration knows more of them."""


def build(receiver: Receiver, http: HttpClient, templates: Renderer, pause: Pause) -> tuple[Integration, ...]:
    """Build a receiver's integrations, in order. Raises AmfastError when one of them could never send.

    ``pause`` is awaited in the midst of long work.
    """
    counts: dict[str, int] = {}
    built = []
    for config in receiver.integrations:
        index = counts.get(config.kind, 0)
        counts[config.kind] = index + 1
        how: HttpConfig | None = getattr(config, "http_config", None)
        if how is not None:
            try:
                http.check(how)
            except AmfastError as error:
                raise AmfastError(f"receiver {receiver.name!r}, {config.kind}[{index}]: {error}") from None
        built.append(TABLE[config.kind](config, index, http, templates, pause))
    return tuple(built)
