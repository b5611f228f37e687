"""How long whoever answers takes, counted by buckets."""

from collections.abc import Callable, Sequence
from typing import Any, final

@final
class Tally:
    """Observations by bucket. Raises ValueError for more than 16 bounds."""

    def __init__(self, bounds: Sequence[float]) -> None: ...
    @property
    def counts(self) -> list[int]:
        """How many were at most each bound and above the one before; the last are above all."""

    @property
    def total(self) -> float: ...
    def observe(self, value: float) -> None: ...

@final
class Meter:
    """A handler that is measured.

    The time of a whole answer with status 200 goes to the tally, in seconds, and the size of its body to the sizes if
    there are any. Any other result is given to ``otherwise``, with the time at which its making began, and what that
    returns is the result.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        now_ns: Callable[[], int],
        tally: Tally,
        sizes: Tally | None,
        otherwise: Callable[..., Any],
    ) -> None: ...
    def __call__(self, request: Any) -> Any: ...  # noqa: ANN401 - whatever the handler takes and gives
