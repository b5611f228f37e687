"""Go values of every kind for templates, from the sets of data in tests/conformance/templates/sets.

The types of the package ``probe`` are twins of those in tests/conformance/templates/probe.
"""

import json
from collections.abc import Mapping as MappingLike
from pathlib import Path
from typing import Any

from amfast.template import data, gotime
from amfast.template.functions import FUNCTIONS
from amfast.template.values import (
    ANY,
    BOOL,
    FLOAT64,
    INT,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    STRINGS,
    UINT,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UINTPTR,
    Field,
    Function,
    FunctionError,
    Integer,
    Kind,
    Mapping,
    Sequence,
    Type,
    Value,
    Word,
)

SETS = Path(__file__).parents[1] / "conformance" / "templates" / "sets"


class Struct:
    """A value of a struct's type, or a pointer to one."""

    def __init__(self, go_type: Type, fields: MappingLike[str, Value]) -> None:
        self.go_type = go_type
        vars(self).update(fields)


def structure(go_name: str, *, has_tags: bool = False, **fields: Type) -> Type:
    """A struct; with tags its fields have other names in JSON."""
    return Type(
        go_name,
        Kind.STRUCT,
        fields=tuple(Field(key, kind, key, key.lower() if has_tags else key) for key, kind in fields.items()),
    )


def method(
    owner: Type, name: str, result: Type, call: Any, *parameters: Type, variadic: bool = False
) -> None:
    owner.methods[name] = Function(name, parameters, result, call, variadic)


def failing(text: str) -> Any:
    def call(*_: Value) -> Value:
        raise FunctionError(text)

    return call


COLOR = Type("probe.Color", Kind.INT)
NAMED = Type("probe.Word", Kind.STRING)
COUNT = Type("probe.Count", Kind.UINT8)
FAILURE = structure("probe.Failure", Code=INT, Why=STRING)
POINT = structure("probe.Point", X=INT, Y=INT)
PERSONS = Type("[]probe.Person", Kind.SLICE, elem=None)
LINKS = Type("map[string]string", Kind.MAP, key=STRING, elem=STRING)
PERSON = structure(
    "probe.Person",
    has_tags=True,
    Name=STRING,
    Age=INT,
    Tags=STRINGS,
    Links=LINKS,
    Home=POINT,
    Extra=ANY,
    Color=COLOR,
    Parents=PERSONS,
    secret=STRING,
)
object.__setattr__(PERSONS, "elem", PERSON)  # the only type that holds itself


def point(x: int, y: int) -> Struct:
    return Struct(POINT, {"X": x, "Y": y})


def check(of: Struct, limit: int) -> bool:
    if limit < of.X:
        raise FunctionError("too far")
    return True


def first(of: Struct) -> Struct:
    return of.Parents[0] if of.Parents else made(PERSON, {"Name": "nobody"})


def color(value: int) -> str:
    return ("red", "green", "blue")[value] if 0 <= value <= 2 else f"color {int(value)}"


method(COLOR, "String", STRING, color)
method(FAILURE, "Error", STRING, lambda of: f"{of.Why} ({of.Code})")
method(POINT, "Sum", INT, lambda of: of.X + of.Y)
method(POINT, "Scale", POINT, lambda of, by: point(of.X * by, of.Y * by), INT)
method(POINT, "Fail", STRING, failing("this point fails"))
method(POINT, "Check", BOOL, check, INT)
method(POINT, "Burst", STRING, failing("a point has burst"))
method(POINT, "Label", STRING, lambda _of, sep, *rest: sep.join(rest), STRING, STRING, variadic=True)
method(POINT, "Less", BOOL, lambda of, other: of.X < other.X, POINT)
method(POINT, "Anything", ANY, lambda _of, value: value, ANY)
method(PERSON, "Greeting", STRING, lambda of, word: f"{word}, {of.Name}", STRING)
method(PERSON, "First", PERSON, first)


def sliced(elem: Type) -> Type:
    return Type(f"[]{elem}", Kind.SLICE, elem=elem)


def mapped(key: Type, elem: Type) -> Type:
    return Type(f"map[{key}]{elem}", Kind.MAP, key=key, elem=elem)


NAMED_TYPES = {
    **{str(one): one for one in (INT8, INT16, INT32, INT64)},
    **{str(one): one for one in (UINT, UINT8, UINT16, UINT32, UINT64, UINTPTR)},
    "duration": gotime.DURATION,
    "month": gotime.MONTH,
    "weekday": gotime.WEEKDAY,
    "[]string": STRINGS,
    "[][]string": sliced(STRINGS),
    "map[string]string": LINKS,
    **{str(sliced(one)): sliced(one) for one in (INT, BOOL, FLOAT64)},
    **{f"map[string]{one}": mapped(STRING, one) for one in (INT, BOOL)},
    "map[int]string": mapped(INT, STRING),
    "Data": data.DATA,
    "Alert": data.ALERT,
    "Alerts": data.ALERTS,
    "KV": data.KV,
    "Pair": data.PAIR,
    "Pairs": data.PAIRS,
    "Strings": data.WORDS,
    "Color": COLOR,
    "Word": NAMED,
    "Count": COUNT,
    "Failure": FAILURE,
    "Point": POINT,
    "Person": PERSON,
    "[]Point": sliced(POINT),
    "[]Color": sliced(COLOR),
}
POINTERS = {"Data": data.POINTER, "Point": Type("*probe.Point", Kind.POINTER, elem=POINT)}
CALLABLES = {
    "double": Function("double", (INT,), INT, lambda n: 2 * n),
    "fail": Function("fail", (), STRING, failing("it does not work")),
    "burst": Function("burst", (), STRING, failing("it has burst")),
    "glue": Function("glue", (STRING, STRING), STRING, lambda sep, *rest: sep.join(rest), variadic=True),
    "same": Function("same", (ANY,), ANY, lambda value: value),
    "upper": Function("upper", (STRING,), STRING, str.upper),
}
LAYOUT = "2006-01-02T15:04:05Z07:00"


def moment(raw: str | list[str]) -> gotime.Time:
    """Of ``2006-01-02T15:04:05Z``, or of a list of that and the name of a zone."""
    if isinstance(raw, str):
        return FUNCTIONS["mustToDate"].call(LAYOUT, raw)
    return FUNCTIONS["tz"].call(raw[1], moment(raw[0]))


SPECIAL = {
    "func": CALLABLES.__getitem__,
    "float64": float,
    "complex": lambda raw: complex(raw.replace("i", "j")),
    "bytes": lambda raw: (
        raw.encode().decode("unicode_escape").encode("latin-1").decode(errors="surrogateescape")
    ),
    "time": moment,
    "html": FUNCTIONS["safeHtml"].call,
    "url": FUNCTIONS["safeUrl"].call,
}


def built(raw: Any) -> Value:
    """What JSON stands for: ``{"$uint8": 3}`` is a value of that type, anything else what it looks like."""
    if isinstance(raw, list):
        return [built(one) for one in raw]
    if not isinstance(raw, dict):
        return raw
    if len(raw) == 1 and (name := next(iter(raw))).startswith("$"):
        return special(name[1:], raw[name])
    return {key: built(one) for key, one in raw.items()}


def special(name: str, raw: Any) -> Value:
    if name in SPECIAL:
        return SPECIAL[name](raw)
    if name.startswith("*"):
        pointed = made(NAMED_TYPES[name[1:]], raw)
        if isinstance(pointed, Struct):
            pointed.go_type = POINTERS[name[1:]]
        return pointed
    return made(NAMED_TYPES[name], raw)


def made(go_type: Type, raw: Any) -> Value:
    """A value of a known type; None gives the zero value, and an empty list or map."""
    if go_type is gotime.TIME:
        return moment(raw or "0001-01-01T00:00:00Z")
    if go_type.kind is Kind.STRUCT:
        fields = {field.attribute: made(field.type, (raw or {}).get(field.name)) for field in go_type.fields}
        known = STRUCTS.get(go_type)
        return known(**fields) if known else Struct(go_type, fields)
    return MAKERS.get(go_type.kind, whole)(go_type, raw)


def items(go_type: Type, raw: Any) -> Value:
    return Sequence([made(go_type.elem, one) for one in raw or ()], go_type)


def pairs(go_type: Type, raw: Any) -> Value:
    of = int if go_type.key is INT else str
    return Mapping({of(key): made(go_type.elem, one) for key, one in (raw or {}).items()}, go_type)


def whole(go_type: Type, raw: Any) -> Value:
    return int(raw or 0) if go_type is INT else Integer(raw or 0, go_type)


STRUCTS = {data.DATA: data.Data, data.ALERT: data.Alert, data.PAIR: data.Pair}
MAKERS = {
    Kind.SLICE: items,
    Kind.MAP: pairs,
    Kind.STRING: lambda go_type, raw: (raw or "") if go_type is STRING else Word(raw or "", go_type),
    Kind.BOOL: lambda _, raw: bool(raw),
    Kind.FLOAT64: lambda _, raw: float(raw or 0),
    Kind.INTERFACE: lambda _, raw: built(raw),
}


def sets() -> dict[str, Value]:
    """The named data of all files."""
    return {
        name: built(raw)
        for path in sorted(SETS.glob("*.json"))
        for name, raw in json.loads(path.read_text()).items()
    }
