"""Decisions by key over a real session: engine, REPL and log are real, and each test ends in what was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core import events as ev
from distill_core.budget import Prices
from distill_core.reading import read_session
from distill_core.state import fold
from tests.distill_core.test_stepping_in import Held
from tests.fakes.models import Scripted
from tests.tui.test_real_session import Driven, cell, driven
from tui.screens.compare import CompareScreen
from tui.screens.probe import ProbeScreen


def typed(text: str) -> list[str]:
    """The keys of a text."""
    return ["space" if char == " " else char for char in text]


async def shown(screen: Driven, kind: type) -> None:
    """Wait until a screen of this kind is in front."""
    for _ in range(500):
        if isinstance(screen.app.screen, kind):
            await screen.pilot.pause()
            return
        await screen.pilot.pause(0.02)
    raise AssertionError(f"no {kind.__name__}, but {screen.app.screen}")


async def test_candidates_are_compared_and_the_chosen_one_runs(tmp_path: Path) -> None:
    supervisor = Scripted(cell("x = 1"), cell("x = 2"), cell("x = 3"), cell("FINAL(x)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("g", "2")
        await shown(screen, CompareScreen)
        await screen.pilot.press("right", "right", "a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        first, second = screen.logged(ev.DecisionMade)
        assert (first.action, first.more, first.by) == ("regenerate", 2, "ada")
        assert (second.action, second.chosen, second.by) == ("approve", "s3", "ada")
        assert [event.code for event in screen.logged(ev.CellStarted)] == ["x = 3"]
        assert [event.candidate for event in screen.logged(ev.SupervisorCalled)] == [0, 1, 2, 0]


async def test_a_chosen_candidate_can_be_edited_before_it_runs(tmp_path: Path) -> None:
    supervisor = Scripted(cell("x = 1"), cell("x = 2"), cell("FINAL(x)"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("g", "1")
        await shown(screen, CompareScreen)
        await screen.pilot.press("2", "enter")
        await screen.pilot.pause()
        await screen.pilot.press("e", "y", "=", "x", "=", "7", "enter", "ctrl+s")
        await screen.until(lambda model: len(model.state.steps) == 2)
        made = screen.logged(ev.DecisionMade)[1]
        assert (made.action, made.chosen, made.before, made.after) == (
            "edit",
            "s2",
            ("x = 2",),
            ("y=x=7\nx = 2",),
        )


async def test_code_of_ones_own_starts_from_a_program_of_the_playbook(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("print(1)"), cell("print(2)"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("w", "4", "#", "!", "enter", "ctrl+s")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        made = screen.logged(ev.DecisionMade)[0]
        assert made.action == "write"
        assert made.after[0].startswith("#!\n# playbook: probe")
        assert [event.origin for event in screen.logged(ev.CellProposed)][:2] == ["supervisor", "person"]


async def test_an_answer_is_followed_up_by_another_question(tmp_path: Path) -> None:
    supervisor = Scripted(cell("n = 3\nFINAL(n)"), cell("FINAL(f'{query} {n}')"))
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("u", *typed("and why"), "enter")
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("a")
        await screen.until(lambda model: not model.live)
        state = fold(read_session(tmp_path / "s").events)
        assert [(q.text, q.answer.text if q.answer else "") for q in state.questions] == [
            ("How many?", "3"),
            ("and why", "and why 3"),
        ]
        assert [d.action for d in screen.logged(ev.DecisionMade)] == [
            "approve",
            "follow_up",
            "approve",
            "accept",
        ]


async def test_the_next_steps_are_approved_without_asking(tmp_path: Path) -> None:
    supervisor = Scripted(*[cell(f"print({n})") for n in range(4)])
    async with driven(tmp_path / "s", supervisor) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("p", "5", "backspace", "2", "enter", "a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 4)
        changed = [(event.policy, event.steps, event.by) for event in screen.logged(ev.PolicyChanged)]
        assert changed == [("steps", 2, "ada"), ("ask", None, "policy:steps")]
        assert [event.by for event in screen.logged(ev.DecisionMade)] == ["ada", *["policy:steps"] * 2]


@pytest.mark.parametrize("key", ["a", "x"])
async def test_a_dry_run_says_what_the_step_would_ask(tmp_path: Path, key: str) -> None:
    code = "replies = worker_batch([context[:3]] * len(context.split()))"
    prices = {"worker": Prices(prompt=100.0)}
    async with driven(tmp_path / "s", Scripted(cell(code), cell("1")), prices=prices) as screen:
        await screen.until(lambda model: "s1" in model.forecasts)
        forecast = screen.model.forecasts["s1"]
        assert (forecast.complete, forecast.worker_calls) == (True, 3)
        await screen.pilot.pause(0.1)
        told = "\n".join("".join(t for t, _ in line) for line in screen.told("decision"))
        assert "dry run: 3 worker calls" in told
        assert "prompt tok · ≤ $" in told
        assert screen.logged(ev.WorkerCallStarted) == []
        await screen.pilot.press(key, *(["x"] if key == "x" else []))
        await screen.until(lambda model: not model.live or len(model.state.steps) == 2)
        assert len(screen.logged(ev.WorkerCallStarted)) == (3 if key == "a" else 0)


async def running(screen: Driven, worker: Held, calls: int) -> None:
    """Approve, and wait until so many calls are on their way."""
    await screen.until(lambda model: model.gate == "step")
    await screen.pilot.press("a")
    await screen.until(lambda model: model.counts.total == calls)
    await screen.pilot.press("4", "home")


async def test_a_reply_is_overridden_while_the_cell_waits(tmp_path: Path) -> None:
    worker = Held()
    code = "print(worker_batch(['a', 'b']))"
    async with driven(tmp_path / "s", Scripted(cell(code), cell("1")), worker=worker) as screen:
        await running(screen, worker, 2)
        await screen.pilot.press("O", *typed("mine"), "ctrl+s")
        await screen.until(lambda model: model.state.calls["w1"].override is not None)
        screen.on_engine(lambda: worker.let("b#1"))
        await screen.until(lambda model: model.gate == "step")
        made = screen.logged(ev.WorkerCallOverridden)[0]
        assert (made.call_id, made.response, made.by, made.reached_cell) == ("w1", "mine", "ada", True)
        assert screen.logged(ev.CellOutput)[0].text.strip() == "['mine', 'b#1']"


async def test_a_call_is_read_and_sent_again(tmp_path: Path) -> None:
    worker = Held()
    async with driven(
        tmp_path / "s", Scripted(cell("print(worker('a'))"), cell("1")), worker=worker
    ) as screen:
        await running(screen, worker, 1)
        await screen.pilot.press("enter", "R")
        await screen.until(lambda model: model.counts.total == 2)
        screen.on_engine(lambda: worker.let("a#2"))
        await screen.until(lambda model: model.gate == "step")
        again = screen.logged(ev.WorkerCallStarted)[1]
        assert (again.retry_of, again.by, again.reaches_cell) == ("w1", "ada", True)
        assert screen.logged(ev.CellOutput)[0].text.strip() == "a#2"


async def test_the_rest_of_a_batch_is_cancelled(tmp_path: Path) -> None:
    worker = Held()
    code = "print([str(r) for r in worker_batch(['a', 'b', 'c'])])"
    async with driven(tmp_path / "s", Scripted(cell(code), cell("1")), worker=worker) as screen:
        await running(screen, worker, 3)
        screen.on_engine(lambda: worker.let("a#1"))
        await screen.until(lambda model: model.counts.done == 1)
        await screen.pilot.press("X", "x")
        await screen.until(lambda model: model.gate == "step")
        made = screen.logged(ev.WorkerCallsCancelled)[0]
        assert (made.batch_id, made.call_ids, made.by) == ("b1", ("w2", "w3"), "ada")
        printed = screen.logged(ev.CellOutput)[0].text
        assert "'a#1'" in printed
        assert printed.count("cancelled by ada") == 2


async def test_an_override_between_two_cells_corrects_the_record(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("worker('a')"), cell("1"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        await screen.pilot.press("4", "home", "O", "backspace", "b", "ctrl+s")
        await screen.until(lambda model: model.state.calls["w1"].override is not None)
        made = screen.logged(ev.WorkerCallOverridden)[0]
        assert (made.response, made.reached_cell) == ("b", False)


async def test_probing_shows_variables_and_leaves_no_mark(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("found = [1, 2]"), cell("FINAL(found)"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        before = len(read_session(tmp_path / "s").events)
        await screen.pilot.press("V")
        await shown(screen, ProbeScreen)
        await screen.shows("#probe-variables", "found", "list", "2")
        await screen.pilot.press(*typed("found.append(9); print(found)"), "enter")
        await screen.shows("#probe-scratch", "[1, 2, 9]")
        await screen.pilot.press(*typed("worker('x')"), "enter")
        await screen.shows("#probe-scratch", "no worker is asked from here")
        await screen.pilot.press("escape", "a")
        await screen.until(lambda model: model.gate == "final")
        events = read_session(tmp_path / "s").events
        assert [type(event).__name__ for event in events[before:]] == [
            "DecisionMade",
            "CellStarted",
            "CellFinished",
            "FinalProposed",
        ]
        assert screen.logged(ev.FinalProposed)[0].answer.text == "[1, 2]"


async def test_the_evidence_for_an_answer_is_looked_up(tmp_path: Path) -> None:
    answer = 'It says "one two three", and "nine ten eleven twelve".'
    async with driven(tmp_path / "s", Scripted(cell(f"FINAL({answer!r})"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: "final:c1" in model.findings)
        await screen.pilot.pause(0.1)
        told = "\n".join("".join(t for t, _ in line) for line in screen.told("decision"))
        assert "✓ 1 found · ✗ 1 not found" in told
        assert "spent so far" in told


async def test_code_from_ones_own_editor_is_one_edit_that_can_be_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []

    def outside(_app: object, text: str, suffix: str) -> str:
        seen.append((text, suffix))
        return "y = 2\nprint(y)\n"

    monkeypatch.setattr("tui.screens.write.edited_outside", outside)
    async with driven(tmp_path / "s", Scripted(cell("x = 1"), cell("FINAL(y)"), cell("1"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("E")
        await screen.pilot.pause(0.2)
        assert seen == [("x = 1", ".py")]
        assert screen.logged(ev.DecisionMade) == []
        await screen.pilot.press("ctrl+s")
        await screen.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        await screen.pilot.press("E")
        await screen.pilot.pause(0.2)
        await screen.pilot.press("ctrl+z", "ctrl+s")
        await screen.until(lambda model: len(screen.logged(ev.DecisionMade)) == 2)
        first, second = screen.logged(ev.DecisionMade)
        assert (first.action, first.after) == ("edit", ("y = 2\nprint(y)",))
        assert (second.action, second.after) == ("approve", ())


async def test_the_question_that_follows_is_shown_where_it_was_asked(tmp_path: Path) -> None:
    async with driven(tmp_path / "s", Scripted(cell("FINAL(1)"), cell("FINAL(2)"))) as screen:
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.press("a")
        await screen.until(lambda model: model.gate == "final")
        await screen.pilot.press("u", *typed("and why"), "enter")
        await screen.until(lambda model: model.gate == "step")
        await screen.pilot.pause(0.1)
        told = "\n".join("".join(t for t, _ in line) for line in screen.told("supervisor"))
        assert "asked further by ada: and why" in told
        assert screen.logged(ev.DecisionMade)[1].guidance == "and why"
