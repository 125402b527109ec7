"""The scratch folder, measured and taken away, whatever was made of it."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill_core.isolation import scratch
from distill_core.isolation.scratch import clear, overfull
from distill_core.repl import REPL, ReplLimits, process
from distill_core.repl.handle import fields_of

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


def test_too_many_files_are_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "MOST_ENTRIES", 200)
    for number in range(200):
        (tmp_path / str(number)).touch()
    assert not overfull(str(tmp_path), 1 << 40, ME)
    (tmp_path / "one more").touch()
    assert overfull(str(tmp_path), 1 << 40, ME)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_removed_file_that_is_held_open_counts(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write(b"x" * 300_000)
        file.flush()
        (tmp_path / "a").unlink()
        assert overfull(str(tmp_path), 100_000, ME)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_removed_file_that_is_only_mapped_counts_where_mappings_are_looked_at(tmp_path: Path) -> None:
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    with (tmp_path / "new\nli\rne (deleted)").open("w+b") as file:
        file.write(b"x" * 300_000)
        file.flush()
        address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    (tmp_path / "new\nli\rne (deleted)").unlink()
    assert not overfull(str(tmp_path), 100_000, ME)
    assert overfull(str(tmp_path), 100_000, ME, maps=True)
    libc.munmap(address, 4096)
    assert not overfull(str(tmp_path), 100_000, ME, maps=True)


def test_a_folder_deeper_than_any_path_goes(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(300):
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


_SWAPPING = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
os.chdir(sys.argv[2])
print(flush=True)
while os.getppid() == int(sys.argv[3]):
    for make in (lambda: os.mkdir("d"), lambda: os.symlink(sys.argv[1], "l")):
        try: make()
        except OSError: pass
    for _ in range(50): libc.renameat2(-100, b"d", -100, b"l", 2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_a_folder_that_turns_into_a_link_while_it_is_emptied_leads_nowhere(tmp_path: Path) -> None:
    outside, top = tmp_path / "outside", tmp_path / "top"
    for folder in (outside, top):
        folder.mkdir()
        folder.chmod(0o755)
    (outside / "precious").touch()
    command = [sys.executable, "-c", _SWAPPING, str(outside), str(top), str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as swapping:
        assert swapping.stdout is not None
        swapping.stdout.readline()
        for _ in range(20_000):
            clear(str(top), keep=True)
        assert swapping.poll() is None
        swapping.kill()
    assert (outside / "precious").exists()
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(sys.platform != "linux", reason="level good is Linux's")
def test_who_moves_things_out_of_the_way_when_the_folder_is_looked_at_is_stopped_for_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unseen(folder: str, size: int, pids: list[int], *, maps: bool = False) -> bool:
        if maps:
            looks.append([fields_of(pid)[0] for pid in pids])
        return maps and overfull(folder, size, pids, maps=maps)

    looks: list[list[bytes]] = []
    monkeypatch.setattr(process, "overfull", unseen)
    limits = ReplLimits(scratch_bytes=16 << 20)

    def fill(megabytes: int, seconds: float) -> str:
        files = f"for n in range(3): open(f'f{{n}}', 'wb').write(bytes({megabytes} << 20))"
        return f"import time\n{files}\ntime.sleep({seconds})"

    with REPL("", isolation="good", limits=limits) as repl:
        result = repl.execute(fill(10, 20), timeout=20)
        assert "more into its scratch folder" in (result.traceback or "")
        assert all(set(states) <= {b"T", b"S"} and b"T" in states for states in looks if states)
        assert repl.execute(fill(1, 0.6) + "\nprint('goes on')").stdout == "goes on\n"
