"""The sessions that come with the program: whole, small, each different, truthful about their documents."""

import pytest

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.replaying import replay
from distill_core.state import fold
from sessions.example_sessions import FOLDER, bring_examples, example_folders
from sessions.forking import family
from sessions.home import Home
from sessions.kept import open_kept
from sessions.store import Store
from sessions.verify import verify

FOLDERS = example_folders()
NAMES = [folder.name for folder in FOLDERS]


def state(name):
    return fold(read_session(FOLDER / "sessions" / name).events)


def test_there_are_ten_and_they_are_small():
    assert len(FOLDERS) == 10
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 2_000_000


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_each_is_whole_and_judged_and_tells_no_path_of_a_machine(folder):
    verdict = verify(folder)
    assert verdict.problems == ()
    assert verdict.notes == ()
    assert verdict.state.annotations()
    for path in folder.glob("*.jsonl"):
        text = path.read_text()
        assert "/home/" not in text
        assert "/root" not in text
        assert "/tmp/" not in text


def test_they_show_what_there_is_to_show():
    kinds = {type(e) for folder in FOLDERS for e in read_session(folder).events}
    actions = {e.action for f in FOLDERS for e in read_session(f).events if isinstance(e, ev.DecisionMade)}
    assert {"approve", "edit", "reject", "send_back", "regenerate", "follow_up", "accept", "stop"} <= actions
    assert ev.WorkerCallOverridden in kinds
    ends = {state(name).finished.status for name in NAMES}
    assert {"finished", "exhausted", "stopped"} <= ends
    people = {a.by for name in NAMES for a in state(name).annotations()}
    assert people == {"ada", "ben"}


def test_the_fork_belongs_to_the_first():
    tree = family(FOLDERS[0])
    assert [(node.session_id[:10], node.depth) for node in tree] == [
        ("example-01", 0),
        ("example-06", 1),
    ]


@pytest.mark.parametrize("name", [NAMES[0], NAMES[1], NAMES[2], NAMES[4]])
async def test_they_come_out_equal_when_they_are_run_again(name):
    kept = open_kept(FOLDER / "sessions" / name)
    result = await replay(kept.record, kept.context, isolation="none")
    assert result.equal, result.divergences


def test_they_are_taken_into_a_home_once(tmp_path):
    home = Home(tmp_path)
    assert [brought.outcome for brought in bring_examples(home)] == ["new"] * 10
    assert {brought.outcome for brought in bring_examples(home)} == {"there"}
    with Store(home.path) as store:
        assert len(store.list()) == 10
        assert store.open("example-02").context.startswith("Ruth 1")
