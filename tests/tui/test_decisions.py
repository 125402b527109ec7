"""Every decision made with keys, ending in what the engine received and recorded."""

from __future__ import annotations

from textual.events import Key

from distill_core import events as ev
from tests.fakes.scripted import ScriptedCell, ScriptedStep
from tests.tui.harness import Opened, open_screen, open_story
from tests.tui.stories import FINAL, FIRST, PROBE, RUNNING, SECOND
from tui.widgets.editor import Editor

TWO_CELLS = ScriptedStep(
    reply="```repl\none = 1\n```\n\n```repl\ntwo = 2\n```",
    cells=(ScriptedCell(code="one = 1"), ScriptedCell(code="two = 2")),
)


async def decision(opened: Opened, number: int = 1) -> ev.DecisionMade:
    """Decision `number` as it was recorded."""
    await opened.until(lambda _: len(opened.kept.of(ev.DecisionMade)) >= number)
    return opened.kept.of(ev.DecisionMade)[number - 1]


async def type_in(opened: Opened, text: str) -> None:
    """Type words into a modal."""
    await opened.press(*("space" if char == " " else char for char in text))


async def test_approve_runs_the_code_as_proposed() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("a")
        made = await decision(opened)
        assert (made.action, made.by, made.after) == ("approve", "ada", ())
        await opened.until(lambda model: not model.live)
        assert [event.code for event in opened.kept.of(ev.CellStarted)] == [PROBE]


async def test_edit_runs_what_the_person_wrote_and_keeps_both() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e")
        await opened.press("x", "=", "1", "enter", "ctrl+s")
        made = await decision(opened)
        assert made.action == "edit"
        assert made.before == (PROBE,)
        assert made.after == ("x=1\n" + PROBE,)
        await opened.until(lambda model: not model.live)
        assert opened.kept.of(ev.CellStarted)[0].code == "x=1\n" + PROBE
        assert "was edited, this ran" in opened.text("supervisor")


async def test_broken_code_is_warned_of_once_and_then_taken() -> None:
    async with open_screen([TWO_CELLS]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e", "ctrl+n", *"print(", "enter", "ctrl+p", "ctrl+s")
        keys, editor = opened.app.screen.query_one("#write-keys"), opened.app.screen.query_one(Editor)
        assert "! '(' was never closed: line 1, column 6" in str(keys.render())
        assert (editor.exact, editor.cursor_location) == ("print(\ntwo = 2", (0, 5))
        assert opened.kept.of(ev.DecisionMade) == []
        await opened.press("ctrl+s")
        assert (await decision(opened)).after == ("one = 1", "print(\ntwo = 2")


async def test_each_cell_of_a_step_can_be_edited() -> None:
    async with open_screen([TWO_CELLS]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e", "ctrl+n", "#", "ctrl+s")
        made = await decision(opened)
        assert made.after == ("one = 1", "#two = 2")


async def test_saving_untouched_code_approves_it() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e", "ctrl+s")
        assert (await decision(opened)).action == "approve"


async def test_escape_leaves_the_decision_open() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e", "x", "escape")
        assert opened.model.gate == "step"
        assert opened.kept.of(ev.DecisionMade) == []


async def test_reject_sends_the_words_to_the_supervisor() -> None:
    async with open_screen([FIRST, SECOND]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("r")
        await type_in(opened, "count first")
        await opened.press("enter")
        made = await decision(opened)
        assert (made.action, made.guidance) == ("reject", "count first")
        await opened.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        assert opened.kept.of(ev.CellStarted) == []
        assert "rejected by ada: count first" in opened.text("supervisor")


async def test_reject_asks_for_words() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("r", "enter")
        assert len(opened.app.screen_stack) == 3
        assert opened.kept.of(ev.DecisionMade) == []


async def test_finish_ends_the_session_with_the_persons_answer() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("f")
        await type_in(opened, "42")
        await opened.press("ctrl+s")
        assert (await decision(opened)).action == "finish"
        await opened.until(lambda model: not model.live)
        finished = opened.kept.of(ev.SessionFinished)[0]
        assert (finished.status, finished.answer.text if finished.answer else None) == ("finished", "42")
        assert "42" in opened.text("decision")


async def test_accepting_the_answer() -> None:
    async with open_story("final") as opened:
        await opened.press("a")
        made = await decision(opened, 4)
        assert (made.proposal_id, made.action) == ("final:c3", "accept")
        await opened.until(lambda model: not model.live)
        assert opened.kept.of(ev.SessionFinished)[0].status == "finished"


async def test_sending_the_answer_back() -> None:
    async with open_screen([FINAL, FIRST], policy="ask") as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("a")
        await opened.until(lambda model: model.gate == "final")
        await opened.press("r")
        await type_in(opened, "quote it")
        await opened.press("enter")
        made = await decision(opened, 2)
        assert (made.action, made.guidance) == ("send_back", "quote it")
        await opened.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)


async def test_an_answer_cannot_be_sent_back_at_the_last_turn() -> None:
    async with open_screen([FINAL], limits=ev.Limits(turns=1)) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("a")
        await opened.until(lambda model: model.gate == "final")
        await opened.press("r")
        assert len(opened.app.screen_stack) == 2
        assert "no turn is left" in opened.text("decision")


async def test_an_edited_answer_is_accepted_as_edited() -> None:
    async with open_story("final") as opened:
        await opened.press("e", "!", "ctrl+s")
        await decision(opened, 4)
        await opened.until(lambda model: not model.live)
        answer = opened.kept.of(ev.SessionFinished)[0].answer
        assert answer is not None
        assert answer.text == "Section 9.2: twelve months of fees!"


async def test_raising_a_budget() -> None:
    step = ScriptedStep(
        reply="```\npass\n```", cells=(ScriptedCell(code="pass", over_budget="worker_calls"),)
    )
    async with open_screen([step], policy="auto") as opened:
        await opened.until(lambda model: model.gate == "budget")
        assert "200 of 200 worker calls are used" in opened.text("decision")
        await opened.press("a", "enter")
        made = await decision(opened, 2)
        assert (made.proposal_id, made.action) == ("budget:worker_calls", "raise_budget")
        await opened.until(lambda model: not model.live)
        assert opened.kept.of(ev.BudgetChanged)[0].after.worker_calls == 400


async def test_a_supervisor_that_did_not_answer_is_asked_again() -> None:
    step = ScriptedStep(
        reply="```\npass\n```", fails="HTTP 503", cells=(ScriptedCell(code="pass", final="six"),)
    )
    async with open_screen([step], policy="auto") as opened:
        await opened.until(lambda model: model.gate == "failure")
        assert "did not answer" in opened.text("decision")
        assert "HTTP 503" in opened.text("decision")
        await opened.press("e", "r", "a")
        made = await decision(opened, 1)
        assert (made.proposal_id[:8], made.action) == ("failed:s", "try_again")
        await opened.until(lambda model: not model.live)
        assert opened.kept.of(ev.SessionFinished)[0].status == "finished"


async def test_a_bound_is_not_raised_to_less() -> None:
    step = ScriptedStep(
        reply="```\npass\n```", cells=(ScriptedCell(code="pass", over_budget="worker_calls"),)
    )
    async with open_screen([step], policy="auto") as opened:
        await opened.until(lambda model: model.gate == "budget")
        await opened.press("a", *["backspace"] * 3, "5", "enter")
        assert opened.kept.of(ev.BudgetChanged) == []
        assert len(opened.app.screen_stack) == 3


async def test_stop_asks_and_then_ends_the_session() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("x")
        assert opened.session.stopped_by is None
        await opened.press("x")
        await opened.until(lambda model: not model.live)
        assert opened.session.stopped_by == "ada"
        assert opened.kept.of(ev.SessionFinished)[0].status == "stopped"
        assert opened.model.gate is None


async def test_ctrl_c_interrupts_the_running_cell() -> None:
    async with open_story("running") as opened:
        await opened.press("ctrl+c")
        await opened.until(lambda model: not model.live)
        assert opened.session.interrupted == ["ada"]
        assert opened.kept.of(ev.CellFinished)[-1].status == "interrupted"


async def test_space_pauses_and_goes_on() -> None:
    async with open_story("running") as opened:
        await opened.press("space")
        await opened.until(lambda _: opened.session.paused)
        assert "paused" in str(opened.screen.query_one("#status").render())  # type: ignore[attr-defined]
        await opened.press("space")
        await opened.until(lambda _: not opened.session.paused)


async def test_the_policy_switches_while_the_session_runs() -> None:
    async with open_screen([FIRST, SECOND, FINAL]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("p", "4", "a")
        await opened.until(lambda model: not model.live)
        assert [made.by for made in opened.kept.of(ev.DecisionMade)] == ["ada", *["policy:auto"] * 3]


async def test_a_proposal_that_was_withdrawn_cannot_be_decided() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e")
        opened.screen.wiring.engine.stop("somebody else")
        await opened.until(lambda model: not model.live)
        await opened.press("x", "ctrl+s")
        assert opened.kept.of(ev.DecisionMade) == []
        assert opened.app.is_running


async def test_running_without_a_decision_shows_no_decision_keys() -> None:
    async with open_screen([RUNNING], policy="auto") as opened:
        await opened.until(lambda model: model.running_cell is not None)
        await opened.press("a", "e", "r", "f")
        assert len(opened.app.screen_stack) == 2


async def test_keys_that_the_editor_has_not_taken_yet_are_not_lost_to_enter() -> None:
    async with open_screen([FIRST]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("r")
        editor = opened.app.screen.query_one(Editor)
        for char in "count first":
            editor.post_message(Key("space" if char == " " else char, char))
        opened.app.screen.action_enter()  # type: ignore[attr-defined]
        made = await decision(opened)
        assert made.guidance == "count first"
