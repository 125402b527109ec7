"""Another process is a copy of this one where nothing else runs in this one; it keeps nothing and ends with it."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from sessions.export import others
from sessions.export.others import begun, can_be_copied

linux = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux")
ANEW = "tests.sessions.export.answering"


def answer(asked, given):
    """Say what was asked in capitals, and what is open here."""
    while line := asked.readline():
        opened = sum(1 for _ in Path("/proc/self/fd").iterdir())
        given.write(line.upper() + f"{opened}\n".encode())
        given.flush()


def heard(other, lines):
    said = b""
    while said.count(b"\n") < lines and (more := os.read(other.hears, 1000)):
        said += more
    return said.split(b"\n")


@pytest.fixture
def copied(monkeypatch):
    """A copy, whatever else runs in the process of the tests."""
    monkeypatch.setattr(others, "can_be_copied", lambda: True)
    other = begun(answer, ANEW)
    yield other
    other.end()


@linux
def test_a_copy_answers_and_has_nothing_open_but_its_pipes(copied):
    assert copied.copied
    copied.tell(b"hello\n")
    # Three streams, two pipes, and the folder by which they are counted.
    assert heard(copied, 2)[:2] == [b"HELLO", b"6"]


@linux
def test_an_interrupt_from_the_keyboard_is_not_for_a_copy(copied):
    copied.tell(b"one\n")
    heard(copied, 2)
    os.kill(copied._process, signal.SIGINT)
    copied.tell(b"two\n")
    assert heard(copied, 2)[0] == b"TWO"


@linux
def test_a_copy_runs_no_block_that_is_another_processs(monkeypatch, tmp_path):
    monkeypatch.setattr(others, "can_be_copied", lambda: True)
    left = tmp_path / "left"
    other = None
    try:
        other = begun(lambda asked, given: None, ANEW)
        other.wait()
    finally:
        with left.open("a") as file:
            file.write("once")
    other.end()
    assert left.read_text() == "once"


def test_where_another_thread_runs_it_begins_anew():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not can_be_copied()
        other = begun(answer, ANEW)
    finally:
        stop.set()
        thread.join()
    assert not other.copied
    other.tell(b"hello\n")
    assert heard(other, 1)[0] == b"hello, anew"
    other.end()


@linux
def test_one_that_has_died_is_told_nothing(copied):
    copied.kill()
    copied.wait()
    copied.tell(b"hello\n")
    assert os.read(copied.hears, 10) == b""
