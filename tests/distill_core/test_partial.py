"""What a cell printed stands in for an answer only where it found something."""

import pytest

from distill_core.errors import ModelError
from distill_core.partial import CHARS, standing_in
from distill_core.playbook import program
from distill_core.repl import REPL
from tests.distill_core.test_session import block, go
from tests.fakes.models import Answering

TEXT = "The brass key is in her boot. " * 3


def ran(*codes, worker=lambda prompt: "in her boot\n“The brass key is in her boot.”"):
    """The result of the last of `codes`, run in one REPL."""
    with REPL(TEXT, "Where is the brass key?", worker=worker) as repl:
        return [repl.execute(code) for code in codes][-1]


def dead(prompt):
    raise ModelError("w at 127.0.0.1:1 failed", found="cannot connect")


def test_what_a_cell_printed_stands_in():
    assert standing_in(ran("print('candidate: 42')")) == "candidate: 42"


def test_only_so_much_of_it():
    assert standing_in(ran(f"print('x' * {CHARS} + 'end')")) == "x" * (CHARS - 3) + "end"


@pytest.mark.parametrize("name", ["read", "search", "mapreduce"])
def test_a_program_without_a_worker_found_nothing(name):
    assert standing_in(ran(program(name), worker=dead)) == ""


@pytest.mark.parametrize("name", ["read", "search", "mapreduce"])
def test_a_program_that_read_in_vain_found_nothing(name):
    assert standing_in(ran(program(name), worker=lambda prompt: "NONE")) == ""


def test_a_probe_is_no_finding():
    assert standing_in(ran(program("probe"))) == ""


@pytest.mark.parametrize("name", ["read", "search", "mapreduce"])
def test_what_a_program_found_stands_in_without_its_report(name):
    found = standing_in(ran(program(name)))
    assert "in her boot" in found
    assert "PLAYBOOK" not in found


def test_one_failed_call_among_others_is_no_finding_but_what_was_found_is():
    def one_dead(prompt):
        return dead(prompt) if prompt == "b" else "ok"

    code = (
        "for r in worker_batch(['a', 'b']): print(r if isinstance(r, str) else f'a worker call failed: {r}')"
    )
    assert standing_in(ran(code, worker=one_dead)) == "ok"


async def test_a_cell_whose_calls_all_failed_does_not_replace_what_was_there():
    codes = block("print('candidate: 42')"), block("print(worker_batch(['a', 'b']))")
    result, _, _ = await go(*codes, worker=Answering(dead), max_iterations=2)
    assert (result.answer, result.partial) == ("candidate: 42", True)
