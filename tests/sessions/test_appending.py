"""Adding judgements to a session that is over: numbering, torn lines, turns, sudden death."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.reading import read_session
from distill_core.recorder import SessionLog
from distill_core.runner import run
from distill_core.state import fold
from sessions.appending import annotate, annotation, append, newer
from sessions.verify import verify
from tests.fakes.models import Answering, Scripted
from tests.fakes.sinks import Kept

ROOT = Path(__file__).parents[2]
SESSION = ev.Target(kind="session")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished session."""
    place = tmp_path / "session"
    run("q?", "a document", Scripted("```repl\nFINAL('yes')\n```"), Answering(str.upper), log_dir=place)
    return place


def test_an_annotation_goes_on_where_the_log_ends(folder: Path) -> None:
    last = read_session(folder).events[-1].seq
    one = annotate(folder, SESSION, by="ada", rating=4)
    two = annotate(folder, ev.Target(kind="step", id="1"), by="ada", step=1, mark=-1, reason="a detour")
    assert [one.seq, two.seq] == [last + 1, last + 2]
    verdict = verify(folder)
    assert verdict.whole
    assert verdict.state is not None
    assert [a.rating for a in verdict.state.annotations()] == [4, None]


def test_a_retraction_is_added_like_an_annotation(folder: Path) -> None:
    made = annotate(folder, SESSION, by="ada", rating=4)
    append(folder, [ev.Retracted(step=0, retracts=made.seq, by="ada")])
    assert fold(read_session(folder).events).annotations() == []
    assert verify(folder).whole


@pytest.mark.parametrize("stream", ev.STREAMS)
def test_a_torn_last_line_is_cut_off_first(folder: Path, stream: str) -> None:
    with (folder / f"{stream}.jsonl").open("ab") as file:
        file.write(b'{"type":"annotated","seq":99')
    made = annotate(folder, SESSION, by="ada", comment="still here")
    reading = read_session(folder)
    assert reading.problems == ()
    assert reading.events[-1] == made


def test_what_others_added_meanwhile_is_told(folder: Path) -> None:
    known = read_session(folder).events[-1].seq
    theirs = [annotate(folder, SESSION, by="bob", comment=f"remark {n}") for n in range(3)]
    added = append(folder, [annotation(SESSION, by="ada", rating=2)], known=known)
    assert list(added.missed) == theirs
    assert added.events[0].seq == known + 4
    assert newer(folder, known) == (*theirs, *added.events)
    assert newer(folder, known + 4) == ()


def test_only_ends_are_read_yet_nothing_is_missed_behind_long_lines(folder: Path) -> None:
    known = read_session(folder).events[-1].seq
    theirs = [annotate(folder, SESSION, by="bob", comment="x" * 100_000) for _ in range(4)]
    for back in range(5):
        assert list(newer(folder, known + back)) == theirs[back:]


def test_sinks_get_what_is_added(folder: Path) -> None:
    kept = Kept()
    append(folder, [annotation(SESSION, by="ada", rating=2)], sinks=[kept])
    assert [event.seq for event in kept.events] == [read_session(folder).events[-1].seq]


def test_a_session_that_still_runs_elsewhere_is_left_alone(folder: Path) -> None:
    log = SessionLog(folder, append=True)
    try:
        with pytest.raises(LogError, match="another program writes"):
            append(folder, [annotation(SESSION, by="ada", rating=2)], patience=0)
    finally:
        log.close()
    assert verify(folder).whole


def test_no_session_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no session"):
        annotate(tmp_path / "nothing", SESSION, by="ada", rating=1)
    assert not (tmp_path / "nothing").exists()


def test_an_annotation_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="mark"):
        annotation(SESSION, by="ada", mark=7)


def program(folder: Path, who: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.judging_session", str(folder), who],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )


def test_two_programs_that_are_killed_lose_nothing_they_told_and_damage_nothing(folder: Path) -> None:
    told: set[int] = set()
    for lines in (3, 11, 20):
        programs = [program(folder, who) for who in ("ada", "bob")]
        try:
            for one in programs:
                assert one.stdout is not None
                told |= {int(one.stdout.readline()) for _ in range(lines)}
        finally:
            for one in programs:
                one.kill()
            for one in programs:
                told |= {
                    int(line)
                    for line in one.communicate()[0].splitlines(keepends=True)
                    if line.endswith(b"\n")
                }
        verdict = verify(folder)
        assert verdict.whole, verdict.problems
    there = {event.seq for event in read_session(folder).events if isinstance(event, ev.Annotated)}
    assert told <= there
    assert {"ada", "bob"} == {e.by for e in read_session(folder).events if isinstance(e, ev.Annotated)}


def test_a_session_that_was_moved_away_meanwhile_is_told_as_such(folder: Path) -> None:
    known = read_session(folder).events[-1].seq
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(LogError, match=r"session is not there any more.*sessions restore"):
        append(folder, [annotation(SESSION, by="ada", rating=4)], known=known)
    with pytest.raises(LogError, match="name a session's folder"):
        append(folder, [annotation(SESSION, by="ada", rating=4)])
