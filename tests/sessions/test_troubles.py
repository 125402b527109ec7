"""Full disks, read-only homes, indexes that are newer, damaged or shared: told in one line, and nothing is lost."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from distill_core.errors import LogError, StoreError
from distill_core.events import Annotated, DecisionMade, Target
from distill_core.liveness import is_live
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from sessions import LiveIndex, Store, database, parse
from sessions.appending import annotate
from sessions.bulk import Bulk
from sessions.database import DamagedIndex, NewerIndex
from sessions.forking import family, unfinished
from sessions.home import Home
from sessions.importing import bring
from sessions.rebuilding import rebuild
from sessions.trash import remove
from sessions.verify import verify
from tests.sessions.disks import fill, resize, tiny
from tests.sessions.homes import ANSWERING, invent, judge, keep
from tests.sessions.index_rows import everything
from tests.sessions.stories import opening, talk

ROOT = Path(__file__).parents[2]


def one_line(error):
    assert "\n" not in str(error)
    return str(error)


def test_an_index_of_a_newer_version_is_left_alone(tmp_path):
    invent(tmp_path, "s1")
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "sessions.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(NewerIndex) as failure:
        Store(tmp_path)
    assert "update the program" in one_line(failure.value)


def test_an_older_index_is_brought_up_to_date(tmp_path):
    judge(invent(tmp_path, "s1", *talk(1)), rating=4, comment="well cited")
    early = DecisionMade(step=2, proposal_id="budget:turns", action="raise_budget", by="ada", took=1.0)
    first = DecisionMade(step=0, proposal_id="budget:seconds", action="raise_budget", by="ada", took=1.0)
    invent(tmp_path, "s0", *talk(1), early)
    invent(tmp_path, "s2", first)
    Store(tmp_path).close()
    before = everything(tmp_path / "sessions.db")
    connection = sqlite3.connect(tmp_path / "sessions.db")
    connection.execute("update sessions set rating = 1")
    connection.execute("update decisions set step = 2 where proposal_id = 'budget:turns'")
    connection.execute("delete from decisions where proposal_id = 'budget:seconds'")
    connection.execute("delete from _sqlite_migrations where name > '0001_first'")
    connection.execute("pragma user_version = 1")
    connection.commit()
    connection.close()
    with Store(tmp_path) as store:
        assert {row.session_id: row.rating for row in store.list()} == {"s0": None, "s1": 4, "s2": None}
        assert [hit.where for hit in store.search(parse("cited"))] == ["comment"]
    assert everything(tmp_path / "sessions.db") == before


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_index_is_told_and_made_again(tmp_path, damage):
    invent(tmp_path, "s1")
    Store(tmp_path).close()
    before = everything(tmp_path / "sessions.db")
    for path in tmp_path.glob("sessions.db*"):
        path.unlink()
    (tmp_path / "sessions.db").write_bytes(damage)
    with pytest.raises(DamagedIndex) as failure:
        Store(tmp_path)
    assert "sessions rebuild" in one_line(failure.value)
    rebuild(Home(tmp_path))
    assert everything(tmp_path / "sessions.db") == before


@pytest.mark.parametrize(
    ("field", "number"), [("prompt_tokens", 10**30), ("seq", -(10**19)), ("step", 10**6), ("chars", 2**63)]
)
def test_numbers_that_no_index_holds_damage_their_own_session_only(tmp_path, field, number):
    invent(tmp_path, "s1", *talk(3))
    folder = invent(tmp_path, "s2", *talk(3))
    log = next(path for path in folder.glob("*.jsonl") if f'"{field}":' in path.read_text().splitlines()[-1])
    *before, last = log.read_text().splitlines()
    last = re.sub(rf'"{field}":\d+', f'"{field}":{number}', last)
    log.write_text("\n".join([*before, last]) + "\n")
    with Store(tmp_path) as store:
        assert "s1" in {row.session_id for row in store.list()}
    rebuild(Home(tmp_path))
    assert not verify(folder).whole


def test_a_log_that_counts_its_steps_from_nought_keeps_no_other_from_being_listed(tmp_path):
    invent(tmp_path, "s1", *talk(3))
    folder = invent(tmp_path, "s2", *talk(3))
    for log in folder.glob("*.jsonl"):
        log.write_text(log.read_text().replace('"step":1', '"step":0'))
    with Store(tmp_path) as store:
        problems = {row.session_id: row.problem for row in store.list()}
    assert problems["s1"] is None
    assert "step 0" in (problems["s2"] or "")
    assert not verify(folder).whole


def test_a_line_that_is_nested_too_deeply_damages_its_own_session_only(tmp_path):
    invent(tmp_path, "s1", *talk(3))
    folder = invent(tmp_path, "s2", *talk(3))
    log = folder / "supervisor.jsonl"
    deep = "[" * 100_000 + "]" * 100_000
    line = log.read_text().splitlines()[0].replace('"config":{', f'"config":{{"deep":{deep},')
    assert deep in line
    log.write_text(f"{line}\n")
    with Store(tmp_path) as store:
        assert "s1" in {row.session_id for row in store.list()}
    rebuild(Home(tmp_path))
    assert any("nested too deeply" in str(problem) for problem in verify(folder).problems)
    with pytest.raises(LogError, match="nested too deeply"):
        annotate(folder, Target(kind="session"), by="ada", rating=4)


@pytest.fixture
def impatient():
    """Whoever waits for ever ends the test."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits for a pipe's other end"))
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.mark.parametrize("stream", ["supervisor", "repl", "worker", "human"])
def test_a_pipe_in_the_place_of_a_log_keeps_nobody_waiting(tmp_path, impatient, stream):
    invent(tmp_path, "s1", *talk(3))
    folder = invent(tmp_path, "s2", *talk(3))
    Store(tmp_path).close()
    (folder / f"{stream}.jsonl").unlink(missing_ok=True)
    os.mkfifo(folder / f"{stream}.jsonl")
    rest = next(path for path in folder.glob("*.jsonl") if path.is_file())
    with rest.open("a") as log:
        log.write("\n")
    home = Home(tmp_path)
    with Store(tmp_path) as store:
        (unread,) = store.unread
        assert f"{stream}.jsonl: it is no file" in unread.why
        assert [store.name(name) for name in ("s1", "s2")] == ["s1", "s2"]
    assert home.find("last").name in ("s1", "s2")
    assert not is_live(folder)
    assert unfinished(tmp_path)[0].name in ("s1", "s2")
    assert family(folder.with_name("s1"))[0].session_id == "s1"
    for refused in (
        lambda: bring(Home(tmp_path / "other"), folder),
        lambda: annotate(folder, Target(kind="session"), by="ada", rating=4),
        lambda: verify(folder),
    ):
        with pytest.raises(LogError):
            refused()
    rebuild(home)
    assert [path.name for path in (remove(home, "s2"),)] == ["s2"]


def test_a_pipe_in_the_place_of_a_document_keeps_nobody_waiting(tmp_path, impatient):
    folder = keep(tmp_path / "other", "s1", ANSWERING)
    (document,) = (tmp_path / "other" / "documents").iterdir()
    document.unlink()
    os.mkfifo(document)
    with pytest.raises(LogError, match="it is no file"):
        bring(Home(tmp_path / "home"), folder)
    assert not verify(folder).whole


def test_a_session_that_cannot_be_indexed_is_told_of_by_its_name(tmp_path):
    invent(tmp_path, "s1")
    folder = invent(tmp_path, "s2")
    (folder / "worker.jsonl").unlink()
    os.mkfifo(folder / "worker.jsonl")
    with Store(tmp_path) as store, pytest.raises(StoreError, match=r"s2 is not in the index.*it is no file"):
        store.row("s2")


def test_an_index_damaged_in_the_middle_is_told(tmp_path):
    for n in range(5):
        invent(tmp_path, f"s{n}", *talk(20))
    Store(tmp_path).close()
    path = tmp_path / "sessions.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="sessions rebuild"), Store(tmp_path) as store:
        store.list()
    rebuild(Home(tmp_path))
    with Store(tmp_path) as store:
        assert len(store.list()) == 5


def test_a_read_only_home_is_read_as_it_lies(tmp_path):
    with tiny(tmp_path / "home", "2m") as home:
        invent(home, "s1", *talk(3))
        Store(home).close()
        resize(home, "ro")
        with Store(home) as store:
            assert [row.session_id for row in store.list()] == ["s1"]
            assert "--home" in one_line(store.trouble)
        with pytest.raises(LogError, match="choose another folder"):
            SessionLog(home / "sessions" / "s2")


def test_an_index_that_could_only_be_read_is_written_once_there_is_room(tmp_path):
    with tiny(tmp_path / "home", "2m") as home:
        folder = invent(home, "s1")
        invent(home, "s2")
        Store(home).close()
        fill(home / "full")
        with Store(home) as store:
            bulk = Bulk(store, "ada")
            done = bulk.trash(["s2"])
            assert done.words == "1 session moved to the trash"
            assert "free some space" in one_line("".join(done.unlisted))
            assert [row.session_id for row in store.list()] == ["s2", "s1"], "as it was left"
            (home / "full").unlink()
            judge(folder, rating=4)
            store.refresh("s1")
            assert store.row("s1").rating == 4
            store.catch_up()
            assert (store.trouble, store.count()) == (None, 1)


def test_a_session_on_a_disk_that_fills_up_loses_nothing_when_there_is_room_again(tmp_path):
    with tiny(tmp_path / "home", "400k") as home:
        folder = home / "sessions" / "s1"
        told = []
        log = SessionLog(folder, on_trouble=told.append)
        live = LiveIndex(home / "sessions.db", folder, on_trouble=told.append)
        recorder = Recorder([log, live])
        recorder.emit(opening("s1"))
        made = list(talk(150, chars=2000))
        for event in made:
            recorder.emit(event)
        assert any("cannot write the session's log" in line for line in told)
        assert len(read_session(folder).events) < len(made) + 1
        resize(home, "20m")
        log.close()
        live.close()
        assert [e.seq for e in read_session(folder).events] == list(range(1, len(made) + 2))
        live_rows = everything(home / "sessions.db")
        rebuild(Home(home))
        assert everything(home / "sessions.db") == live_rows


@pytest.mark.parametrize("room", range(40, 400, 40))
def test_nothing_earlier_is_lost_wherever_the_disk_is_full(tmp_path, room, monkeypatch):
    """What was there stays whole; what no longer fitted is put where there is room, and comes back by an import."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with tiny(tmp_path / "home", "1m") as home:
        earlier = invent(home, "earlier", *talk(5))
        Store(home).close()
        used = sum(p.stat().st_size for p in home.rglob("*") if p.is_file()) // 1024
        resize(home, f"{max(used + room, 260)}k")
        folder = home / "sessions" / "s1"
        troubles = []
        log = SessionLog(folder)
        live = LiveIndex(home / "sessions.db", folder, on_trouble=troubles.append)
        recorder = Recorder([log, live])
        recorder.emit(opening("s1"))
        for event in talk(100, chars=3000):
            recorder.emit(event)
        with pytest.raises(LogError, match="sessions import") as failure:
            log.close()
        one_line(failure.value)
        live.close()
        assert [line for line in troubles if "\n" in line] == []
        assert verify(earlier).state is not None
        assert not read_session(folder).damaged
        resize(home, "8m")
        (place,) = tmp_path.glob("distill-tui-s1-*/s1")
        assert bring(Home(home), place).outcome == "grown"
        with Store(home) as store:
            assert {row.session_id for row in store.list()} == {"earlier", "s1"}
            assert store.row("s1").worker_calls == 100
            store.connection.execute("pragma integrity_check").fetchone()
        caught_up = everything(home / "sessions.db")
        rebuild(Home(home))
        assert everything(home / "sessions.db") == caught_up


def test_a_judgement_that_no_longer_fits_is_told_and_those_before_it_stay(tmp_path):
    with tiny(tmp_path / "home", "1m") as home:
        folder = invent(home, "s1", *talk(5))
        Store(home).close()
        judge(folder, rating=1)
        fill(home / "fill")

        def judge_on():
            for _ in range(100):
                judge(folder, rating=2, comment="z" * 300)

        with pytest.raises(LogError, match="free some space") as failure:
            judge_on()
        one_line(failure.value)
        kept = read_session(folder)
        assert kept.problems == ()
        (home / "fill").unlink()
        judge(folder, rating=5)
        ratings = [event.rating for event in read_session(folder).events if isinstance(event, Annotated)]
        assert (ratings[0], ratings[-1]) == (1, 5)
        with Store(home) as store:
            assert store.row("s1").rating == 5


def test_a_rebuild_without_room_leaves_the_old_index(tmp_path):
    with tiny(tmp_path / "home", "4m") as home:
        invent(home, "s1", *talk(100, chars=2000))
        Store(home).close()
        before = everything(home / "sessions.db")
        used = sum(p.stat().st_size for p in home.rglob("*") if p.is_file()) // 1024
        resize(home, f"{used + 100}k")
        with pytest.raises(StoreError) as failure:
            rebuild(Home(home))
        assert "full" in one_line(failure.value)
        resize(home, "8m")
        assert everything(home / "sessions.db") == before
        assert [p.name for p in home.glob("*.new*")] == []


WRITER = """
import sys
from pathlib import Path
from distill_core.recorder import Recorder, SessionLog
from sessions import LiveIndex
from tests.sessions.stories import opening, talk
home, name = Path(sys.argv[1]), sys.argv[2]
troubles = []
log = SessionLog(home / "sessions" / name)
live = LiveIndex(home / "sessions.db", home / "sessions" / name, on_trouble=troubles.append)
recorder = Recorder([log, live])
recorder.emit(opening(name))
for event in talk(300):
    recorder.emit(event)
log.close()
live.close()
sys.exit(str(troubles) if troubles else 0)
"""


def test_several_programs_at_once_never_see_a_lock(tmp_path):
    judged = invent(tmp_path, "old", *talk(10))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"s{n}"], cwd=ROOT) for n in range(3)
    ]
    n = 0
    while any(writer.poll() is None for writer in writers) or n < 5:
        with Store(tmp_path) as store:
            judge(judged, rating=n % 5)
            store.refresh("old")
            store.list()
            n += 1
        if n == 3:
            rebuild(Home(tmp_path))
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Store(tmp_path) as store:
        assert [store.row(f"s{k}").worker_calls for k in range(3)] == [300] * 3
        assert store.row("old").rating == (n - 1) % 5
    shared = everything(tmp_path / "sessions.db")
    rebuild(Home(tmp_path))
    assert everything(tmp_path / "sessions.db") == shared


def test_an_index_removed_under_a_running_session_comes_back(tmp_path):
    folder = tmp_path / "sessions" / "s1"
    log = SessionLog(folder)
    live = LiveIndex(tmp_path / "sessions.db", folder)
    recorder = Recorder([log, live])
    recorder.emit(opening("s1"))
    for event in talk(10):
        recorder.emit(event)
    rebuild(Home(tmp_path))
    for event in talk(10, first=11):
        recorder.emit(event)
    log.close()
    live.close()
    with Store(tmp_path) as store:
        assert store.row("s1").worker_calls == 20


def test_two_rebuilds_at_once_leave_one_whole_index(tmp_path):
    for n in range(4):
        invent(tmp_path, f"s{n}", *talk(30))
    errors = []

    def again():
        try:
            rebuild(Home(tmp_path))
        except Exception as error:  # noqa: BLE001  # told below
            errors.append(error)

    threads = [threading.Thread(target=again) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert errors == []
    with Store(tmp_path) as store:
        assert len(store.list()) == 4


def test_an_index_that_is_first_made_while_another_takes_its_place_is_that_other(tmp_path, monkeypatch):
    path = tmp_path / "sessions.db"
    up_to_date = database._bring_up_to_date
    replaced = []

    def replacing(connection, index):
        up_to_date(connection, index)
        if not replaced:
            replaced.append(index)
            for name in ("sessions.db", "sessions.db-wal", "sessions.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
            database.connect(tmp_path / "new.db").close()
            (tmp_path / "new.db").replace(index)

    monkeypatch.setattr(database, "_bring_up_to_date", replacing)
    connection = database.connect(path)
    assert replaced == [path]
    connection.execute("insert into documents values ('1', 'one', 'str', 1)")
    with sqlite3.connect(path) as other:
        assert other.execute("select name from documents").fetchall() == [("one",)]
    other.close()
    connection.close()


def test_a_session_kept_by_the_engine_survives_a_copy_of_its_home(tmp_path):
    keep(tmp_path / "a", "s1", ANSWERING)
    Store(tmp_path / "a").close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with Store(tmp_path / "b") as store:
        assert store.open("s1").context == "Clause seven caps liability."
