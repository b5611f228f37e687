"""The escapers of an action: which ones its context asks for, and how they join its pipeline.

After Go's html/template, escape.go (escapeAction, ensurePipelineContains).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from amfast.template.nodes import Action, Command, Identifier, Node, Pipe
from amfast.template.quoting import quote

from .context import COMMENTS, Context, Delim, Slash, State, UrlPart, failed

_PREFIX: Final = "_html_template_"
EVALUATE: Final = "_eval_args_"

_URL_STATES: Final = frozenset(
    {
        State.URL,
        State.CSS_DOUBLE,
        State.CSS_SINGLE,
        State.CSS_DOUBLE_URL,
        State.CSS_SINGLE_URL,
        State.CSS_URL,
    }
)
_CSS_STRINGS: Final = frozenset({State.CSS_DOUBLE, State.CSS_SINGLE})
_BY_STATE: Final = {
    State.TEXT: ("htmlescaper",),
    State.RCDATA: ("rcdataescaper",),
    State.ATTR: (),
    State.ATTR_NAME: ("htmlnamefilter",),
    State.SRCSET: ("srcsetescaper",),
    State.META_CONTENT: (),
    State.META_CONTENT_URL: ("urlfilter",),
    State.JS: ("jsvalescaper",),
    State.JS_DOUBLE: ("jsstrescaper",),
    State.JS_SINGLE: ("jsstrescaper",),
    State.JS_LITERAL: ("jstmpllitescaper",),
    State.JS_REGEXP: ("jsregexpescaper",),
    State.CSS: ("cssvaluefilter",),
} | dict.fromkeys(COMMENTS, ("commentescaper",))
_BY_DELIM: Final = {
    Delim.NONE: (),
    Delim.SPACE: ("nospaceescaper",),
    Delim.SINGLE: ("attrescaper",),
    Delim.DOUBLE: ("attrescaper",),
}

PREDEFINED: Final = frozenset({"html", "urlquery"})
"""The escapers that a template may name itself, at the end of a pipeline."""
_EQUIVALENT: Final = {
    f"{_PREFIX}{name}": "html" for name in ("attrescaper", "htmlescaper", "rcdataescaper")
} | {f"{_PREFIX}{name}": "urlquery" for name in ("urlescaper", "urlnormalizer")}
_REDUNDANT: Final = frozenset(
    (f"{_PREFIX}{first}", f"{_PREFIX}{second}")
    for first, second in (
        ("commentescaper", "attrescaper"),
        ("commentescaper", "htmlescaper"),
        ("cssescaper", "attrescaper"),
        ("jsregexpescaper", "attrescaper"),
        ("jsstrescaper", "attrescaper"),
        ("jstmpllitescaper", "attrescaper"),
        ("urlescaper", "urlnormalizer"),
    )
)
"""The second changes nothing of what the first leaves."""


def escapers(context: Context, action: Action) -> tuple[Context, tuple[str, ...]]:
    """The context behind an action in ``context``, and the escapers that its value has to go through."""
    context = context.nudged()
    last = len(action.pipe.commands) - 1
    for number, command in enumerate(action.pipe.commands):
        name = _function(command)
        unquoted = context.state is State.ATTR and context.delim is Delim.SPACE and name == "html"
        if name in PREDEFINED and (number < last or unquoted):
            return failed(f"predefined escaper {quote(name)} disallowed in template"), ()
    if context.state is State.ERROR:
        return context, ()
    if context.state in _URL_STATES:
        if context.url is UrlPart.UNKNOWN:
            return failed(f"{action} appears in an ambiguous context within a URL"), ()
        names = _for_url(context)
    else:
        names = _BY_STATE[context.state]
    if context.state is State.JS:  # a slash behind a value divides it
        context = replace(context, slash=Slash.DIVISION)
    return context, tuple(_PREFIX + name for name in (*names, *_BY_DELIM[context.delim]))


def _for_url(context: Context) -> tuple[str, ...]:
    if context.url is UrlPart.QUERY:
        return ("urlescaper",)
    names = ("cssescaper",) if context.state in _CSS_STRINGS else ("urlnormalizer",)
    return ("urlfilter", *names) if context.url is UrlPart.NONE else names


def _function(command: Command) -> str:
    """The name of the function that a command calls; nothing if it calls none by name."""
    first = command.arguments[0]
    return first.name if isinstance(first, Identifier) else ""


def escaped(pipe: Pipe, names: tuple[str, ...]) -> Pipe:
    """``pipe`` with escapers at its end. A predefined escaper there takes the place of the one it is as good as."""
    if not names:
        return pipe
    commands = list(pipe.commands)
    own = _function(commands[-1])
    if own in PREDEFINED:
        if len(commands) == 1 and len(commands[0].arguments) > 1:  # {{html a b}} is {{evaluated a b | html}}
            commands = [_with_function(commands[0], EVALUATE), _call(own, pipe.position)]
        if any(_EQUIVALENT.get(name) == own for name in names):
            names = tuple(own if _EQUIVALENT.get(name) == own else name for name in names)
            commands.pop()
    present = {_EQUIVALENT.get(name, name) for name in map(_function, commands)}
    for name in names:
        before = _function(commands[-1]) if commands else ""
        if _EQUIVALENT.get(name, name) not in present and (before, name) not in _REDUNDANT:
            commands.append(_call(name, pipe.position))
    return replace(pipe, commands=commands)


def _call(name: str, position: int) -> Command:
    return Command(position, [Identifier(position, name)])


def _with_function(command: Command, name: str) -> Command:
    arguments: list[Node] = [Identifier(command.arguments[0].position, name), *command.arguments[1:]]
    return replace(command, arguments=arguments)
