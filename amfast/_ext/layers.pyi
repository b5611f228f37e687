"""What stands between a request and whoever answers it, and mostly has nothing to do."""

from collections.abc import Callable
from typing import Any, final

@final
class Traced:
    """A handler for which ``in_span`` answers while ``tracing.tracer`` is not None."""

    def __init__(self, handler: Callable[..., Any], tracing: object, in_span: Callable[..., Any]) -> None: ...
    def __call__(self, request: Any) -> Any: ...  # noqa: ANN401 - whatever the handler takes and gives

@final
class Headed:
    """A handler whose answers get these headers behind their own.

    What it raises is given to ``recover``, which answers instead or raises; what is no answer yet is given to
    ``later`` with the headers, and what that returns is the result.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        headers: tuple[tuple[str, str], ...],
        recover: Callable[[Exception], Any],
        later: Callable[..., Any],
    ) -> None: ...
    def __call__(self, request: Any) -> Any: ...  # noqa: ANN401 - whatever the handler takes and gives
