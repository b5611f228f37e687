"""The mail: what it says, that it loads nothing, and that it fits a phone in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from amfast.template.data import Data
from tests.support.templates import Mail, data_of_case, default_cases, renderer

MAIL = '{{ template "email.default.html" . }}'
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CASES = pytest.mark.parametrize("case", default_cases(), ids=lambda case: case["case"].replace(" ", "_"))
BY_NAME = {case["case"]: case for case in default_cases()}
LONG = "0123456789" * 40
PHONE_PX = 360


def html_of(data: Data) -> str:
    return renderer().html(MAIL, data)


@CASES
def test_texts_and_links_are_those_of_the_reference(case: dict[str, Any]) -> None:
    mail = Mail.read(html_of(data_of_case(case)))
    assert {"text": mail.text, "links": mail.links} == case["mail"]


def test_the_banner_says_by_its_colour_whether_anything_fires() -> None:
    assert 'bgcolor="#b3261e"' in html_of(data_of_case(BY_NAME["firing and resolved"]))
    assert 'bgcolor="#b3261e"' not in html_of(data_of_case(BY_NAME["several resolved"]))
    assert 'bgcolor="#1b6e3c"' in html_of(data_of_case(BY_NAME["several resolved"]))


def test_a_rule_stands_only_between_two_sections() -> None:
    assert Mail.read(html_of(data_of_case(BY_NAME["firing and resolved"]))).rules == 1
    assert Mail.read(html_of(data_of_case(BY_NAME["one firing"]))).rules == 0


def test_nothing_is_loaded_and_nothing_runs() -> None:
    html = html_of(data_of_case(BY_NAME["characters"]))
    mail = Mail.read(html)
    assert {tag for tag, _ in mail.tags}.isdisjoint(
        {"img", "link", "script", "iframe", "object", "form", "svg"}
    )
    assert not any(name.startswith("on") or name == "src" for _, found in mail.tags for name in found)
    assert "url(" not in html
    assert "@import" not in html
    assert "javascript:" not in "".join(mail.links)


def test_every_table_is_for_layout_only_and_says_so() -> None:
    mail = Mail.read(html_of(data_of_case(BY_NAME["firing and resolved"])))
    assert all(found["role"] == "presentation" for tag, found in mail.tags if tag == "table")


def test_dark_colours_are_there_for_those_who_want_them() -> None:
    html = html_of(data_of_case(BY_NAME["one firing"]))
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    used = {name for _, found in Mail.read(html).tags for name in (found.get("class") or "").split()}
    styled = set(re.findall(r"\.([a-z-]+)[ {]", html.split("<style>")[1].split("</style>")[0]))
    assert used - styled == set()
    assert styled - used == {"good", "banner-good", "rule"}


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package of the same name)")
@pytest.mark.parametrize("width", [PHONE_PX, 800])
def test_nothing_is_wider_than_the_screen(tmp_path: Path, width: int) -> None:
    case = BY_NAME["many labels"]
    alert = case["data"]["alerts"][0]
    long = {
        **alert,
        "labels": {**alert["labels"], LONG: "x", "y": LONG},
        "annotations": {"z": LONG + " " + LONG},
    }
    data = {**case["data"], "alerts": [long], "groupLabels": {"y": LONG}}
    (tmp_path / "mail.html").write_text(html_of(data_of_case({"data": data})))
    assert widths(tmp_path, width) == (width, width)


def widths(folder: Path, width: int) -> tuple[int, int]:
    """Of a frame of this width with the mail in it, and of what it would take to show all of it."""
    (folder / "frame.html").write_text(
        f'<iframe src="mail.html" style="width:{width}px;height:900px;border:0" onload="'
        "const page = this.contentDocument.documentElement;"
        "document.title = [page.clientWidth, page.scrollWidth].join()"
        '"></iframe>'
    )
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}", "--window-size=1000,1000",
        "--dump-dom", (folder / "frame.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(\d+),(\d+)</title>", done.stdout)
    assert found is not None, done.stdout[:500]
    return int(found[1]), int(found[2])
