"""Whether a folder is whole is told truly, also after the program was killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_core.errors import LogError
from distill_core.reading import read_session
from distill_core.runner import run
from sessions.verify import verify
from tests.fakes.models import Scripted, echo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    code = "```repl\nprint(worker('x'))\n```"
    return run("q", "text", Scripted(code, "```repl\nFINAL(1)\n```"), echo(), log_dir=tmp_path / "s").log_dir


def replace(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def test_a_whole_session_has_nothing_to_tell(folder):
    verdict = verify(folder)
    assert verdict.whole
    assert verdict.notes == ()
    assert verdict.events > 10


def test_a_changed_message_is_found(folder):
    replace(folder / "supervisor.jsonl", b"Python", b"Pascal")
    assert any("is not what it was" in str(p) for p in verify(folder).problems)


def test_a_changed_document_is_found(folder):
    next((folder / "documents").iterdir()).write_text("other")
    assert any("was changed" in str(p) for p in verify(folder).problems)


def test_a_lost_document_is_found(folder):
    next((folder / "documents").iterdir()).unlink()
    assert any("is not kept" in str(p) for p in verify(folder).problems)


def test_a_lost_line_is_found(folder):
    path = folder / "worker.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert not verify(folder).whole


def test_a_call_that_nothing_started_is_found(folder):
    replace(folder / "worker.jsonl", b'"call_id":"w1"', b'"call_id":"w9"')
    assert any("w1, which nothing before it mentions" in str(p) for p in verify(folder).problems)


def test_a_session_that_never_finished_is_noted_not_blamed(folder):
    path = folder / "supervisor.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    verdict = verify(folder)
    assert verdict.whole
    assert "it never finished" in verdict.notes


def test_an_empty_folder_is_no_session(tmp_path):
    with pytest.raises(LogError, match="no session"):
        verify(tmp_path)


@pytest.mark.timeout(300)
def test_killed_at_fifty_random_moments_it_verifies_and_nothing_seen_is_missing(tmp_path):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    checked = 0
    for attempt in range(50):
        folder = tmp_path / str(attempt)
        told = tmp_path / f"{attempt}.told"
        with told.open("wb") as out:
            program = subprocess.Popen(
                [sys.executable, "-m", "tests.fakes.busy_session", str(folder)], cwd=ROOT, stdout=out
            )
        try:
            # Wait for its first event, so that the moment falls into the session and not into start-up.
            while told.stat().st_size == 0 and program.poll() is None:
                time.sleep(0.005)
            time.sleep(dice.uniform(0, 0.4))
        finally:
            os.kill(program.pid, signal.SIGKILL)
            program.wait()
        verdict = verify(folder)
        assert verdict.whole, (seed, attempt, [str(p) for p in verdict.problems])
        seen = [int(line) for line in told.read_bytes().split(b"\n")[:-1]]
        kept = {e.seq for e in read_session(folder).events}
        assert set(seen) <= kept, (seed, attempt)
        checked += len(seen)
    assert checked > 1000
