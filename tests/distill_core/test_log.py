"""The log: written as it happens, read back whole, damage told."""

import errno
import json
import os
import threading
import time

import jsonschema
import pytest

from distill_core import events as ev
from distill_core import reading
from distill_core.errors import LogError
from distill_core.models.base import Usage
from distill_core.reading import ends_of, read_session
from distill_core.recorder import Recorder, SessionLog
from tests.distill_core.test_state import TARGET, call, opening


def note(text: str = "") -> ev.Annotated:
    return ev.Annotated(step=0, annotation_id="a", target=TARGET, by="me", comment=text)


def finished() -> ev.SessionFinished:
    return ev.SessionFinished(
        step=1,
        status="finished",
        answer=ev.Final(value=None, text="None"),
        partial=False,
        reason="",
        iterations=1,
        supervisor_usage=Usage(),
        worker_usage=Usage(),
        cost=None,
        elapsed=1.0,
    )


def write(folder, *events):
    log = SessionLog(folder)
    recorder = Recorder([log])
    made = [recorder.emit(e) for e in events]
    log.close()
    return made


def test_what_was_written_is_read_back_in_order(tmp_path):
    made = write(tmp_path / "s", opening(), call(1, None), note("x"), finished())
    found = read_session(tmp_path / "s")
    assert list(found.events) == made
    assert found.problems == ()
    assert [e.seq for e in found.events] == [1, 2, 3, 4]


def test_each_event_is_on_file_before_emit_returns(tmp_path):
    log = SessionLog(tmp_path / "s")
    Recorder([log]).emit(note("now"))
    assert b'"now"' in (tmp_path / "s" / "human.jsonl").read_bytes()
    log.close()


def test_every_line_fits_the_schema_and_carries_the_common_fields(tmp_path):
    write(tmp_path / "s", opening(), call(1, None), note(), finished())
    schema = ev.json_schema()
    for path in (tmp_path / "s").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            jsonschema.validate(event, schema)
            assert {"seq", "step", "timestamp", "type", "v"} <= set(event)
            assert event["timestamp"].endswith("Z")


def test_a_torn_last_line_is_told_and_skipped(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening(), note("a"), note("b"))
    path = folder / "human.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    found = read_session(folder)
    assert len(found.events) == 2
    assert not found.damaged
    assert "torn" in str(found.problems[0])


def test_a_missing_line_is_damage(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening(), note("a"), note("b"), note("c"))
    path = folder / "human.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    found = read_session(folder)
    assert found.damaged
    assert "events 3 to 3 are missing" in str(found.problems[0])


@pytest.mark.parametrize(("times", "read"), [(1, 4), (9, 4)])
def test_a_session_that_is_written_while_it_is_read_is_no_damaged_one(tmp_path, monkeypatch, times, read):
    log = SessionLog(tmp_path / "s")
    recorder = Recorder([log])
    for event in (opening(), note("a")):
        recorder.emit(event)
    stream, steps = reading._stream, iter(range(1, times + 1))

    def meanwhile(folder, name, *rest):
        if name == "human":
            for step in steps:
                recorder.emit(call(step, None))
                recorder.emit(note("late"))
                break
        return stream(folder, name, *rest)

    monkeypatch.setattr(reading, "_stream", meanwhile)
    found = read_session(tmp_path / "s")
    log.close()
    assert [event.seq for event in found.events] == list(range(1, read + 1))
    assert not found.damaged


def test_a_time_without_its_zone_is_none(tmp_path):
    write(tmp_path / "s", opening())
    path = tmp_path / "s" / "supervisor.jsonl"
    path.write_bytes(path.read_bytes().replace(b'Z"', b'"', 1))
    assert "timezone" in str(read_session(tmp_path / "s").problems[0])


def test_a_line_of_a_newer_program_is_told_apart(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening())
    with (folder / "human.jsonl").open("ab") as file:
        file.write(b'{"type":"thought_reading","seq":2,"step":0,"v":99}\n{"oh": \n')
    found = [str(p) for p in read_session(folder).problems]
    assert "newer version (schema 99" in found[0]
    assert "not JSON" in found[1]


def test_control_characters_and_lone_surrogates_survive_escaped(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening(), note("nul \x00 esc \x1b[2J bidi \u202e lone \ud800 é中🎉"))
    raw = (folder / "human.jsonl").read_bytes()
    assert b"\x00" not in raw
    assert b"\x1b" not in raw
    read = read_session(folder).events[1]
    assert read.comment == "nul \x00 esc \x1b[2J bidi \u202e lone \\ud800 é中🎉"


def test_a_second_session_in_the_same_folder_is_refused(tmp_path):
    write(tmp_path / "s", opening())
    with pytest.raises(LogError, match="a session is kept there already"):
        SessionLog(tmp_path / "s")


def test_a_folder_without_a_session_is_told(tmp_path):
    with pytest.raises(LogError, match="no session in"):
        read_session(tmp_path)


@pytest.fixture
def disk(monkeypatch):
    """A disk with as much room as a test says; None is plenty."""
    real, room = os.write, [None]

    def write(fd, data):
        if room[0] is None:
            return real(fd, data)
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(room[0], len(data))
        room[0] -= taken
        return real(fd, data[:taken])

    monkeypatch.setattr(os, "write", write)
    return room


def test_on_a_full_disk_events_wait_in_memory_and_are_all_written_when_there_is_room(tmp_path, disk):
    told = []
    log = SessionLog(tmp_path / "s", on_trouble=told.append)
    recorder = Recorder([log])
    recorder.emit(opening())
    disk[0] = 10
    for word in ("one", "two", "three"):
        recorder.emit(note(word))
    assert [e.seq for e in read_session(tmp_path / "s").events] == [1]
    assert read_session(tmp_path / "s").problems == ()
    disk[0] = None
    recorder.emit(note("four"))
    log.close()
    reading = read_session(tmp_path / "s")
    assert reading.problems == ()
    assert [e.comment for e in reading.events[1:]] == ["one", "two", "three", "four"]
    first, second = told
    assert "No space left on device" in first
    assert "\n" not in first
    assert "nothing is missing" in second


@pytest.mark.parametrize("room", [1, 2, 3, 100])
def test_a_line_that_the_disk_takes_in_pieces_is_whole_or_not_there(tmp_path, monkeypatch, room):
    real, left = os.write, [None]

    def write(fd, data):
        if left[0] is None:
            return real(fd, data)
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return real(fd, data[:10])

    monkeypatch.setattr(os, "write", write)
    log = SessionLog(tmp_path / "s")
    recorder = Recorder([log])
    recorder.emit(opening())
    left[0] = room
    recorder.emit(note("in pieces"))
    assert read_session(tmp_path / "s").problems == ()
    left[0] = None
    log.close()
    assert [e.comment for e in read_session(tmp_path / "s").events[1:]] == ["in pieces"]


def test_a_disk_that_does_not_confirm_is_told_at_once_and_at_the_end(tmp_path, monkeypatch):
    told, real = [], os.fsync

    def fsync(fd):
        raise OSError(errno.EIO, "Input/output error")

    log = SessionLog(tmp_path / "s", on_trouble=told.append)
    recorder = Recorder([log])
    recorder.emit(opening())
    monkeypatch.setattr(os, "fsync", fsync)
    recorder.emit(note("perhaps lost"))
    while not told:
        time.sleep(0.01)
    monkeypatch.setattr(os, "fsync", real)  # that it works again says nothing of what was written before
    with pytest.raises(LogError, match=r"did not confirm .* Input/output error .*verify"):
        log.close()
    assert len(told) == 1
    assert "Input/output error" in told[0]
    log.close()


def test_a_sink_that_raises_leaves_a_log_without_a_number_twice(tmp_path):
    class Raising:
        def write(self, event):
            if event.seq == 2:
                raise RuntimeError("a fault of the caller's")

    log = SessionLog(tmp_path / "s")
    recorder = Recorder([log, Raising()])
    recorder.emit(opening())
    with pytest.raises(RuntimeError):
        recorder.emit(note("written all the same"))
    recorder.emit(note("the next"))
    log.close()
    reading = read_session(tmp_path / "s")
    assert reading.problems == ()
    assert [event.seq for event in reading.events] == [1, 2, 3]


def test_what_never_found_room_is_put_elsewhere_and_said(tmp_path, disk, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = SessionLog(tmp_path / "s")
    recorder = Recorder([log])
    recorder.emit(opening())
    disk[0] = 0
    recorder.emit(note("kept elsewhere"))
    with pytest.raises(LogError, match="sessions import") as failure:
        log.close()
    (place,) = tmp_path.glob("distill-tui-s-*/s")
    assert str(place) in str(failure.value)
    assert read_session(place).events[1].comment == "kept elsewhere"
    log.close()


def test_a_session_that_could_not_even_begin_is_refused(tmp_path, disk):
    disk[0] = 0
    log = SessionLog(tmp_path / "s")
    with pytest.raises(LogError, match="No space left on device"):
        Recorder([log]).emit(opening())
    log.close()


def test_many_threads_number_without_gaps(tmp_path):
    log = SessionLog(tmp_path / "s")
    recorder = Recorder([log])
    threads = [threading.Thread(target=lambda: [recorder.emit(note()) for _ in range(200)]) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    log.close()
    reading = read_session(tmp_path / "s")
    assert reading.problems == ()
    assert len(reading.events) == 1600


def test_closing_twice_is_harmless(tmp_path):
    log = SessionLog(tmp_path / "s")
    log.close()
    log.close()


def test_the_ends_of_streams_are_told_as_they_were_before_reading(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening(), call(1, None), note("x" * 3000), finished())
    expected = ends_of(folder)
    assert expected["human"] == (
        (folder / "human.jsonl").stat().st_size,
        (folder / "human.jsonl").read_bytes()[-1024:],
    )
    for passing in ((), ("human",), ("worker", "repl")):
        assert read_session(folder, passing=passing).ends == expected
    # Also where what was passed over does not add up, and all is read after all.
    with (folder / "human.jsonl").open("ab") as file:
        file.write(b'{"torn')
    found = read_session(folder, passing=("human",))
    assert found.problems
    assert found.ends == ends_of(folder) != expected


@pytest.mark.parametrize("at_once", [1, 64, 700, 1500, 4000])
def test_ends_are_the_same_however_much_is_read_at_once(tmp_path, monkeypatch, at_once):
    folder = tmp_path / "s"
    write(folder, opening(), call(1, None), note("x" * 1500), note("y" * 3000), note("z"), finished())
    monkeypatch.setattr("distill_core.reading._AT_ONCE", at_once)
    found = read_session(folder)
    assert not found.problems
    assert found.ends == ends_of(folder)


def test_the_ends_are_those_of_the_first_look(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    write(folder, opening(), call(1, None), note(), finished())
    before = ends_of(folder)
    lines = (folder / "human.jsonl").read_bytes()
    gap = reading._gap

    def written_meanwhile(events):
        monkeypatch.setattr(reading, "_gap", gap)
        (folder / "human.jsonl").write_bytes(lines * 2)
        return 1

    monkeypatch.setattr(reading, "_gap", written_meanwhile)
    assert read_session(folder).ends == before != ends_of(folder)


def test_a_read_that_fails_once_loses_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "s"
    write(folder, opening(), call(1, None), note(), finished())
    whole, read = read_session(folder), os.read
    failing = iter([OSError(errno.EIO, "Input/output error")])

    def once(fd, size):
        for error in failing:
            raise error
        return read(fd, size)

    monkeypatch.setattr(os, "read", once)
    found = read_session(folder)
    assert not list(failing)
    assert (found.events, found.problems, found.ends) == (whole.events, (), whole.ends)


def test_an_end_that_cannot_be_read_is_told(tmp_path):
    folder = tmp_path / "s"
    write(folder, opening(), note())
    (folder / "worker.jsonl").unlink(missing_ok=True)
    (folder / "worker.jsonl").mkdir()
    for read in (ends_of, read_session):
        with pytest.raises(LogError, match=r"worker\.jsonl.*no file"):
            read(folder)
