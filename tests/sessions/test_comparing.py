"""Two sessions beside one another, and which of them is better."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.errors import LogError, StoreError
from distill_core.evidence import Evidence
from distill_core.reading import read_session
from distill_core.recorder import SessionLog
from distill_core.runner import run
from distill_core.state import SessionState, fold
from sessions import appending
from sessions.comparing import compare, prefer
from sessions.verify import verify
from tests.fakes.models import Answering, Scripted

DOCUMENT = "The treasure was found by Mira Vale in the old mill. It was sold in the spring."


def session(folder: Path, *replies: str) -> SessionState:
    run("Who found it?", DOCUMENT, Scripted(*replies), Answering(str.upper), log_dir=folder)
    return fold(read_session(folder).events)


def test_outcome_evidence_and_code_stand_beside_one_another(tmp_path: Path) -> None:
    one = session(
        tmp_path / "one",
        "```repl\nx = 1\nprint(x)\n```",
        "```repl\nFINAL('“found by Mira Vale in the old mill”')\n```",
    )
    other = session(
        tmp_path / "other",
        "```repl\nx = 2\nprint(x)\n```",
        "```repl\n1/0\n```",
        "```repl\nFINAL('“found by a crow on a very high tree”')\n```",
    )
    evidence = Evidence(DOCUMENT)
    found = compare(one, other, evidence=(evidence, evidence))
    assert found.same_question
    assert found.same_document
    assert found.related == ""
    assert (found.one.found, found.one.missing, found.other.found, found.other.missing) == (1, 0, 0, 1)
    assert (found.one.steps, found.other.steps) == (2, 3)
    assert (found.one.errors, found.other.errors) == (0, 1)
    assert found.one.answer == "“found by Mira Vale in the old mill”"
    first, _, third = found.steps
    assert [line for line in first.diff if line[0] in "+-"] == ["-x = 1", "+x = 2"]
    assert third.one == ""
    assert third.other.startswith("FINAL")


def test_a_session_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    one = session(tmp_path / "one", "```repl\nFINAL('yes')\n```")
    found = compare(one, one)
    assert found.one == found.other
    assert [step.diff for step in found.steps] == [()]
    assert found.one.found is None


def test_a_preference_stands_in_both_logs_under_one_id(tmp_path: Path) -> None:
    states = {name: session(tmp_path / name, "```repl\nFINAL('yes')\n```") for name in ("a", "b")}
    ids = {name: state.started.session_id for name, state in states.items() if state.started is not None}
    one, other = prefer(
        (tmp_path / "a", ids["a"]), (tmp_path / "b", ids["b"]), "other", by="ada", reason="it says why"
    )
    assert one.annotation_id == other.annotation_id
    kept = {name: fold(read_session(tmp_path / name).events).annotations()[0] for name in ("a", "b")}
    assert kept["a"].preference is not None
    assert (kept["a"].preference.other, kept["a"].preference.winner) == (ids["b"], "other")
    assert kept["b"].preference is not None
    assert (kept["b"].preference.other, kept["b"].preference.winner) == (ids["a"], "this")
    assert kept["b"].reason == "it says why"
    assert all(verify(tmp_path / name).whole for name in ("a", "b"))


def test_a_session_is_not_preferred_over_itself(tmp_path: Path) -> None:
    session(tmp_path / "a", "```repl\nFINAL(1)\n```")
    a = (tmp_path / "a", "a")
    with pytest.raises(StoreError, match="both are the session a"):
        prefer(a, a, "one", by="ada")
    assert fold(read_session(tmp_path / "a").events).annotations() == []


def test_a_preference_that_one_of_the_logs_does_not_take_stands_in_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        session(tmp_path / name, "```repl\nFINAL(1)\n```")
    defaults = {**(appending.append.__kwdefaults__ or {}), "patience": 0.0}
    monkeypatch.setattr(appending.append, "__kwdefaults__", defaults)
    held = SessionLog(tmp_path / "b", append=True)
    with pytest.raises(LogError, match="another program writes"):
        prefer((tmp_path / "a", "a"), (tmp_path / "b", "b"), "one", by="ada")
    held.close()
    assert [fold(read_session(tmp_path / name).events).annotations() for name in ("a", "b")] == [[], []]


def test_a_line_that_begins_with_signs_of_a_diff_is_in_it(tmp_path: Path) -> None:
    one = session(tmp_path / "one", "```repl\nx = 1\n--x\n```", "```repl\nFINAL(1)\n```")
    other = session(
        tmp_path / "other",
        "```repl\nx = 1\n++x\n```",
        "```repl\nFINAL(1)\n```",
    )
    first, _ = compare(one, other).steps
    assert [line for line in first.diff if line[0] in "+-"] == ["---x", "+++x"]


def test_a_step_that_only_one_of_them_has_is_all_new(tmp_path: Path) -> None:
    one = session(tmp_path / "one", "```repl\nFINAL(1)\n```")
    other = session(tmp_path / "other", "```repl\nx = 1\n```", "```repl\nFINAL(1)\n```")
    assert compare(one, other).steps[1].diff == ("@@ -0,0 +1 @@", "+FINAL(1)")
