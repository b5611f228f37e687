"""HTML templates beside Go's, and what must hold whatever the values are."""

import contextlib
import json
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast.template.errors import TemplateError
from amfast.template.html import escape
from amfast.template.parser import parse
from amfast.template.templates import Templates
from tests.support.html_values import VALUES, plain

VECTORS = Path(__file__).parents[1] / "vectors" / "templates"
PAGES = json.loads((VECTORS / "html_pages.json").read_text())
ESCAPERS = json.loads((VECTORS / "html_escapers.json").read_text())
TEMPLATES = Templates.of([("", '{{define "word"}}{{.}}{{end}}')], {})
FUNCTIONS = {"html", "urlquery", "print", "js"}


def rendered(template, data=VALUES):
    """The output, or the error behind a mark."""
    try:
        return TEMPLATES.html(template, data)
    except TemplateError as error:
        return f"error: {error}"


def trees(template, name=""):
    found = escape(parse(name, template, FUNCTIONS), name)
    return {name: str(tree.root) for name, tree in found.items()}


def expected(page):
    for key in ("error", "failed"):
        if key in page:
            return "error: " + plain(page[key]).removeprefix("parse: ")
    return plain(page.get("output", ""))


def test_pages_come_out_as_they_do_in_go():
    found = {page["template"]: rendered(plain(page["template"])) for page in PAGES}
    assert found == {page["template"]: expected(page) for page in PAGES}


def test_trees_are_rewritten_as_they_are_in_go():
    for page in PAGES:
        if "trees" in page:
            known = '{{define "word"}}{{.}}{{end}}'
            source = {**parse("", known, FUNCTIONS), **parse("", plain(page["template"]), FUNCTIONS)}
            ours = {name: str(tree.root) for name, tree in escape(source, "").items()}
            assert ours.items() <= {name: plain(tree) for name, tree in page["trees"].items()}.items()


@pytest.mark.parametrize("context", ESCAPERS["contexts"])
def test_values_print_in_every_context_as_they_do_in_go(context):
    vectors = ESCAPERS["contexts"][context]
    strings = [rendered(vectors["template"], plain(text)) for text in ESCAPERS["strings"]]
    assert strings == [plain(text) for text in vectors["strings"]]
    values = {name: rendered(vectors["template"], VALUES[name]) for name in vectors["values"]}
    assert values == {name: plain(text) for name, text in vectors["values"].items()}


# Where we do better than Go.


def test_a_template_ends_where_it_ended_when_it_is_called_again():
    page = '{{define "open"}}<a href="{{end}}{{template "open"}}/">{{template "open"}}{{.B}}">'
    assert rendered(page) == '<a href="/"><a href="#ZgotmplZ">'


def test_a_template_that_calls_itself_is_escaped_for_where_it_starts():
    page = '{{define "x"}}{{if .}}{{template "x" ""}}{{end}}<script>{{end}}{{template "x" ""}}</script>'
    assert "cannot compute output context" in rendered(page)
    page = '{{define "x"}}{{if .}}{{template "x" ""}}{{end}}x{{end}}<script>{{template "x" "a"}}/2</script>'
    assert rendered(page) == "<script>xx/2</script>"


@pytest.mark.parametrize("word", ["break", "continue"])
def test_an_error_at_the_early_end_of_a_round_names_its_line(word):
    page = "{{range .R}}\n<p{{if $.T}}\n{{WORD}}{{end}}>{{end}}".replace("WORD", word)
    found = rendered(page)
    assert found.startswith(f"error: html/template::3:2: at range loop {word}: {{{{range}}}} branches end")


def test_the_templates_that_were_given_stay_as_they_are():
    source = parse("", '{{.A}}<p title="{{template "x" .}}"><!-- c -->{{define "x"}}{{.}}{{end}}', FUNCTIONS)
    before = {name: str(tree.root) for name, tree in source.items()}
    escape(source, "")
    assert {name: str(tree.root) for name, tree in source.items()} == before


def test_text_and_html_of_one_template_do_not_mix():
    assert TEMPLATES.html("{{.A}}", VALUES) != TEMPLATES.text("{{.A}}", VALUES) == VALUES["A"]


def test_a_text_of_nothing_but_space_leaves_the_page_that_was_there_before():
    templates = Templates.of([("", "<p>{{.}}")], {})
    assert templates.html(" ", "&") == "<p>&amp;"
    assert templates.text(" ", "&") == " "


def test_nobody_but_the_escaper_calls_its_functions():
    assert rendered("{{.A | _html_template_htmlescaper}}").endswith(
        'function "_html_template_htmlescaper" not defined'
    )


# Bounds.


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def test_thousands_of_templates_that_call_each_other_need_no_stack():
    chain = "".join(f'{{{{define "t{n}"}}}}{{{{template "t{n + 1}" .}}}}{{{{end}}}}' for n in range(3000))
    found = trees(chain + '{{define "t3000"}}{{.}}{{end}}<p title="{{template "t0" .}}">')
    assert len(found) == 3002


CALLING_IN_LOOPS = (
    "".join(
        '{{define "tN"}}{{range .}}x{{template "tM" .}}{{range .}}?{{end}}{{template "tM" .}}{{end}}{{end}}'.replace(
            "N", str(n)
        ).replace("M", str(n + 1))
        for n in range(60)
    )
    + '{{define "t60"}}{{end}}<a href="{{template "t0" .}}">'
)
CALLING_THEMSELVES = (
    "".join(
        '{{define "tN"}}{{if .}}{{template "tN" .}}{{template "tM" .}}{{end}}x{{end}}'.replace(
            "N", str(n)
        ).replace("M", str(n + 1))
        for n in range(60)
    )
    + '{{define "t60"}}{{end}}<script>{{template "t0" .}}</script>'
)
CALLING_TWO = (
    "".join(
        '{{define "tN"}}{{template "tM" .}}{{template "tO" .}}{{end}}'.replace("N", str(n))
        .replace("M", str(n + 1))
        .replace("O", str(n + 2))
        for n in range(60)
    )
    + '{{define "t60"}}{{end}}{{define "t61"}}<a b"{{end}}{{template "t0" .}}'
)


@pytest.mark.parametrize(
    "bomb",
    [
        '<a href="' + "{{range .R}}" * 14 + "x?" + "{{end}}" * 14 + '">',
        "<script>" + "{{range .R}}" * 14 + "x" + "{{end}}" * 14 + "</script>",
        CALLING_IN_LOOPS,
        CALLING_THEMSELVES,
        CALLING_TWO,
    ],
)
def test_entangled_templates_end_soon(bomb):
    source = parse("", bomb, FUNCTIONS)

    def work():
        with contextlib.suppress(TemplateError):
            escape(source, "")

    assert seconds(work) < 10


@pytest.mark.parametrize(
    "text",
    [
        "<script>" + "x/1;'a';" * 20_000 + "</script>",
        "<script>" + "</scrip" * 20_000,
        "<style>" + "a{b:url( " * 20_000,
        "<style>'" + "\\3f " * 30_000 + "{{.A}}'</style>",
        "<" * 100_000,
        "<!--" * 30_000,
        "<title>" + "<" * 100_000 + "</title>",
        "<a " + "b=c " * 30_000 + ">",
        "<a b='" + "&#1" * 30_000 + "{{.A}}'>",
        "<meta content='" + "url " * 30_000 + "{{.A}}'>",
        "<p>{{.A}}\n" * 6_000,
        "{{if .T}}{{else}}{{end}}\n" * 3_000,
    ],
)
def test_long_texts_take_time_in_proportion(text):
    source = parse("", text, FUNCTIONS)

    def work():
        with contextlib.suppress(TemplateError):
            escape(source, "")

    assert seconds(work) < 8


@pytest.mark.parametrize("context", ESCAPERS["contexts"])
@pytest.mark.parametrize("piece", ["<", "\\", "\\3", "-", " ", "a,", "x ", "&", "%", "<a b='", "é", "\udcff"])
def test_long_values_take_time_in_proportion(context, piece):
    template = ESCAPERS["contexts"][context]["template"]
    assert seconds(lambda: rendered(template, piece * (100_000 // len(piece)) + "!")) < 3


# Whatever the values are.


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, without any text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag):
        self.found.append(("/", tag))

    def handle_comment(self, data):
        self.found.append(("comment", data))

    def handle_decl(self, decl):
        self.found.append(("declaration", decl))

    def handle_pi(self, data):
        self.found.append(("instruction", data))


def structure(page):
    parser = Structure()
    parser.feed(page)
    parser.close()
    return parser.found


PLACES = [
    "<p>{}</p>",
    '<p title="{}">x</p>',
    "<p title='a {}'>x</p>",
    "<p title={} class=b>x</p>",
    '<a href="{}">x</a>',
    "<a href='/a?b={}&amp;c={}'>x</a>",
    "<a href={}>x</a>",
    '<img srcset="{} 2x, /b">',
    '<p onclick="f({})">x</p>',
    "<p onclick='f(&quot;{}&quot;)'>x</p>",
    "<p onclick=f({})>x</p>",
    '<p style="color: {}; background: url({})">x</p>',
    "<script>x = {};</script>",
    "<script>x = '{}' + /{}/ + `{}`; // {}\n</script>",
    '<script type="text/template">{}</script>',
    "<style>p {{ color: {}; content: '{}' }}</style>".replace("{{", "{").replace("}}", "}"),
    "<title>{}</title>",
    "<textarea>{}</textarea>",
    "<!-- {} -->",
    "<meta content='5; url={}'>",
    "{{range .}}<b>{}</b>{{break}}{{end}}",
    "{{if .}}<i>{}</i>{{else}}<u>{}</u>{{end}}",
    '<p title={{with index . 0}}"{{.}}"{{end}}>',
]
DANGEROUS = [
    "<",
    ">",
    '"',
    "'",
    "`",
    "=",
    "/",
    " ",
    "&",
    "-->",
    "<!--",
    "</script>",
    "</title>",
    "\\",
    "javascript:",
    "on",
    "\0",
    "\n",
    "&lt;",
]
# Python's parser takes more characters for white space than HTML does.
CHARACTERS = st.characters().filter(lambda char: char in "\t\n\f\r " or not char.isspace())
NASTY = st.lists(st.sampled_from(DANGEROUS) | st.text(CHARACTERS, max_size=3), min_size=1, max_size=8).map(
    "".join
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=6), NASTY)
def test_no_value_changes_the_structure_of_a_page(places, value):
    template = "".join(places).replace("{}", "{{index $ 0}}")
    page = rendered(template, [value])
    if page.startswith("error: "):
        assert page == rendered(template, ["x"])
    else:
        assert structure(page) == structure(TEMPLATES.html(template, ["x"]))


@settings(max_examples=120, deadline=None)
@given(
    st.text(max_size=60) | st.lists(st.sampled_from([*DANGEROUS, "{{.}}", "<a", "<p>", "href="])).map("".join)
)
def test_any_text_is_rendered_or_refused_with_an_error(template):
    assert isinstance(rendered(template), str)
