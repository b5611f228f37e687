"""When a changed file counts as changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from amfast.filewatch import FileWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("one")
    return path


def test_a_file_that_stays_as_it_is_has_not_changed(file: Path) -> None:
    watch = FileWatch(file)
    assert [watch.changed() for _ in range(3)] == [False] * 3


def test_a_change_counts_when_it_is_seen_twice_so_that_a_half_written_file_is_not_read(file: Path) -> None:
    watch = FileWatch(file)
    file.write_text("two, the first half")
    assert watch.changed() is False
    file.write_text("two, the first half and the second")
    assert watch.changed() is False
    assert watch.changed() is True


def test_a_change_counts_until_the_file_is_read_again_and_then_no_more(file: Path) -> None:
    watch = FileWatch(file)
    file.write_text("three")
    assert [watch.changed() for _ in range(3)] == [False, True, True]
    watch.reading()
    assert [watch.changed() for _ in range(2)] == [False, False]


def test_a_link_that_leads_elsewhere_is_a_change_and_a_missing_file_is_none(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    watch = FileWatch(link)
    other = file.with_name("other")
    other.write_text("one")
    link.unlink()
    assert [watch.changed() for _ in range(2)] == [False, False]
    link.symlink_to(other)
    assert [watch.changed() for _ in range(2)] == [False, True]
