"""Folders read by another process give what reading them here gives, and are read here where it cannot be had."""

import subprocess
import sys

import pytest

from sessions.home import Home
from sessions.reading_ahead import Read, Unreadable, read, read_all
from tests.sessions.homes import invent
from tests.sessions.stories import talk


@pytest.fixture
def folders(tmp_path):
    for n in range(4):
        invent(tmp_path, f"s{n}", *talk(5 * n))
    return list(enumerate(Home(tmp_path).folders(), 1))


def test_another_process_reads_what_this_one_would(folders):
    here = [read(number, folder) for number, folder in folders]
    assert all(isinstance(result, Read) for result in here)
    assert list(read_all(folders, worth_it=0)) == here


def test_the_other_process_is_asked_only_where_there_is_much_to_read(folders, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("another process was started"))
    assert len(list(read_all(folders))) == 4


def test_where_there_is_no_other_process_all_is_read_here(folders, monkeypatch, tmp_path):
    expected = list(read_all(folders))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    assert list(read_all(folders, worth_it=0)) == expected


def test_where_the_other_process_dies_the_rest_is_read_here(folders, monkeypatch):
    started = []
    popen = subprocess.Popen

    def remembered(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remembered)
    expected = list(read_all(folders))
    results = read_all(folders, worth_it=0)
    found = [next(results)]
    started[0].kill()
    started[0].wait()
    assert [*found, *results] == expected


def test_nothing_runs_on_when_reading_is_broken_off(folders, monkeypatch):
    started = []
    popen = subprocess.Popen

    def remembered(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remembered)
    results = read_all(folders, worth_it=0)
    next(results)
    results.close()
    assert started[0].poll() is not None


def test_a_folder_that_cannot_be_read_is_told_of(folders, tmp_path):
    (tmp_path / "sessions" / "s1" / "worker.jsonl").unlink()
    (tmp_path / "sessions" / "s1" / "worker.jsonl").mkdir()
    results = list(read_all(folders, worth_it=0))
    assert [type(result) for result in results] == [Read, Unreadable, Read, Read]
    assert "worker.jsonl" in results[1].why
