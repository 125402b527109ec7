"""The form of a new session: what is wrong with it, and the command that it amounts to."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tui.cli.commands.run import command
from tui.home.form import FIELDS, arguments, documents, problem, quoted
from tui.memory import NewSession


@pytest.fixture
def filled(tmp_path: Path) -> NewSession:
    (tmp_path / "a report.txt").write_text("x")
    return NewSession(
        documents=quoted([str(tmp_path / "a report.txt")]), question=" Why?\nAnd when? ", turns="1_0"
    )


def test_every_field_is_remembered_under_its_name() -> None:
    assert {field.name for field in FIELDS} == set(NewSession.__struct_fields__)


def test_a_form_that_can_start(filled: NewSession) -> None:
    assert problem(filled) is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("documents", "", "name a document"),
        ("documents", "no/such/file.txt", "there is no no/such/file.txt"),
        ("documents", '"open', "cannot be told apart"),
        ("question", " \n", "a question is needed"),
        ("turns", "many", "'many' is no number"),
        ("money", "-1", "is no number"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(filled: NewSession, field: str, value: str, said: str) -> None:
    wrong = problem(msgspec.structs.replace(filled, **{field: value}))
    assert wrong is not None
    assert wrong[0] == field
    assert said in wrong[1]


def test_the_command_line_is_one_that_run_takes(filled: NewSession) -> None:
    values = msgspec.structs.replace(filled, supervisor="big", worker="small", policy="cheap", money="2.50")
    name, *rest = arguments(values)
    context = command.make_context("run", list(rest))
    assert name == "run"
    assert context.params["documents"] == tuple(documents(filled))
    assert context.params["question"] == "Why?\nAnd when?"
    assert (context.params["supervisor"], context.params["approve"]) == ("big", "cheap")
    assert (context.params["max_turns"], context.params["max_cost"]) == (10, 2.5)
    assert context.params["max_tokens"] is None


def test_a_document_called_like_an_option_stays_a_document(tmp_path: Path, filled: NewSession) -> None:
    values = msgspec.structs.replace(filled, documents="--headless")
    assert arguments(values)[-2:] == ["--", "--headless"]
