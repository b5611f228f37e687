"""What the declarations of the keys say, for editors (a JSON Schema) and for people (``docs/configuration.md``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from amfast.config.emit import Tree
from amfast.config.schema import JsonSchema, Row, Shape, nullable
from amfast.config.tree import whole_file

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_HEAD: Final = """# The configuration file

Made by `python -m amfast.config.documents` from the declarations in `amfast/config`: change it there.

amfast reads the file of `--config.file` as Alertmanager does. `amfast --config.schema` prints a JSON Schema of it,
with which editors complete and check keys. All errors of a file are told at once, each with file, line, column and
path. What amfast can read but not do yet ends the start, or the reload, with a line for each.

Words of the tables:

| word | meaning |
|---|---|
| text | As written, whatever it looks like: `01`, `yes` and `09:00` need no quotes. |
| template, HTML template | Text that is run as a template when a notification is sent. |
| secret, secret template, secret URL | Never shown: `<secret>` stands in its place. |
| true or false | Also `yes`, `no`, `on`, `off`, `y`, `n`; not in quotes. |
| duration | Numbers with units from large to small, each at most once: `1y2w3d4h5m6s7ms`; or `0`. |
| Go duration | Numbers with units `h`, `m`, `s`, `ms`, `us`, `ns`, also with fractions: `1m30s`, `1.5h`. |
| URL, secret URL | Begins with `http://` or `https://`. |
| file name | Read when it is needed. Most are relative to the folder of the configuration file: see below. |
| regular expression | RE2, over the whole text. |
| anything | Whatever YAML can say. |

A null (`key:` with nothing after it) empties a key that has a default, and is as good as no key for a mapping.

Relative file names in `templates`, in `http_config` (apart from `client_certificate_key_file` and the one of
`incidentio_configs`) and in `event_recorder` are joined with the folder of the configuration file. All others,
such as `url_file` or those in the `tls_config` of mails and traces, are relative to the working directory.
"""


def json_schema() -> JsonSchema:
    """A JSON Schema of the whole file."""
    top, *shapes = _all_shapes()
    return {
        "$schema": _DRAFT,
        "title": "amfast configuration",
        **_mapping(top),
        "$defs": {shape.name: _mapping(shape) for shape in shapes},
    }


def markdown() -> str:
    """``docs/configuration.md``."""
    return "\n".join([_HEAD, *(line for shape in _all_shapes() for line in _section(shape))])


def _all_shapes() -> list[Shape]:
    """The top level and everything below it, breadth first, each once."""
    found = {"File": whole_file()}
    waiting = [found["File"]]
    while waiting:
        for row in waiting.pop(0).rows:
            for shape in row.kind.shapes() if row.kind is not None else ():
                if shape.name not in found:
                    found[shape.name] = shape
                    waiting.append(shape)
    return list(found.values())


def _mapping(shape: Shape) -> JsonSchema:
    rows = [row for row in shape.rows if row.kind is not None]
    rules: list[JsonSchema] = [
        {"not": {"required": [row.name, other]}} for row in rows for other in row.excludes
    ]
    rules += [{"anyOf": [{"required": [name]} for name in names]} for names in shape.one_of]
    return {
        "type": "object",
        "description": shape.about,
        "properties": {row.name: _property(row) for row in shape.rows},
        "additionalProperties": False,
        **({"required": needed} if (needed := [row.name for row in rows if row.required]) else {}),
        **({"allOf": rules} if rules else {}),
    }


def _property(row: Row) -> JsonSchema:
    if row.kind is None:
        return {"enum": [None, []], "description": "Not supported by this version of amfast."}
    schema = row.kind.json_schema()
    return {**(schema if row.required else nullable(schema)), "description": row.about}


def _section(shape: Shape) -> Iterator[str]:
    yield f"## {shape.name}\n"
    yield f"{shape.about}\n"
    for names in shape.one_of:
        yield f"At least one of {', '.join(f'`{name}`' for name in names)} must be set.\n"
    if any(row.kind is not None for row in shape.rows):
        yield "| key | value | default | |\n|---|---|---|---|"
        for row in shape.rows:
            if row.kind is not None:
                yield f"| `{row.name}` | {row.kind.named()} | {_default(row)} | {_about(row)} |".replace(
                    "|  |", "| |"
                )
        yield ""


def _about(row: Row) -> str:
    beside = ", ".join(f"`{name}`" for name in row.excludes)
    return " ".join(
        filter(None, ("Required." * row.required, row.about, f"Not beside {beside}." * bool(beside)))
    ).replace("|", "\\|")


def _default(row: Row) -> str:
    if row.kind is None or row.default is None or row.kind.empty(row.default):
        return ""
    shown: Tree = row.kind.show(row.default)
    if shown in ("", False, 0, "0s", {}, []):
        return ""
    text = shown if isinstance(shown, str) else json.dumps(shown)
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - it is a command
