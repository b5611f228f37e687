"""Templates that nobody would write, most of them right in most parts."""

import random

_OPERANDS = {
    "string": """
        .word .text .markup .empty .kv.zone .kv.nosuch .person.Name .color.String .url .js "b" "<i>" `raw` "%v,%s"
    """,
    "int": "1 0 2 -1 'a' .int .zero .neg .person.Age .point.X .point.Sum .time.Year (len_.words)",
    "number": "0 1 2",
    "list": ".list .none .nested (list) .person.Extra.k",
    "strings": ".words .some .person.Tags .kv.Names .pairs.Values",
    "map": ".map .nomap .kv .strings .counts .map.c .person.Links .map.c.d",
    "struct": ".point .person .time (index_.points_0) .person.Home",
    "any": """
        . $ .nil .missing .float .yes .no .uint8 .duration .html .named .pairs .points .numbers .map.a nil true 2.5
    """,
    "wrong": ".nil.x .word.x .map.nosuch.y .X .Name $.word.x .person.nosuch .point.x .point.Scale .time.Sub",
}
_BY_TYPE = {kind: text.split() for kind, text in _OPERANDS.items()}
_SIGNATURES = """
print: / print: any / print: any any / println: string int / printf: string any any / printf: string string
len: list / len: string / len: map / index: list int / index: strings int / index: map string / slice: string number
slice: list number number / eq: any any / eq: int int / eq: string string string / ne: int int / lt: int int
ge: string string / and: any any / or: any any / or: string string / not: any / html: any / html: string / js: string
urlquery: string / toUpper: string / join: string strings / toJson: any / list: any any / dict: string any
dict: string any string any / stringSlice: string / safeHtml: string / safeUrl: string / append: list any
.point.Scale: int / .kv.Remove: strings / .some.Join: string / $.point.Label: string
$.person.Greeting: string / .time.Format: string / trimSpace: string / date: string struct
"""
_CALLS = [
    (name.strip(), kinds.split())
    for name, kinds in (
        one.split(":") for line in _SIGNATURES.strip().split("\n") for one in line.split(" / ")
    )
]
_PLACELESS = ("and", "or")
"""In parentheses an error behind them is where they stopped, which only Go knows."""
_FORMATS = ('"%v"', '"%5v"', '"%q"', '"%v %v"', '"<%s>"', '"%T"', '"%+v"', '"%-4s|"')
"""Without ``%d`` and ``%x``, which show what is inside a time."""
_TEXTS = ("text", " ", "\n", "  x\n", "é", "\t", "a b")
_MARKUP = (
    '<a href="', '">', "<p title='", "'>", "<p class=", " ", ">", "<b>", "</b>", "<script>", "</script>", "x = ", ";",
    "<style>", "</style>", "p { color: ", " }", "url(", ")", '"', "'", "/", "//", "/*", "*/", "<!--", "-->", "`", "${",
    "}", "?q=", "&amp;", "#", "javascript:", "http://h/", ' onclick="f(', ' style="', "<textarea>", "</textarea>",
    "<title>", "</title>", "\n", "text", "\\", "=", "<", ' srcset="', ", ", "<input value=", "[", "]", "+", "return ",
)  # fmt: skip
_ELEMENTS = (
    ('<a href="', '">'), ("<p title='", "'>"), ("<p class=", ">"), ("<script>x = ", ";</script>"), ("<b>", "</b>"),
    ('<script>x = "', '";</script>'), ("<style>p { color: ", "; }</style>"), ("<textarea>", "</textarea>"),
    ('<a href="/x?q=', '">'), ('<p onclick="f(', ')">'), ('<p style="width: ', '">'), ("<!-- ", " -->"),
    ("<script>`a ", "${x}`</script>"), ('<img srcset="', '">'), ("<title>", "</title>"),
    ("<script>f(/a", "/)</script>"),
    ("<style>p { background: url('", "') }</style>"), ("<a href='http://h/", "?x#y'>"), ("<script>// ", "\n</script>"),
)  # fmt: skip


class Writer:
    """One seed, one template.

    Left out is where our errors are known to be worded in another way: a number of ``slice`` that is a field, an item
    that is set to something else while its range goes on, the second of two wrong arguments of a method.
    """

    def __init__(self, seed: int, *, markup: bool) -> None:
        self._dice = random.Random(seed)
        self._texts = _MARKUP if markup and self._one_in(4) else _TEXTS
        self._elements = _ELEMENTS if markup else (("", ""),)
        self._variables: list[str] = []
        self._loops = 0
        self._parentheses = 0

    def template(self) -> str:
        """Its text, with a template ``t`` that it may call."""
        main = self._listing(2)
        self._variables, self._loops = [], 0
        return main + '{{define "t"}}' + self._listing(1, calls=False) + "{{end}}"

    def _one_in(self, number: int) -> bool:
        return self._dice.randrange(number) == 0

    def _listing(self, depth: int, *, calls: bool = True) -> str:
        known = len(self._variables)
        parts = []
        for _ in range(self._dice.randint(1, 2)):
            left, right = self._dice.choice(self._elements) if self._one_in(2) else ("", "")
            parts += [self._dice.choice(self._texts), left, self._action(depth, calls=calls), right]
        parts.append(self._dice.choice(self._texts))
        if not self._one_in(40):
            del self._variables[known:]
        return "".join(parts)

    def _braced(self, inside: str) -> str:
        left = "{{- " if self._one_in(8) else "{{"
        right = " -}}" if self._one_in(8) else "}}"
        return left + inside + right

    def _action(self, depth: int, *, calls: bool) -> str:
        kind = self._dice.choice(
            ("pipe", "pipe", "pipe", "declare", "set", "if", "with", "range", "call", "jump")
        )
        if kind in ("if", "with", "range") and depth:
            return self._control(kind, depth, calls=calls)
        if kind == "declare":
            name = self._dice.choice(("$a", "$b"))
            inside = f"{name} := {self._pipe(1)}"
            self._variables.append(name)
            return self._braced(inside)
        settable = [name for name in self._variables if name in ("$a", "$b")]
        if kind == "set" and settable:
            return self._braced(f"{self._dice.choice(settable)} = {self._pipe(1)}")
        if kind == "call" and calls:
            return self._braced(f'template "t" {self._dice.choice((".", "$", "$", self._pipe(1)))}')
        if kind == "jump" and self._loops and self._one_in(3):
            return self._braced(self._dice.choice(("break", "continue")))
        return self._braced(self._pipe(2))

    def _control(self, kind: str, depth: int, *, calls: bool) -> str:
        known = len(self._variables)
        what = self._operand(self._dice.choice(("list", "strings", "map", "int")), 1)
        value = what if kind == "range" else self._pipe(1)
        names: list[str] = []
        if self._one_in(3):
            names = ["$i", "$e"] if kind == "range" and self._one_in(2) else ["$e"]
        head = f"{', '.join(names)} := {value}" if names else value
        self._variables += names
        self._loops += kind == "range"
        text = self._braced(f"{kind} {head}") + self._listing(depth - 1, calls=calls)
        self._loops -= kind == "range"
        if self._one_in(2):
            other = f"else {kind} {self._pipe(1)}" if kind != "range" and self._one_in(3) else "else"
            text += self._braced(other) + self._listing(depth - 1, calls=calls)
        del self._variables[known:]
        return text + self._braced("end")

    def _pipe(self, depth: int) -> str:
        commands = [self._command(depth)]
        while self._one_in(5):
            commands.append(self._call(depth, piped=True))
        return " | ".join(commands)

    def _command(self, depth: int) -> str:
        if self._one_in(2):
            return self._call(depth, piped=False)
        found = self._operand(self._dice.choice(list(_BY_TYPE)[:-1]), depth)
        return "1" if found == "nil" else found

    def _call(self, depth: int, *, piped: bool) -> str:
        name, kinds = self._dice.choice(_CALLS)
        while self._parentheses and name in _PLACELESS:
            name, kinds = self._dice.choice(_CALLS)
        kinds = kinds[: len(kinds) - piped] if not self._one_in(40) else [*kinds, "number"]
        words = [name, *(self._operand(kind, depth) for kind in kinds)]
        if name == "printf" and len(words) > 1:
            words[1] = self._dice.choice(_FORMATS)
        return " ".join(words)

    def _operand(self, kind: str, depth: int) -> str:
        if kind == "number":
            return self._dice.choice(_BY_TYPE[kind])
        if self._one_in(40):
            kind = self._dice.choice(list(_BY_TYPE))
        if self._variables and self._one_in(4):
            return self._dice.choice(self._variables) + self._dice.choice(
                ("", "", "", "", "", ".x", ".Name", ".X")
            )
        if depth and self._one_in(4):
            self._parentheses += 1
            inside = self._pipe(depth - 1)
            self._parentheses -= 1
            return f"({inside})" + self._dice.choice(("", "", "", "", "", ".x", ".X", ".Name.y"))
        found = self._dice.choice(_BY_TYPE[kind]).replace("_", " ")
        return f"${found}" if found[0] == "." and len(found) > 1 and self._one_in(2) else found
