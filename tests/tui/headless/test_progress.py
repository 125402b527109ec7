"""Progress on stderr: a line for what has happened, and nothing of a model's text that a terminal would obey."""

import io

import pytest
from rich.console import Console

from distill_core.errors import ModelError
from distill_core.models.again import Again
from distill_core.runner import run
from tests.fakes.models import Answering, Scripted, echo
from tui.headless import Progress

STEPS = (
    "```repl\nprint('\\x1b[31mred', worker('who?'))\n```",
    "no code at all \x1b]0;title\x07",
    "```repl\n1 / 0\n```",
    "```repl\nFINAL('Mira')\n```",
)


def shown(terminal, width=80):
    """What a session leaves on a console."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=width, no_color=True, highlight=False)
    with Progress(console) as progress:
        run("who?", "text", Scripted(*STEPS), echo(), sinks=[progress])
    return stream.getvalue()


def test_each_thing_that_happened_has_a_line():
    lines = shown(terminal=False).splitlines()
    assert lines[0].startswith("supervisor ")
    assert "isolation" in lines[0]
    assert sum(": reply in " in line for line in lines) == len(STEPS)
    assert any("step 1: cell ok" in line and "1 worker call:" in line for line in lines)
    assert any("step 2: no code to run" in line for line in lines)
    assert any("step 3: cell error" in line and "ZeroDivisionError" in line for line in lines)
    assert lines[-1].startswith("finished after 4 steps")


def test_a_file_gets_no_control_characters():
    text = shown(terminal=False)
    assert not set(text) & {chr(code) for code in range(32) if chr(code) != "\n"}


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_gets_one_row_a_line(width):
    rows = [row for row in shown(terminal=True, width=width).split("\n") if ": reply in " in row]
    assert len(rows) == len(STEPS)


def test_a_model_cannot_command_the_terminal():
    assert "\x1b]0;" not in shown(terminal=True)
    assert "\x1b[31m" not in shown(terminal=True)


def test_why_worker_calls_failed_is_said():
    def refuse(prompt):
        raise ModelError("small at 127.0.0.1:9 cannot be reached", found="connection refused")

    stream = io.StringIO()
    code = "```repl\nprint(worker_batch(['a', 'b']))\nFINAL(1)\n```"
    with Progress(Console(file=stream, width=80)) as progress:
        run("who?", "text", Scripted(code), Answering(refuse), sinks=[progress])
    assert (
        "2 worker calls (2 failed: small at 127.0.0.1:9 cannot be reached: connection refused)"
        in stream.getvalue()
    )


def test_that_somebody_does_not_answer_is_said_once_while_it_lasts():
    stream = io.StringIO()
    with Progress(Console(file=stream, width=80)) as progress:
        for now in (
            None,
            ("worker", Again(1, 5)),
            ("worker", Again(2, 5)),
            None,
            ("worker", Again(1, 5)),
            None,
        ):
            progress.trying_again(now)
    assert stream.getvalue() == "the worker does not answer, trying again: 1 of 5\n"


LONG = "the worker answered none of its calls " * 9


@pytest.mark.parametrize("terminal", [False, True])
def test_why_it_ended_is_said_whole_and_once(terminal):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, no_color=True, highlight=False)
    with Progress(console) as progress:
        steps = Scripted("```repl\nprint('half')\n```", ModelError(LONG + "indeed"))
        run("who?", "text", steps, echo(), sinks=[progress])
    said = " ".join(stream.getvalue().split())
    assert said.count(LONG + "indeed") == 1
    assert "failed after 2 steps" in said
    assert progress.has_said(LONG + "indeed")
