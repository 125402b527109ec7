"""The scratch folder, measured and taken away, whatever was made of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from distill_core.isolation.scratch import clear, overfull

ME = (os.getpid(),)


def test_a_small_folder_is_not_overfull(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    assert not overfull(str(tmp_path), 100_000, ME)


def test_what_lies_deeper_counts(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "d").write_bytes(b"x" * 300_000)
    assert overfull(str(tmp_path), 100_000, ME)


def test_a_sparse_file_counts_as_what_it_takes(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    assert not overfull(str(tmp_path), 100_000, ME)


def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to("/usr")
    assert not overfull(str(tmp_path), 100_000, ME)


def test_too_many_files_are_too_much(tmp_path: Path) -> None:
    for number in range(20_001):
        (tmp_path / str(number)).touch()
    assert overfull(str(tmp_path), 1 << 40, ME)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_removed_file_that_is_held_open_counts(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write(b"x" * 300_000)
        file.flush()
        (tmp_path / "a").unlink()
        assert overfull(str(tmp_path), 100_000, ME)


def test_a_folder_deeper_than_any_path_goes(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 50, dir_fd=folder)
        inner = os.open("d" * 50, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    assert overfull(str(top), 1 << 40, ME), "what cannot be looked at is too much"
    clear(str(top))
    assert not top.exists()


def test_locked_folders_and_links_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    outside.chmod(0o755)
    top = tmp_path / "top"
    (top / "locked" / "inner").mkdir(parents=True)
    (top / "link").symlink_to(outside)
    (top / "locked" / "link").symlink_to(outside / "kept")
    (top / "locked").chmod(0)
    clear(str(top))
    assert not top.exists()
    assert (outside / "kept").exists()
