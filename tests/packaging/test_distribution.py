"""The source distribution builds, and the wheel that comes out of it runs in an empty environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".venv",
    ".git",
    "build",
    "dist",
    "*.egg-info",
    "*.so",
    "*.c",
    "__pycache__",
    ".*_cache",
    ".cluster",
    "data",
)


def run(*command: str | Path, folder: Path) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))
    }
    result = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**environment, "AMFAST_BUILD": "quick"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:]
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, set[str]]:
    """The wheel, built from the unpacked source distribution, and the names of its compiled modules."""
    tree = tmp_path_factory.mktemp("source") / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree, folder=out)
    (wheel,) = out.glob("*.whl")
    return wheel, {path.stem for path in (tree / "amfast" / "_ext").glob("*.pyx")}


def test_the_wheel_holds_what_runs_and_nothing_that_was_compiled_from(built):
    wheel, modules = built
    names = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).name.split(".")[0] for name in names if name.endswith(".so")} == modules
    assert {
        Path(name).stem for name in names if name.startswith("amfast/_ext/") and name.endswith(".pyi")
    } >= modules
    assert {
        "amfast/py.typed",
        "amfast/template/defaults/text.tmpl",
        "amfast/template/defaults/email.tmpl",
    } <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert [name for name in names if name.endswith((".c", ".pyx", ".pxd")) or name.startswith("tests")] == []


def test_the_wheel_runs_in_an_empty_environment_and_folder(built, tmp_path):
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    wheel, modules = built
    python = home / "bin" / "python"
    empty = tmp_path / "empty"
    empty.mkdir()
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, folder=empty)
    assert run(home / "bin" / "amfast", "--version", folder=empty).startswith("amfast, version 0.")
    lacking = subprocess.run(
        [home / "bin" / "amfast-load"], capture_output=True, text=True, check=False, timeout=60
    )
    assert lacking.returncode == 2
    assert lacking.stderr.endswith(" is missing: pip install 'amfast[load]'\n")
    assert run(python, "-m", "amfast", "--help", folder=empty).startswith("usage: amfast ")
    lend_dependencies(home)
    assert run(home / "bin" / "amfast-load", "--version", folder=empty).startswith("amfast-load 0.")
    render = ("template", "render", "--template.glob=x", '--template.text={{ template "__alertmanager" . }}')
    assert run(home / "bin" / "amfast-tool", *render, folder=empty) == "Alertmanager"
    program = "".join(f"import amfast._ext.{name}\n" for name in modules) + "print(amfast.__file__)"
    assert str(home) in run(python, "-c", program, folder=empty)


def lend_dependencies(home: Path) -> None:
    """Let the environment at ``home`` find what is installed here, behind what it has itself."""
    (site_packages,) = home.glob("lib/python*/site-packages")
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
