from collections.abc import Callable, Hashable, Iterable, Mapping
from types import GenericAlias
from typing import Generic, Self, TypeAlias, TypeVar, final

_T = TypeVar("_T", bound=Hashable)

_Pair: TypeAlias = tuple[str, str]
"""The name and the value of a label."""

_Condition: TypeAlias = tuple[str, str, bool, Callable[[str], bool] | None, tuple[_Pair, ...] | None]
"""One condition on one label, whose value is empty when it is not there.

Name, expected value, whether it must not be fulfilled, a test in place of the expected value, and the pairs of
which a label set must have one to fulfil it, None where that cannot be said.
"""

@final
class Index(Generic[_T]):
    """Things under lists of conditions, filed by what they cannot do without.

    A list is filed under the label pairs of that of its conditions which files the fewest others, so that what all
    have in common does not bring them together; where still many come together they are filed once more by what else
    they need. Only lists without such a condition are tried always. The cost of a look-up grows with the labels and
    with what nearly matches, not with the lists.
    """

    @classmethod
    def __class_getitem__(cls, item: object, /) -> GenericAlias: ...
    def __new__(
        cls,
        make: Callable[[_T], Iterable[Iterable[_Condition]]] | None = None,
        needs: Callable[[_T], Iterable[tuple[tuple[_Pair, ...], ...]]] | None = None,
    ) -> Self:
        """Both are for who uses :meth:`file`, and asked about things that are in the index.

        ``make`` gives the lists of conditions of a thing, ``needs`` what each of them needs. Things are neither dicts
        nor indexes.
        """
    def add(self, thing: _T, conditions: Iterable[_Condition]) -> None:
        """File a thing under one list of conditions, beside those it has."""
    def file(self, things: list[_T], needs: list[tuple[tuple[_Pair, ...], ...]]) -> None:
        """File new things by what their lists need: the pairs of each condition that has any.

        A thing with several lists comes as many times. The needs are not kept, but asked for where things come
        together; the conditions are asked for when something might match them.
        """
    def remove(self, thing: _T) -> None:
        """Take out a thing with all its lists, if it is there. Raises KeyError for one that ``needs`` does not know."""
    def candidates(self, labels: Mapping[str, str]) -> list[_T]:
        """Everything that might match the labels, in no order; a thing with several lists may come twice."""
    def matching(self, labels: Mapping[str, str]) -> list[_T]:
        """Everything that matches: one of its lists holds altogether. As :meth:`candidates` otherwise."""
    def matching_of_few(self, labels: Mapping[str, str], few: int) -> list[_T] | None:
        """As :meth:`matching`; None where more than ``few`` would have to be tried."""
    def holds(self, thing: _T, labels: Mapping[str, str]) -> bool:
        """Whether one of the thing's lists holds. Raises KeyError."""
    def interests(self) -> tuple[frozenset[_Pair], bool]:
        """The pairs of which a label set must have one to match anything; True where no pair is needed."""

def label_values(labels: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    """The values of these labels, empty for those that are not there."""

def told_apart(labels: Mapping[str, str], asked: dict[str, frozenset[str] | None]) -> tuple[str | None, ...]:
    """The names that are asked for, each before its value, or before None if the value is not asked for.

    ``asked`` has the values by name, None for all values. An empty value counts as that of a label that is not there.
    """
