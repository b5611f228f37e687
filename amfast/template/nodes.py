"""The tree of a parsed template (Go's text/template/parse). ``str(node)`` is Go's text of it, which errors quote.

Every node but a list has ``position``: its offset in characters into the template's text, from which errors tell
line and column. The HTML escaper rewrites trees in place, so nodes can be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """Any of them."""

    position: int


@dataclass(slots=True)
class Text(Node):
    """What is copied as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Listing:
    """What stands between two keywords."""

    nodes: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


# Operands.


@dataclass(slots=True)
class Dot(Node):
    """``.``."""

    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Nil(Node):
    """``nil``."""

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Bool(Node):
    """``true`` or ``false``."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True)
class Number(Node):
    """A constant, with each kind of number that it can be; None where it cannot."""

    text: str
    int_value: int | None
    uint_value: int | None
    float_value: float | None
    complex_value: complex | None

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class String(Node):
    """A constant, as written and as meant."""

    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(slots=True)
class Identifier(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Variable(Node):
    """``$x.Field``: the variable with its dollar, then names of fields."""

    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Field(Node):
    """``.A.B``."""

    names: list[str]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Chain(Node):
    """``(pipeline).A.B``, or fields of another operand."""

    node: Node
    names: list[str]

    def __str__(self) -> str:
        head = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return head + "".join(f".{name}" for name in self.names)


# Pipelines.


@dataclass(slots=True)
class Command(Node):
    """Operands; the first may be a function or a method that takes the others."""

    arguments: list[Node]

    def __str__(self) -> str:
        return " ".join(f"({node})" if isinstance(node, Pipe) else str(node) for node in self.arguments)


@dataclass(slots=True)
class Pipe(Node):
    """Commands, and the variables that are declared (or, with ``assigns``, set) to what the last one gives."""

    assigns: bool
    variables: list[Variable]
    commands: list[Command]

    def __str__(self) -> str:
        head = ""
        if self.variables:
            head = ", ".join(map(str, self.variables)) + (" = " if self.assigns else " := ")
        return head + " | ".join(map(str, self.commands))


# Actions.


@dataclass(slots=True)
class Action(Node):
    """``{{pipeline}}``."""

    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True)
class _Branch(Node):
    pipe: Pipe
    body: Listing
    otherwise: Listing | None

    keyword = ""

    def __str__(self) -> str:
        other = "" if self.otherwise is None else f"{{{{else}}}}{self.otherwise}"
        return f"{{{{{self.keyword} {self.pipe}}}}}{self.body}{other}{{{{end}}}}"


class If(_Branch):
    """``{{if pipeline}} … {{else}} … {{end}}``."""

    __slots__ = ()
    keyword = "if"


class With(_Branch):
    """``{{with pipeline}} … {{else}} … {{end}}``."""

    __slots__ = ()
    keyword = "with"


class Range(_Branch):
    """``{{range pipeline}} … {{else}} … {{end}}``."""

    __slots__ = ()
    keyword = "range"


@dataclass(slots=True)
class Break(Node):
    """``{{break}}``."""

    def __str__(self) -> str:
        return "{{break}}"


@dataclass(slots=True)
class Continue(Node):
    """``{{continue}}``."""

    def __str__(self) -> str:
        return "{{continue}}"


@dataclass(slots=True)
class Call(Node):
    """``{{template "name" pipeline}}``."""

    quoted: str
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {self.quoted}{argument}}}}}"


@dataclass(slots=True)
class Tree:
    """One template: its name, the name of the file or field it was parsed from, and its whole source."""

    name: str
    parse_name: str
    source: str
    root: Listing
