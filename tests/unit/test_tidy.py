"""The structure of the source, held as tests: who may import whom, sizes, leftovers, stubs, dependencies."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "amfast"
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

LEAVES = ("model", "_ext")
STATION = (*LEAVES, "config")
EVERYTHING = ("",)
ALLOWED = {
    "_ext": (),
    "model": ("_ext.anchors", "_ext.fingerprint"),
    "config": LEAVES,
    "web": STATION,
    "alerts": STATION,
    "dispatch": STATION,
    "mute": STATION,
    "notify": STATION,
    "template": STATION,
    "receivers": (*STATION, "template"),
    "cluster": STATION,
    "tracing": STATION,
    "recorder": STATION,
    "storage": ("model",),
    "loopclock": ("model",),
    "logs": ("model",),
    "urls": ("model",),
    "filewatch": (),
    "cli": ("model",),
    "views": EVERYTHING,
    "running": EVERYTHING,
    "status": EVERYTHING,
    "app": EVERYTHING,
    "outside": EVERYTHING,
    "sim": EVERYTHING,
    "svg": (),
    "load": ("model", "svg"),
    "tool": ("model", "config", "template", "cli"),
    "__main__": EVERYTHING,
}
"""By part of the package, what it may import besides itself and ``amfast``'s own version."""

CLOCKLESS = (
    "model",
    "config",
    "alerts",
    "dispatch",
    "mute",
    "notify",
    "template",
    "receivers",
    "cluster",
    "tracing",
    "recorder",
    "web",
)
"""Parts to which time and randomness are handed in."""

CLOCKS_AND_DICE = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.sleep",
    "asyncio.sleep",
}

SKIPPED_FOLDERS = {
    ".venv",
    ".git",
    ".hypothesis",
    ".benchmarks",
    "build",
    "dist",
    "node_modules",
    "__pycache__",
    ".cluster",
    "vectors",
}
TEXT_SUFFIXES = {
    ".py",
    ".pyi",
    ".pyx",
    ".pxd",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".txt",
    ".in",
    ".sh",
    ".ts",
    ".tsx",
    "",
}
LEFTOVERS = re.compile(
    r"\b(TO[D]O|FIX[M]E|X[X]X)\b"  # the brackets keep this line from finding itself
    r"|(?<![\w.~)}])/(work|root|farm|home)/[\w.]"
    r"|git[@]|(git[h]ub|git[l]ab)\.com|py[p]i\.org|python[h]osted"
)


def name_of(path: Path) -> str:
    """``amfast.config.load`` for ``amfast/config/load.py``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def texts() -> Iterator[Path]:
    folders = [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED_FOLDERS and not path.name.endswith((".egg-info", "_cache")):
                    folders.append(path)
            elif path.suffix in TEXT_SUFFIXES and path.name not in (".git", "LICENSE"):
                yield path


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a module imports."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def uses(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every attribute of an imported module, such as ``time.monotonic``."""
    tree = ast.parse(path.read_text())
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield node.lineno, f"{aliases[node.value.id]}.{node.attr}"


def forbidden(importer: str, imported: str) -> bool:
    """Whether the module ``importer`` must not import the dotted name ``imported``."""
    part = importer.split(".")[1] if "." in importer else ""
    target = imported.removeprefix("amfast.")
    if not imported.startswith("amfast.") or part == "" or target == "__version__":
        return False
    allowed = (part, *ALLOWED.get(part, ()))
    return not any(name in ("", target) or target.startswith(name + ".") for name in allowed)


def test_imports_point_one_way():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules()
        for line, name in imports(path)
        if forbidden(name_of(path), name)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "wrong"),
    [
        ("amfast.alerts.store", "amfast.model.alert.Alert", False),
        ("amfast.alerts.store", "amfast.alerts.gc", False),
        ("amfast.alerts.store", "amfast.dispatch.group.Group", True),
        ("amfast.cluster.peer", "amfast.notify.nflog", True),
        ("amfast.model.alert", "amfast._ext.fingerprint.alert_hash", False),
        ("amfast.model.alert", "amfast._ext.swim.Core", True),
        ("amfast.model.alert", "amfast.modelling", True),
        ("amfast.config.load", "amfast.web.server", True),
        ("amfast.cli", "amfast.config.load", True),
        ("amfast.app", "amfast.cluster.node", False),
        ("amfast.brand_new", "amfast.model.alert", True),
        ("amfast.web.server", "asyncio.Task", False),
    ],
)
def test_the_import_rule_knows_right_from_wrong(importer, imported, wrong):
    assert forbidden(importer, imported) is wrong


def test_compiled_modules_know_nothing_of_amfast_outside_themselves():
    wrong = [
        f"{path.name}: {line}"
        for suffix in ("*.pyx", "*.pxd", "*.pyi")
        for path in (PACKAGE / "_ext").glob(suffix)
        for line in re.findall(r"^\s*(?:from|import|cimport)\s+amfast\b.*", path.read_text(), re.MULTILINE)
        if not re.match(r"\s*(from|cimport|import)\s+amfast\._ext\b", line)
    ]
    assert wrong == []


def test_no_part_reads_a_clock_or_draws_random_numbers_by_itself():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} uses {name}"
        for path in modules()
        if path.relative_to(PACKAGE).parts[0] in CLOCKLESS
        for line, name in uses(path)
        if name in CLOCKS_AND_DICE or (name.startswith(("random.", "secrets.")) and name != "random.Random")
    ]
    assert wrong == []


def test_no_file_is_too_long_to_read():
    lengths = {
        path: len(path.read_text().splitlines()) for path in texts() if path.suffix[:3] in (".py", ".px")
    }
    assert {str(path): lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_too_long_to_see():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in texts()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_nothing_is_left_lying_about():
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := LEFTOVERS.search(line))
    ]
    assert wrong == []


def test_every_compiled_module_has_a_stub_and_every_stub_a_module():
    sources = {path.stem for path in (PACKAGE / "_ext").glob("*.pyx")}
    assert sources == {path.stem for path in (PACKAGE / "_ext").glob("*.pyi")}


def test_whatever_is_imported_is_declared_as_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    declared = {normal(re.split(r"[^\w.-]", line)[0]) for line in lines}
    known = packages_distributions()
    used = {name.split(".")[0] for path in modules() for _, name in imports(path)}
    outside = used - set(sys.stdlib_module_names) - {"amfast"}
    missing = {name for name in outside if not {normal(dist) for dist in known.get(name, [])} & declared}
    assert missing == set()


def test_every_dependency_has_its_reason_in_the_documentation():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert re.split(r"[^\w.-]", line)[0] in text


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
