"""What is brought from elsewhere is there once, whole, however often and from however many copies it comes."""

import json
import shutil

import pytest

from distill_core.errors import LogError, StoreError
from distill_core.reading import read_session
from distill_core.state import fold
from sessions import Store, importing
from sessions.home import Home
from sessions.importing import bring, find
from sessions.verify import verify
from tests.sessions.homes import ANSWERING, ASKING, judge, keep
from tests.sessions.index_rows import everything


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    keep(home, "s1", ASKING, ANSWERING)
    return home


@pytest.fixture
def other(made, tmp_path):
    """A home of somebody else's with one session."""
    return shutil.copytree(made, tmp_path / "other")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def outcomes(home, path):
    return [bring(home, folder).outcome for folder in find(path)]


def test_a_home_is_taken_in_with_its_documents_once(home, other):
    assert outcomes(home, other) == ["new"]
    assert verify(home.folder("s1")).whole
    with Store(home.path) as store:
        assert store.open("s1").context == "Clause seven caps liability."
    before = everything(home.index)
    assert outcomes(home, other) == ["there"]
    Store(home.path).close()
    assert everything(home.index) == before


def test_what_has_grown_elsewhere_grows_here(home, other):
    outcomes(home, other)
    judge(other / "sessions" / "s1", rating=5)
    assert outcomes(home, other) == ["grown"]
    assert outcomes(home, other) == ["there"]
    assert [a.rating for a in fold(read_session(home.folder("s1")).events).annotations()] == [5]


def test_judgements_on_two_copies_are_brought_together(home, other):
    outcomes(home, other)
    judge(home.folder("s1"), by="ada", rating=5)
    taken_back = judge(other / "sessions" / "s1", by="bob", rating=1)
    judge(other / "sessions" / "s1", by="bob", retracts=taken_back.seq)
    judge(other / "sessions" / "s1", by="bob", rating=2)
    assert outcomes(home, other) == ["grown"]
    assert outcomes(home, other) == ["there"]
    verdict = verify(home.folder("s1"))
    assert verdict.whole
    assert [(a.by, a.rating) for a in verdict.state.annotations()] == [("ada", 5), ("bob", 2)]
    judge(other / "sessions" / "s1", by="bob", labels=("late",))
    assert outcomes(home, other) == ["grown"]
    assert len(fold(read_session(home.folder("s1")).events).annotations()) == 3


def test_another_session_of_the_same_name_gets_a_name_of_its_own(home, other, tmp_path):
    outcomes(home, other)
    keep(tmp_path / "third", "s1", ANSWERING)
    assert outcomes(home, tmp_path / "third") == ["new"]
    assert outcomes(home, tmp_path / "third") == ["there"]
    assert sorted(p.name for p in home.folders()) == ["s1", "s1.2"]


def test_a_damaged_session_is_refused_and_leaves_nothing(home, other):
    path = other / "sessions" / "s1" / "supervisor.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(StoreError, match="damaged"):
        outcomes(home, other)
    assert list(home.folders()) == []


def test_a_name_that_is_a_path_stays_inside_the_home(home, other):
    folder = other / "sessions" / "s1"
    path = folder / "supervisor.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"session_id":"s1"', b'"session_id":"../../evil"', 1))
    assert bring(home, folder).session_id == "evil"
    assert [p.name for p in home.folders()] == ["evil"]


@pytest.mark.parametrize(("name", "kept"), [("漢" * 100, "漢" * 66), ("-rf", "rf"), ("last", "imported")])
def test_a_name_becomes_one_that_disks_and_commands_take(home, other, name, kept):
    folder = other / "sessions" / "s1"
    path = folder / "supervisor.jsonl"
    path.write_text(path.read_text().replace('"session_id":"s1"', f'"session_id":"{name}"', 1))
    assert bring(home, folder).session_id == kept
    assert bring(home, folder).outcome == "there"


def test_where_another_program_takes_the_same_in_meanwhile_it_is_there(home, other, monkeypatch):
    copy = importing._copy

    def slowly(events, place):
        monkeypatch.setattr(importing, "_copy", copy)
        assert outcomes(home, other) == ["new"]
        copy(events, place)

    monkeypatch.setattr(importing, "_copy", slowly)
    assert outcomes(home, other) == ["there"]
    assert [p.name for p in home.folders()] == ["s1"]


def test_what_is_no_session_keeps_its_place(home, other):
    (home.sessions / "s1").mkdir(parents=True)
    (home.sessions / "s1" / "notes.txt").write_text("mine")
    assert bring(home, other / "sessions" / "s1").session_id == "s1.2"
    assert (home.sessions / "s1" / "notes.txt").read_text() == "mine"


def test_what_is_judged_while_a_copy_comes_is_kept_beside_it(home, other, monkeypatch):
    outcomes(home, other)
    judge(other / "sessions" / "s1", by="bob", rating=2)
    opened = importing.opened

    def late(place):
        judge(place, by="ada", rating=5)
        return opened(place)

    monkeypatch.setattr(importing, "opened", late)
    assert outcomes(home, other) == ["grown"]
    verdict = verify(home.folder("s1"))
    assert verdict.whole
    assert [(a.by, a.rating) for a in verdict.state.annotations()] == [("ada", 5), ("bob", 2)]


@pytest.fixture
def three_files(tmp_path):
    """A log as the three-file form has it: two turns, a call, a failed block."""
    folder = tmp_path / "my_run"
    folder.mkdir()
    system = {"role": "system", "content": "Write Python."}
    asked = {"role": "user", "content": "Query: Which clause caps liability?\nContext: str of 900 chars."}
    first = {"role": "assistant", "content": "```repl\nprint(worker('x'))\n```"}
    told = {"role": "user", "content": "W"}
    usage = {"input_tokens": 10, "output_tokens": 5}

    def at(second):
        return f"2025-02-03T04:05:{second:02}+00:00"

    lines = {
        "supervisor": [
            {"step": 1, "timestamp": at(1), "model": "big", "messages": [system, asked]}
            | {"response": first["content"], "usage": usage, "elapsed": 1.5},
            {"step": 2, "timestamp": at(5), "model": "big", "messages": [system, asked, first, told]}
            | {"response": "```repl\nFINAL('seven')\n```", "usage": usage, "elapsed": 1.0},
        ],
        "worker": [
            {"step": 1, "timestamp": at(2), "model": "small", "prompt": "x", "response": "W"}
            | {"usage": usage, "elapsed": 0.5},
        ],
        "repl": [
            {"step": 1, "timestamp": at(3), "code": "print(worker('x'))", "stdout": "W\n", "stderr": ""}
            | {"elapsed": 0.6},
            {
                "step": 2,
                "timestamp": at(6),
                "code": "FINAL('seven')",
                "stdout": "",
                "stderr": "",
                "elapsed": 0.1,
            },
        ],
    }
    for name, made in lines.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in made))
    return folder


def test_a_log_of_the_three_file_form_becomes_a_session(home, three_files):
    brought = bring(home, three_files)
    assert brought.outcome == "new"
    assert bring(home, three_files).outcome == "there"
    verdict = verify(home.folder(brought.session_id))
    assert verdict.whole, verdict.problems
    state = verdict.state
    assert state.started.query == "Which clause caps liability?"
    assert (state.started.supervisor, state.started.worker) == ("big", "small")
    assert [len(state.prompt(call)) for call in ("s1", "s2")] == [2, 4]
    (first, second) = (state.cells[f"c{n}"] for n in (1, 2))
    assert (first.text(), list(first.calls), second.code) == ("W\n", ["w1"], "FINAL('seven')")
    assert state.worker_usage.total_tokens == 15
    with Store(home.path) as store:
        assert store.row(brought.session_id).started.year == 2025


def test_steps_of_such_a_log_are_numbered_from_one(home, three_files):
    for path in three_files.glob("*.jsonl"):
        path.write_text(path.read_text().replace('"step": 1', '"step": 0').replace('"step": 2', '"step": 7'))
    verdict = verify(home.folder(bring(home, three_files).session_id))
    assert verdict.whole, verdict.problems
    assert [len(step.cells) for step in verdict.state.steps] == [1, 1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"elapsed": 0.5', '"elapsed": null'),
        ('"model": "small"', '"model": null'),
        ('"usage": {"input_tokens": 10, "output_tokens": 5}', '"usage": null'),
        ('"timestamp": "2025-02-03T04:05:02+00:00"', '"timestamp": 1738555502.0'),
        ('"timestamp": "2025-02-03T04:05:02+00:00"', '"timestamp": "2025-02-03T06:05:02+02:00"'),
        ('"response": "W"', '"response": "\\ud800"'),
        ('{"step"', '\n\ufeff{"step"'),
    ],
)
def test_what_other_tools_write_differently_is_understood(home, three_files, old, new):
    path = three_files / "worker.jsonl"
    path.write_text(path.read_text().replace(old, new))
    verdict = verify(home.folder(bring(home, three_files).session_id))
    assert verdict.whole, verdict.problems
    assert list(verdict.state.cells["c1"].calls) == ["w1"]


@pytest.mark.parametrize(
    "gone", [("repl",), ("supervisor",), ("supervisor", "repl"), ("supervisor", "worker")]
)
def test_what_is_left_of_such_a_log_is_a_session(home, three_files, gone):
    for name in gone:
        (three_files / f"{name}.jsonl").unlink()
    verdict = verify(home.folder(bring(home, three_files).session_id))
    assert verdict.whole, verdict.problems


def test_bytes_in_such_a_log_that_are_no_text_are_spelled_out(home, three_files):
    path = three_files / "worker.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"response": "W"', b'"response": "\xff"'))
    state = verify(home.folder(bring(home, three_files).session_id)).state
    assert state.calls["w1"].response == r"\udcff"


def test_numbers_in_such_a_log_that_no_session_holds_are_refused(home, three_files):
    path = three_files / "worker.jsonl"
    path.write_text(path.read_text().replace('"input_tokens": 10', f'"input_tokens": {10**30}'))
    with pytest.raises(LogError, match="cannot take over"):
        bring(home, three_files)
    assert list(home.folders()) == []


def test_a_torn_line_of_such_a_log_is_left_out(home, three_files):
    with (three_files / "worker.jsonl").open("a") as file:
        file.write('{"step": 2, "time')
    assert verify(home.folder(bring(home, three_files).session_id)).whole
