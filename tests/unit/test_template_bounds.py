"""No template stops the node: what it may cost, and that anything else is an error that says so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast.template import functions, meter, parser
from amfast.template.builtin import BUILTINS
from amfast.template.errors import TemplateError
from amfast.template.meter import DEPTH_MAX
from amfast.template.parser import NESTING_MAX, PARENTHESES_MAX, RANGES_MAX
from amfast.template.templates import Templates
from amfast.template.values import ANY, ANYS, STRING, STRINGS, Function, Sequence

FUNCTIONS = {
    "list": Function("list", (ANY,), ANYS, lambda *values: list(values), variadic=True),
    "append": Function("append", (ANYS, ANY), ANYS, lambda values, *more: [*values, *more], variadic=True),
    "join": Function("join", (STRING, STRINGS), STRING, lambda sep, words: sep.join(words)),
    "words": Function("words", (STRING,), STRINGS, lambda *words: Sequence(words, STRINGS), variadic=True),
}
DATA = {"a": {"b": 1}, "list": [1, "x", None, 2.5], "s": "text", "n": None, "i": 3}
GROWING = "{{$x := `0123456789abcdef`}}{{range 15}}{{$x = print $x $x}}{{end}}"


def error(text: str, source: str = "") -> str:
    with pytest.raises(TemplateError) as caught:
        Templates.of([("f", source)], FUNCTIONS).text(text, DATA)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{range 1000000000}}{{end}}",
        "{{range 100000}}{{range 100000}}{{end}}{{end}}",
        "{{range 1000000000}}{{if eq $.a.b 2}}x{{end}}{{end}}",
        "{{range 1000000000}}{{$y := printf `%d` .}}{{end}}",
        "{{$l := list}}{{range 1000000000}}{{$l = append $l $l}}{{end}}",
        GROWING + "{{range 1000000}}{{$y := slice $x 0 1}}{{end}}",
        GROWING + "{{join `` (words " + "$x " * 1000 + ")}}",
        '{{template "0"}}',
    ],
)
def test_a_template_that_takes_too_long_is_ended(text, monkeypatch):
    monkeypatch.setattr(meter, "STEPS_MAX", 200_000)
    doubling = "".join(
        f'{{{{define "{number}"}}}}{{{{template "{number + 1}"}}}}{{{{template "{number + 1}"}}}}{{{{end}}}}'
        for number in range(30)
    )
    assert "the template takes too long" in error(text, doubling + '{{define "30"}}{{end}}')


@pytest.mark.parametrize("name", ["toUpper", "toLower", "title"])
def test_letters_are_changed_at_what_it_costs_to_look_at_each(name, monkeypatch):
    monkeypatch.setattr(meter, "STEPS_MAX", 2_000_000)
    with pytest.raises(TemplateError, match="takes too long"):
        Templates.of([], functions.FUNCTIONS).text(f"{GROWING}{{{{{name} $x}}}}", {})


def test_the_text_has_a_greatest_length():
    assert "the text is longer than 16000000 characters" in error(GROWING + "{{range 1000000}}{{$x}}{{end}}")


def test_a_template_that_calls_itself_ends_with_gos_error():
    assert f"exceeded maximum template depth ({DEPTH_MAX})" in error(
        '{{template "x"}}', '{{define "x"}}{{template "x"}}{{end}}'
    )


def test_after_an_error_the_next_rendering_has_all_its_steps():
    templates = Templates.of([("f", '{{define "x"}}{{template "x"}}{{end}}')], FUNCTIONS)
    for text in ('{{template "x"}}', "{{range 1000000000}}{{end}}"):
        with pytest.raises(TemplateError):
            templates.text(text, None)
        assert templates.text("{{range 10000}}x{{end}}", None) == "x" * 10_000


def test_renderings_that_a_template_asks_for_share_its_steps():
    templates: list[Templates] = []
    again = Function("again", (), STRING, lambda: templates[0].text("{{range 100000}}{{end}}", None))
    templates.append(Templates.of([], {"again": again}))
    with pytest.raises(TemplateError, match="takes too long"):
        templates[0].text("{{range 10000}}{{again}}{{end}}", None)


@pytest.mark.parametrize(
    ("opening", "closing", "most", "what"),
    [
        ("{{if 1}}", "{{end}}", NESTING_MAX, "controls in each other"),
        ("{{with 1}}", "{{end}}", NESTING_MAX, "controls in each other"),
        ("{{range 1}}", "{{end}}", RANGES_MAX, "ranges in each other"),
        ("{{block `x` 1}}", "{{end}}", NESTING_MAX, "controls in each other"),
    ],
)
def test_controls_may_be_nested_so_deep_and_no_deeper(opening, closing, most, what):
    templates = Templates.of([], FUNCTIONS)
    if "block" not in opening:  # all of one name are one definition too many
        assert templates.text(opening * most + "x" + closing * most, None) == "x"
    assert what in error(opening * (most + 1) + "x" + closing * (most + 1))


def test_parentheses_may_be_nested_so_deep_and_no_deeper():
    templates = Templates.of([], FUNCTIONS)
    for inner in ("(", "(not ", "(print ", "(and 1 "):
        text = "{{" + inner * PARENTHESES_MAX + "1" + ")" * PARENTHESES_MAX + "}}"
        assert templates.text(text, None)
    assert "max expression depth exceeded" in error("{{" + "(" * 5000 + "1" + ")" * 5000 + "}}")


@pytest.mark.parametrize(
    "text",
    [
        "{{.s" + " | print" * 1000 + "}}",
        "{{if 0}}" + "{{else if 0}}" * 200 + "{{end}}",
        "{{.s}}" * 20_000,
        "x" * 1_000_001,
        "{{1" + "0" * 100_000 + "}}",
        '{{"' + "\\n" * 100_000,
        "{{" + ".a" * 5_000 + "}}",
    ],
)
def test_what_is_too_much_is_an_error_that_can_be_read(text):
    assert len(error(text)) < 5_000


def test_an_else_if_for_each_of_many_cases_is_not_nesting():
    branches = "".join(f"{{{{else if eq .i {number}}}}}{number}" for number in range(99))
    assert Templates.of([], {}).text("{{if eq .i 1000}}" + branches + "{{end}}", DATA) == "3"


# Any template.

OPERANDS = st.sampled_from(
    [
        ".", "$", ".a", ".a.b", ".s", ".n", ".n.x", ".list", ".none", "$.i", "$x", "nil", "true", "1", "-2", "1.5",
        "'a'", "1i", '"s"', "`%d`", "(.a).b", "list",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "and",
        "or",
        "not",
        "eq",
        "ne",
        "lt",
        "index",
        "slice",
        "len",
        "print",
        "printf",
        "html",
        "call",
        "append",
    ]
)
COMMANDS = st.builds(
    lambda name, rest: " ".join([name, *rest]), NAMES | OPERANDS, st.lists(OPERANDS, max_size=3)
)
PIPES = st.recursive(
    st.lists(COMMANDS, min_size=1, max_size=3).map(" | ".join),
    lambda inner: st.builds(lambda name, one, two: f"{name} ({one}) ({two})", NAMES, inner, inner),
    max_leaves=6,
)
DECLARATIONS = st.sampled_from(["", "", "$x := ", "$x = ", "$y, $x := ", "$y = "])
ACTIONS = st.builds(lambda head, pipe: f"{{{{{head}{pipe}}}}}", DECLARATIONS, PIPES)
LEAVES = ACTIONS | st.sampled_from(
    ["text", "{{break}}", "{{continue}}", "{{- /* c */ -}}", "{{template `t` .}}", "{{template `u`}}"]
)
CONTROLS = st.sampled_from(["if", "with", "range"])
TEMPLATES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(
            lambda word, head, pipe, body, other: (
                f"{{{{{word} {head}{pipe}}}}}{body}{{{{else}}}}{other}{{{{end}}}}"
            ),
            CONTROLS,
            DECLARATIONS,
            PIPES,
            inner,
            inner,
        )
        | st.lists(inner, max_size=4).map("".join)
    ),
    max_leaves=12,
)
GARBAGE = st.lists(
    st.sampled_from(
        [*"{}().|$:=,-\"'`\\\n 0x1e_+i.é\udcff", "{{", "}}", "{{end}}", "{{else}}", "range", "if", "define"]
    )
    | st.text(max_size=3),
    max_size=30,
).map("".join)


def outcome(templates: Templates, text: str) -> str:
    try:
        return templates.text(text, DATA)
    except TemplateError as problem:
        return str(problem)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEMPLATES, max_size=4).map("".join) | GARBAGE | GARBAGE.map("{{{{{}}}}}".format))
def test_any_text_is_rendered_or_refused(text):
    source = "{{define `t`}}{{template `t` .}}{{end}}{{define `u`}}u{{end}}"
    templates = Templates.of([("f", source)], FUNCTIONS)
    whole = "{{$x := 0}}{{$y := 0}}" + text
    assert outcome(templates, whole) == outcome(templates, whole)


@settings(deadline=None, max_examples=100)
@given(TEMPLATES)
def test_a_tree_written_out_is_the_same_tree(text):
    known = {*FUNCTIONS, *BUILTINS}
    try:
        tree = parser.parse("x", "{{$x := 0}}{{$y := 0}}" + text, known)["x"]
    except TemplateError:
        return
    written = str(tree.root)
    assert str(parser.parse("x", written, known)["x"].root) == written
