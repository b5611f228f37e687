"""The templates that a configuration names: read, parsed and ready, after the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from amfast.config.files import read_bytes
from amfast.model.errors import ConfigError
from amfast.template import gotime
from amfast.template.errors import TemplateError
from amfast.template.globs import GlobError, expand
from amfast.template.rendering import Renderer, check

FILE_BYTES_MAX: Final = 1_000_000
ALL_BYTES_MAX: Final = 32 << 20

_DEFAULTS: Final = Path(__file__).parent / "defaults"


class _File(NamedTuple):
    path: str
    text: str

    @property
    def name(self) -> str:
        """What the file is called as a template."""
        return self.path.rpartition("/")[2]


def load_templates(globs: Sequence[str], now: Callable[[], gotime.Time]) -> Renderer:
    """Read and parse the files of the patterns, in their order, those of one pattern by name.

    ``now`` is what the functions about the present say. Raises ConfigError, one line for each file that is wrong:
    the file, the line, and what it is.
    """
    files = [*_defaults(), *_files(globs)]
    try:
        return Renderer(((file.name, file.text) for file in files), now)
    except TemplateError as error:
        raise ConfigError("\n".join(_problems(files)) or str(error)) from error


def _defaults() -> Iterator[_File]:
    for name in ("text.tmpl", "email.tmpl"):
        # No file of a user has an empty name, so none of theirs takes the place of one of these.
        yield _File(f"{name}/", (_DEFAULTS / name).read_text(encoding="utf-8"))


def _files(globs: Sequence[str]) -> Iterator[_File]:
    left = ALL_BYTES_MAX
    for glob in globs:
        try:
            paths = expand(glob)
        except GlobError as error:
            raise ConfigError(f"templates: {glob}: {error}") from error
        for path in paths:
            content = read_bytes(path, "the template file")
            left -= len(content)
            if len(content) > FILE_BYTES_MAX:
                raise ConfigError(f"{path}: a template file has at most {FILE_BYTES_MAX} bytes")
            if left < 0:
                raise ConfigError(f"{path}: template files have at most {ALL_BYTES_MAX >> 20} MiB in all")
            yield _File(path, content.decode("utf-8", "surrogateescape"))


def _problems(files: Iterable[_File]) -> Iterator[str]:
    for file in files:
        try:
            check(file.name, file.text)
        except TemplateError as error:
            yield f"{file.path}:{str(error).removeprefix(f'template: {file.name}:')}"
