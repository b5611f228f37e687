"""What can go wrong with a request."""

from __future__ import annotations


class HttpError(Exception):
    """A request that got no answer. The text shows nothing of the URL; ``retry`` says whether another try can help."""

    def __init__(self, text: str, *, retry: bool = True) -> None:
        super().__init__(text)
        self.retry = retry
