"""The commands that put sessions and annotators beside one another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.tui.judging.pairs import FIRST, SECOND, judged, session

Program = Callable[..., tuple[int, str, str]]


def test_compare_prints_where_there_is_no_terminal(program: Program, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "sessions"
    session(kept / "one", FIRST)
    session(kept / "other", SECOND)
    status, said, _ = program("compare", "one", "other")
    assert status == 0
    assert "the code differs in 3 steps" in said
    assert "✗ 1 not found" in said
    status, said, _ = program("compare", kept / "one", "other", "--json")
    told = json.loads(said)
    assert told["same_question"]
    assert told["same_document"]
    assert (told["one"]["found"], told["other"]["missing"]) == (1, 1)


def test_compare_does_without_a_document_that_is_not_kept(program: Program, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "sessions"
    session(kept / "one", FIRST)
    session(kept / "other", SECOND)
    shutil.rmtree(kept / "one" / "documents")
    status, said, note = program("compare", "one", "other")
    assert status == 0
    assert "not looked up" in said
    assert "is not kept" in note


def test_agreement_over_all_sessions_or_those_that_are_named(program: Program, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    status, said, _ = program("agreement")
    assert (status, "nothing is judged" in said) == (0, True)
    judged(tmp_path / "home" / "sessions" / "example-01-two-years")
    status, said, note = program("agreement")
    assert "nothing is judged" in said
    assert "1 example session is left out" in note
    judged(tmp_path / "home" / "sessions" / "one")
    status, said, _ = program("agreement")
    assert status == 0
    assert "rating" in said
    assert "n/a" in said
    status, said, _ = program("agreement", "one", "--everyone", "--json")
    told = {line["question"]: line for line in map(json.loads, said.splitlines())}
    assert told["mark"]["units"] == 1
    assert told["label: correct"]["why"] == "everybody always said the same"


def test_agreement_leaves_out_what_cannot_be_read_and_says_so(program: Program, tmp_path: Path) -> None:
    judged(tmp_path / "home" / "sessions" / "one")
    judged(tmp_path / "home" / "sessions" / "two")
    with (tmp_path / "home" / "sessions" / "two" / "human.jsonl").open("a") as log:
        log.write("nonsense\n")
    status, said, note = program("agreement")
    assert status == 0
    assert "rating" in said
    assert "two is left out" in note
    assert program("agreement", "two")[0] == 1


def test_adjudicate_wants_a_terminal(program: Program, tmp_path: Path) -> None:
    judged(tmp_path / "home" / "sessions" / "one")
    status, _, said = program("adjudicate", "one")
    assert status == 2
    assert "terminal" in said
    assert program("adjudicate", "nowhere")[0] == 1
