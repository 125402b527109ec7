"""Live, from the folders, and made again: the index is the same, row by row, and tells the state that the log tells."""

import time

import pytest

from distill_core import events as ev
from distill_core.events import EPOCH
from distill_core.models.base import Usage
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.state import fold
from sessions import LiveIndex, Store
from sessions.home import Home
from sessions.rebuilding import rebuild
from tests.sessions.homes import ANSWERING, ASKING, FAILING, judge, keep
from tests.sessions.index_rows import everything, state_of
from tests.sessions.stories import asked, opening, talk


@pytest.fixture
def home(tmp_path):
    """Three sessions, written into the index while they were made, then judged."""
    for name, replies in (
        ("s2", (ASKING, ANSWERING)),
        ("s1", (FAILING, "no code", ASKING)),
        ("s3", (ANSWERING,)),
    ):
        live = LiveIndex(tmp_path / "sessions.db", tmp_path / "sessions" / name)
        keep(
            tmp_path, name, *replies, sinks=[live], question=f"q {name} \ud800?", context=f"text of {name[0]}"
        )
        live.close()
    return tmp_path


def test_written_live_equals_made_again(home):
    live = everything(home / "sessions.db")
    assert live["sessions"]
    assert live["documents"] == [live["documents"][0]]
    rebuild(Home(home))
    assert everything(home / "sessions.db") == live


class Written:
    """A session that is written live, and rows that are waited for."""

    def __init__(self, home):
        self.home, self.folder = home, home / "sessions" / "s"
        self.log, self.live = SessionLog(self.folder), LiveIndex(home / "sessions.db", self.folder)
        self.recorder = Recorder([self.log, self.live])
        self.recorder.emit(opening("s"))

    def emit(self, *events):
        for event in events:
            self.recorder.emit(event)

    def until_indexed(self):
        """Wait until the index has what the log has."""
        last = read_session(self.folder).events[-1].seq
        for _ in range(1000):
            with Store(self.home, catch_up=False) as store:
                row = store.connection.execute("select last_seq from sessions").fetchone()
            if row == (last,):
                return
            time.sleep(0.01)
        raise AssertionError(f"event {last} did not reach the index")

    def close(self):
        self.log.close()
        self.live.close()


def test_a_call_sent_again_changes_the_row_of_the_first_and_is_none_that_the_cell_made(tmp_path):
    written = Written(tmp_path)
    written.emit(*asked(), *talk(2))
    written.until_indexed()
    again = {"step": 1, "call_id": "w9", "model": "small"}
    written.emit(
        ev.WorkerCallStarted(**again, cell_id="c1", prompt="p", params={}, retry_of="w1", by="ada"),
        ev.WorkerCallReturned(**again, response="better", usage=Usage(1, 1, calls=1), elapsed=0.1),
    )
    written.close()
    live = everything(tmp_path / "sessions.db")
    state = state_of(tmp_path / "sessions.db", "s")
    assert state == fold(read_session(written.folder).events)
    assert state.calls["w1"].retries == ("w9",)
    assert list(state.cells["c1"].calls) == ["w1", "w2"]
    rebuild(Home(tmp_path))
    assert everything(tmp_path / "sessions.db") == live


def test_a_session_that_runs_notices_that_its_rows_were_replaced_by_older_ones(tmp_path):
    written = Written(tmp_path)
    written.emit(*asked(), *talk(5))
    written.until_indexed()
    with Store(tmp_path, catch_up=False) as store:
        # As a rebuild leaves it that has read the log before its end.
        store.connection.execute("delete from worker_calls where call_id = 'w5'")
        store.connection.execute("update sessions set last_seq = last_seq - 4, worker_calls = 4")
    written.emit(*talk(1, first=6))
    written.close()
    live = everything(tmp_path / "sessions.db")
    rebuild(Home(tmp_path))
    assert everything(tmp_path / "sessions.db") == live


def test_a_live_index_leaves_nothing_to_catch_up_with(home):
    with Store(home, catch_up=False) as store:
        before = store.connection.total_changes
        store.catch_up()
        assert store.connection.total_changes == before


def test_caught_up_with_equals_made_again(home):
    made = judge(home / "sessions" / "s1", rating=3, labels=("b", "a"), comment="slow")
    judge(home / "sessions" / "s1", by="bob", mark=-1, kind="step", id="1", labels=("c",))
    Store(home).close()
    judge(home / "sessions" / "s1", retracts=made.seq)
    Store(home).close()
    judge(home / "sessions" / "s3", correction="clause 8", reason="misread")
    Store(home).close()
    (home / "sessions" / "s2").rename(home / "sessions" / "s4")
    Store(home).close()
    caught_up = everything(home / "sessions.db")
    rebuild(Home(home))
    assert everything(home / "sessions.db") == caught_up


def test_made_again_beside_another_program_equals_made_alone(home):
    rebuild(Home(home))
    alone = everything(home / "sessions.db")
    with Store(home) as other:
        rebuild(Home(home))
        assert everything(home / "sessions.db") == alone
        assert len(other.list()) == 3


def test_deleted_it_is_made_again(home):
    before = everything(home / "sessions.db")
    for path in home.glob("sessions.db*"):
        path.unlink()
    Store(home).close()
    assert everything(home / "sessions.db") == before


def test_the_rows_tell_the_state_that_the_log_tells(home):
    made = judge(home / "sessions" / "s1", rating=3, labels=("b",), scores={"depth": 0.5})
    judge(home / "sessions" / "s1", retracts=made.seq)
    Store(home).close()
    for name in ("s1", "s2", "s3"):
        state = fold(read_session(home / "sessions" / name).events)
        assert state_of(home / "sessions.db", name) == state
        assert state.updated > EPOCH


def test_a_log_that_stops_making_sense_is_kept_up_to_there(home):
    path = home / "sessions" / "s2" / "worker.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"call_id":"w1"', b'"call_id":"w9"', 1))
    rebuild(Home(home))
    with Store(home) as store:
        assert "w1, which nothing before it mentions" in store.row("s2").problem
        assert store.row("s2").steps == 1


def test_a_torn_line_costs_that_line_only(home):
    path = home / "sessions" / "s1" / "human.jsonl"
    with path.open("ab") as file:
        file.write(b'{"type":"annot')
    with Store(home) as store:
        assert store.row("s1").steps == 4
    caught_up = everything(home / "sessions.db")
    rebuild(Home(home))
    assert everything(home / "sessions.db") == caught_up


def test_a_session_that_cannot_be_read_is_told_and_the_others_are_there(home):
    path = home / "sessions" / "s1" / "repl.jsonl"
    path.unlink()
    path.mkdir()
    with Store(home) as store:
        assert [unread.session_id for unread in store.unread] == ["s1"]
        assert {row.session_id for row in store.list()} >= {"s2", "s3"}


def test_whatever_goes_wrong_is_told_once_and_no_more_is_taken(tmp_path, monkeypatch, capfd):
    told = []
    live = LiveIndex(tmp_path / "sessions.db", tmp_path / "sessions" / "s", on_trouble=told.append)

    def failing(*_):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(live._writer, "take", failing)
    live.write(opening("s"))
    live.close()
    live.write(opening("s"))
    assert len(told) == 1
    assert "a fault of ours" in told[0]
    assert not live._waiting
    assert capfd.readouterr() == ("", "")
