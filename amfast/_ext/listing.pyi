from collections.abc import Callable, Collection
from typing import Protocol, Self, final

from amfast._ext.grouping import Members, Places

class _Mutes(Protocol):
    """What a listing asks about muting. Answers may depend on the labels and on the versions, not on time."""

    @property
    def silences_version(self) -> int: ...
    @property
    def silences_everywhere(self) -> bool:
        """Whether alerts without a marked pair have to be asked about, too."""

    @property
    def rules_version(self) -> int: ...
    @property
    def rules_everywhere(self) -> bool: ...
    def matching(self, labels: dict[str, str], fingerprint: int, /) -> tuple[str, ...]:
        """The silences that match, active or not."""

    def active(self, silence_ids: tuple[str, ...], /) -> tuple[str, ...]:
        """Those that are active now."""

    def inhibiting(self, labels: dict[str, str], fingerprint: int, /) -> tuple[str, ...]: ...
    def status_json(
        self, silenced_by: tuple[str, ...], inhibited_by: tuple[str, ...], muted_by: tuple[str, ...], /
    ) -> bytes: ...
    def receivers_json(self, names: tuple[str, ...], /) -> bytes: ...

@final
class Condition:
    """One matcher of a filter."""

    def __new__(
        cls,
        name: str,
        value: str | None,
        wants_equal: bool,
        without: bool,
        matches: Callable[[str], bool],
    ) -> Self:
        """With a ``value`` it is compared, else ``matches`` is asked, once for each value there is.

        ``without`` is the verdict on an alert that lacks the label.
        """

@final
class Listing:
    """One listing under way (reference api, section 6)."""

    is_done: bool

    def __new__(
        cls,
        places: Places,
        mutes: _Mutes,
        tests: list[Condition],
        *,
        active: bool,
        silenced: bool,
        inhibited: bool,
        takes_receivers: Callable[[Collection[str]], bool] | None,
        now_ns: int,
        loop_fd: int = -1,
    ) -> Self:
        """``loop_fd`` is readable when the event loop has something to do: then portions but the first end early."""
    def alerts(self) -> bytes:
        """The next portion of the list of alerts; it may be empty before the end."""

    def set_groups(self, groups: list[Members]) -> None:
        """The groups to list, in this order."""

    def in_groups(self) -> bytes:
        """The next portion of the list of groups; it may be empty before the end."""

    def count(self) -> tuple[int, int] | None:
        """How many alerts that are in groups and not over are heard, and how many are muted.

        None when only some were counted; it is to be called again.
        """
