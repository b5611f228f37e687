"""What vectors do not show: sets of templates, what code is made of them, and whose values they take."""

import ast
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from amfast.template import compiler
from amfast.template.errors import TemplateError
from amfast.template.meter import Meter
from amfast.template.parser import parse
from amfast.template.templates import Templates
from amfast.template.values import (
    INT,
    STRING,
    STRINGS,
    Field,
    Function,
    FunctionError,
    Kind,
    Mapping,
    Sequence,
    Type,
)


def failing(text: str) -> str:
    raise FunctionError(f"cannot take {text}")


FUNCTIONS = {
    "shout": Function("shout", (STRING,), STRING, lambda text: text.upper() + "!"),
    "failing": Function("failing", (STRING,), STRING, failing),
    "glue": Function("glue", (STRING, STRING), STRING, lambda sep, *rest: sep.join(rest), variadic=True),
    "join": Function("join", (STRING, STRINGS), STRING, lambda sep, words: sep.join(words)),
}
LABELS = Type("test.Labels", Kind.MAP, key=STRING, elem=STRING)
LABELS.methods["Count"] = Function("Count", (), INT, len)
WORDS = Type("test.Words", Kind.SLICE, elem=STRING)
PERSON = Type(
    "test.Person",
    Kind.STRUCT,
    fields=(Field("Name", STRING, "name"), Field("Labels", LABELS, "labels"), Field("age", INT, "years")),
)
PERSON.methods["Greet"] = Function("Greet", (STRING,), STRING, lambda person, word: f"{word}, {person.name}")


@dataclass
class Person:
    name: str
    labels: Mapping
    years: int = 30
    go_type: ClassVar[Type] = PERSON


ANN = Person("Ann", Mapping({"job": "cook"}, LABELS))


def rendered(text: str, data: Any = None, *sources: str) -> str:
    named = [(f"{number}.tmpl", source) for number, source in enumerate(sources)]
    return Templates.of(named, FUNCTIONS).text(text, data)


def error(text: str, data: Any = None, *sources: str) -> str:
    with pytest.raises(TemplateError) as caught:
        rendered(text, data, *sources)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("a {{- /* note */ -}} b", None, "ab"),
        ("{{.Name}}: {{.Labels.job}}{{.Labels.none}}", ANN, "Ann: cook"),
        ("{{.Labels.Count}} {{.Greet `Hi`}} {{`Ho` | .Greet | shout}}", ANN, "1 Hi, Ann HO, ANN!"),
        ("{{.none}} {{len .list}}", {"list": [1, 2]}, "<no value> 2"),
        ("{{range $i, $x := .}}{{$i}}{{$x}} {{end}}", ["a", "b"], "0a 1b "),
        ("{{range $key, $x := .}}{{$key}}{{$x}} {{end}}", {"b": 1, "a": 2}, "a2 b1 "),
        ("{{range .}}x{{else}}none{{end}}", [], "none"),
        ("{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 3}}{{break}}{{end}}{{.}}{{end}}", None, "02"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", None, "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", None, "1"),
        ("{{if $x := 0}}a{{else if $y := 7}}{{$x}}{{$y}}{{end}}", None, "07"),
        ("{{with .a}}{{.}}{{else with .b}}{{.}}{{$.b}}{{end}}", {"b": "B"}, "BB"),
        ("{{and 1 0 (failing `x`)}}{{or 0 2 (failing `x`)}}", None, "02"),
        ("{{$x := 1}}{{if and false ($x := 2)}}{{end}}{{$x}}", None, "1"),
        ("{{join `, ` .}}", Sequence(["a", "b"], WORDS), "a, b"),
        ("{{`b` | glue `-` `a`}}", None, "a-b"),
        ("{{block `x` 1}}<{{.}}>{{end}}{{template `x` 2}}", None, "<1><2>"),
        ("{{index . `a` 1}} {{slice `Grüße` 2 4}} {{len `ü`}}", {"a": [1, 2]}, "2 ü 2"),
        ("{{(index . 0).name}}", [{"name": "x"}], "x"),
        (
            "{{0x1F}} {{1_000}} {{'a'}} {{1e3}} {{0o17}} {{0b11}} {{1+2i}}",
            None,
            "31 1000 97 1000 15 3 (1+2i)",
        ),
        ("{{html `<a>`}}{{`a b` | urlquery}}{{js `'`}}", None, "&lt;a&gt;a+b\\'"),
    ],
)
def test_a_template_renders_as_in_go(text, data, expected):
    assert rendered(text, data) == expected


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("{{", None, "template: :1: unclosed action"),
        ("a\n{{.a}", None, "template: :2: bad character U+007D '}'"),
        ("{{nope}}", None, 'template: :1: function "nope" not defined'),
        ("{{if 1}}", None, "template: :1: unexpected EOF"),
        (
            "{{.Job}}",
            ANN,
            'template: :1:2: executing "" at <.Job>: can\'t evaluate field Job in type test.Person',
        ),
        (
            "é\né{{.Labels.job.x}}",
            ANN,
            'template: :2:11: executing "" at <.Labels.job.x>: can\'t evaluate field x in type string',
        ),
        (
            "{{.age}}",
            ANN,
            'template: :1:2: executing "" at <.age>: age is an unexported field of struct type test.Person',
        ),
        (
            "{{range .}}{{.x}}{{end}}",
            [None],
            'template: :1:13: executing "" at <.x>: nil pointer evaluating interface {}.x',
        ),
        (
            "{{shout 1}}",
            None,
            'template: :1:8: executing "" at <1>: expected string; found 1',
        ),
        (
            "{{shout .}}",
            3,
            'template: :1:8: executing "" at <.>: wrong type for value; expected string; got int',
        ),
        (
            "{{shout}}",
            None,
            'template: :1:2: executing "" at <shout>: wrong number of args for shout: want 1 got 0',
        ),
        (
            "{{failing `x`}}",
            None,
            'template: :1:2: executing "" at <failing `x`>: error calling failing: cannot take x',
        ),
        (
            "{{if false}}{{$y := 1}}{{else}}{{$y}}{{end}}",
            None,
            'template: :1:33: executing "" at <$y>: undefined variable: $y',
        ),
        (
            "{{template `x`}}",
            None,
            'template: :1:11: executing "" at <{{template "x"}}>: template "x" not defined',
        ),
    ],
)
def test_what_is_wrong_is_said_in_gos_words(text, data, expected):
    assert error(text, data) == expected


def test_an_error_names_the_file_and_the_template_it_is_in():
    source = '\n{{define "x"}}{{.a.b}}{{end}}'
    assert error('{{template "x" .}}', "text", source) == (
        'template: 0.tmpl:2:18: executing "x" at <.a.b>: can\'t evaluate field a in type string'
    )


def test_a_later_definition_replaces_an_earlier_one_unless_it_is_empty():
    first, second, empty = (
        '{{define "x"}}1{{end}}',
        '{{define "x"}}2{{end}}',
        '{{define "x"}} {{/**/}}{{end}}',
    )
    assert rendered('{{template "x"}}', None, first, second, empty) == "2"


def test_a_file_is_a_template_by_its_name():
    assert rendered('{{template "0.tmpl" 3}}', None, "<{{.}}>") == "<3>"


def test_a_text_may_define_for_itself_what_the_files_use():
    templates = Templates.of(
        [("f", '{{define "a"}}a{{template "b"}}{{end}}{{define "b"}}b{{end}}')], FUNCTIONS
    )
    assert templates.text('{{define "b"}}B{{end}}{{template "a"}}', None) == "aB"
    assert templates.text('{{template "a"}}', None) == "ab"


def test_a_text_is_compiled_once(monkeypatch):
    made = []
    monkeypatch.setattr(
        "amfast.template.templates.compiled", lambda *parts: made.append(parts) or compiler.compiled(*parts)
    )
    templates = Templates.of([("f", '{{define "x"}}{{.}}{{end}}')], FUNCTIONS)
    assert [templates.text('{{template "x" .}}', number) for number in (1, 2)] == ["1", "2"]
    assert len(made) == 2


def test_a_function_may_render_another_text_meanwhile():
    templates: list[Templates] = []
    again = Function("again", (STRING,), STRING, lambda text: templates[0].text(text, 1))
    templates.append(Templates.of([], {"again": again}))
    assert templates[0].text("a{{again `<{{.}}>`}}b{{.}}", 2) == "a<1>b2"


@pytest.mark.parametrize("hostile", ["__import__('os').abort()", "'\"\\\n#", "run", "c1", "{0}", "%s"])
def test_nothing_of_a_template_gets_into_the_code_made_of_it(hostile, monkeypatch):
    sources = []

    def compiling(source, *rest):
        sources.append(source)
        return compile(source, *rest)

    monkeypatch.setattr(compiler, "compile", compiling, raising=False)
    quoted = '"' + hostile.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    text = f'{hostile}{{{{$mark := {quoted}}}}}{{{{template "t" (print {quoted} .mark)}}}}{{{{$mark}}}}'
    trees = parse(hostile, f'{text}{{{{define "t"}}}}{{{{.}}}}{{{{end}}}}', {"print"})
    compiler.compiled(trees[hostile], {}, Meter())
    names = {node.id for node in ast.walk(ast.parse(sources[0])) if isinstance(node, ast.Name)}
    strings = [
        node for node in ast.walk(ast.parse(sources[0])) if isinstance(node, ast.Constant | ast.JoinedStr)
    ]
    assert {type(node.value) for node in strings} <= {int, type(None)}
    assert not any("mark" in name or "import" in name for name in names)
