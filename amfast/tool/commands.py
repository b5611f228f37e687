"""The command line of ``amfast-tool`` (reference amtool, sections 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from amfast.cli.declare import Command, flag, flags_of
from amfast.tool import render

PROGRAM: Final = "amfast-tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """What ``template render`` is told."""

    globs: tuple[str, ...] = flag(
        "template.glob",
        "strings",
        None,
        "Files with templates; *, ? and [] stand for more. May be given several times.",
        required=True,
    )
    text: str = flag("template.text", "string", None, "The text to render.", required=True)
    markup: str = flag(
        "template.type",
        "markup",
        None,
        "What the text is: text, or html, in which what comes from the data is escaped. Text by default.",
    )
    data_file: str = flag(
        "template.data",
        "file",
        None,
        "File with the data to render, as JSON, in the form that a webhook gets. A made-up group of two alerts by "
        "default.",
    )


def run_render(options: RenderOptions) -> str:
    """The rendered text. Raises AmfastError."""
    return render.render(options.globs, options.text, options.data_file, is_html=options.markup == "html")


_RENDER: Final = Command(
    "render", "Render a text with the templates of files, and print it.", flags_of(RenderOptions)
)
TOOL: Final = Command(
    PROGRAM,
    "Looks at what a node of Alertmanager does, or would do.",
    commands=(Command("template", "Work with templates.", commands=(_RENDER,)),),
)
RUN: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    _RENDER.name: lambda values: run_render(RenderOptions(**values)),
}
"""By name of a command, what makes its output from the values of its flags; raises AmfastError."""
