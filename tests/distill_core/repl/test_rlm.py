"""The names of the rlm dialect, and recorded runs in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.events import Final
from distill_core.repl import REPL


@pytest.fixture
def rlm() -> Iterator[REPL]:
    with REPL("doc", "q", worker=lambda prompt: f"<{prompt}>", dialect="rlm") as repl:
        yield repl


def test_queries_are_worker_calls(rlm: REPL) -> None:
    result = rlm.execute(
        "print(llm_query('a'), llm_query('b', model='m'), rlm_query('c'), llm_query_batched(['d', 'e']), worker('f'))"
    )
    assert result.stdout == "<a> <b> <c> ['<d>', '<e>'] <f>\n"
    assert len(result.worker_calls) == 6


def test_names_come_back(rlm: REPL) -> None:
    rlm.execute("llm_query = FINAL_VAR = None")
    assert rlm.execute("print(llm_query('a'))").stdout == "<a>\n"


def test_last_expressions_are_not_echoed(rlm: REPL) -> None:
    assert rlm.execute("6 * 7").stdout == ""


@pytest.mark.parametrize("argument", ["'found'", "found", "\"'found'\""])
def test_final_var_takes_a_name_or_a_value(rlm: REPL, argument: str) -> None:
    rlm.execute("found = 'Mira Vale'")
    result = rlm.execute(f"FINAL_VAR({argument})\nprint('after')")
    assert result.status == "final"
    assert result.final == Final(value="Mira Vale", text="Mira Vale")
    assert result.stdout == ""


def test_final_var_of_a_container_is_json(rlm: REPL) -> None:
    result = rlm.execute("hits = [{'a': 1}]\nFINAL_VAR('hits')")
    assert result.final == Final(value='[{"a": 1}]', text='[{"a": 1}]')


def test_final_var_of_text_that_is_no_name(rlm: REPL) -> None:
    assert rlm.execute("FINAL_VAR('two words')").final == Final(value="two words", text="two words")
    assert rlm.execute("word = 'Paris'\nFINAL_VAR(word)").final == Final(value="Paris", text="Paris")


def test_final_var_of_an_unknown_name_says_what_there_is(rlm: REPL) -> None:
    result = rlm.execute("known = 1\nFINAL_VAR('unknown')")
    assert result.status == "error"
    assert "'unknown'" in (result.traceback or "")
    assert "'known'" in (result.traceback or "")


def test_show_vars(rlm: REPL) -> None:
    assert "No variables" in rlm.execute("print(SHOW_VARS())").stdout
    rlm.execute("import json\nhits = []\n_hidden = 1")
    assert rlm.execute("print(SHOW_VARS())").stdout == "Available variables: {'hits': 'list'}\n"


def test_the_answer_dictionary(rlm: REPL) -> None:
    assert rlm.execute("answer['content'] = 'half'").final is None
    assert rlm.execute("answer['content'] += ' whole'\nanswer['ready'] = True").final == Final(
        value="half whole", text="half whole"
    )


def test_an_answer_dictionary_of_the_models_own(rlm: REPL) -> None:
    assert rlm.execute("answer = {'content': 7, 'ready': True}").final == Final(value=7, text="7")


def test_any_true_value_says_that_the_answer_is_ready(rlm: REPL) -> None:
    assert rlm.execute("answer['content'] = 'half'; answer['ready'] = 0").final is None
    assert rlm.execute("answer['ready'] = 1").final == Final(value="half", text="half")


def test_an_answer_variable_that_is_no_dictionary_is_just_a_variable(rlm: REPL) -> None:
    assert rlm.execute("answer = 'text'").final is None
    assert rlm.execute("print(answer)").stdout == "text\n"


def test_the_names_are_not_there_without_the_dialect() -> None:
    with REPL("") as repl:
        assert repl.execute("llm_query").status == "error"
        assert repl.execute("answer").status == "error"


@pytest.mark.parametrize("name", ["assay_hit_rank", "gc_content_rank", "gene_expression_hits"])
def test_a_recorded_run_gives_the_same_output(shared: Path, name: str) -> None:
    folder = shared / "data" / "replay" / name
    turns = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
    with REPL((folder / "document.txt").read_text(), dialect="rlm") as repl:
        for turn in turns:
            for block in turn["blocks"]:
                result = repl.execute(block["code"])
                assert (result.stdout, result.stderr) == (block["stdout"], block["stderr"])
        recorded = json.loads((folder / "task.json").read_text())["recorded_final_answer"]
        last = turns[-1]["response"].strip().splitlines()[-1]
        code = last if last.startswith("FINAL_VAR(") else "FINAL_VAR('final_answer')"
        assert repl.execute(code).final == Final(value=recorded, text=recorded)
