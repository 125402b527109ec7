"""Judging on the live screen: every way to it, ending in the events that were recorded."""

from __future__ import annotations

from pathlib import Path

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.recorder import SessionLog
from distill_core.state import fold
from sessions.appending import annotate
from sessions.judging.judgement import judgement_of
from sessions.verify import verify
from tests.fakes.hostile import HOSTILE
from tests.fakes.scripted import Call, ScriptedCell, ScriptedStep
from tests.tui.harness import Opened, open_screen, open_story
from tests.tui.stories import FINAL, FIRST, SECOND
from tui.annotating.book import Book
from tui.annotating.screens import JudgeScreen, SpanScreen, places
from tui.screens.annotating import Annotating


def book(opened: Opened) -> Book:
    return next(part for part in opened.screen.parts if isinstance(part, Annotating)).book


async def made(opened: Opened, number: int = 1) -> ev.Annotated:
    """Annotation `number` as it was recorded."""
    await opened.until(lambda _: len(opened.kept.of(ev.Annotated)) >= number)
    return opened.kept.of(ev.Annotated)[number - 1]


async def write(opened: Opened, text: str) -> None:
    await opened.press("enter", *("space" if char == " " else char for char in text), "enter")


async def test_a_step_is_rated_marked_labelled_and_commented_in_one_event() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("1", "m")
        await opened.press("4", "down", "minus", "down", "space")
        await opened.press("end", "up", "up")
        await write(opened, "a detour")
        await opened.press("ctrl+s")
        event = await made(opened)
        assert event.target == ev.Target(kind="step", id="2")
        assert (event.rating, event.mark, event.labels) == (4, -1, ("correct",))
        assert (event.comment, event.by, event.step) == ("a detour", "ada", 2)
        await opened.until(lambda _: "✎ ★★★★ · −1 · correct · “a detour”" in opened.text("timeline"))


async def test_escape_records_nothing_and_so_does_saving_nothing_new() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("m", "4", "escape", "m", "ctrl+s")
        assert opened.kept.of(ev.Annotated) == []


async def test_what_the_focused_pane_stands_at_is_judged() -> None:
    async with open_story("final") as opened:
        for pane, target in (
            ("4", ev.Target(kind="worker_call", id="w4")),
            ("3", ev.Target(kind="cell", id="c3")),
            ("5", ev.Target(kind="answer")),
            ("2", ev.Target(kind="step", id="3")),
        ):
            await opened.press(pane, *(("end",) if pane == "4" else ()), "m", "5", "ctrl+s")
            events = len(opened.kept.of(ev.Annotated)) + 1
            assert (await made(opened, max(1, events - 1))).rating == 5
            await opened.until(lambda _, t=target: any(a.target == t for a in opened.kept.of(ev.Annotated)))


async def test_the_answer_is_scored_by_the_rubric() -> None:
    async with open_story("final") as opened:
        await opened.press("5", "m", *["down"] * 11, "2", "down", "5", "ctrl+s")
        assert (await made(opened)).scores == {"faithful": 2.0, "complete": 5.0}


async def test_a_correction_starts_from_the_text_and_needs_a_reason() -> None:
    async with open_story("final") as opened:
        await opened.press("5", "m", "end", "up", "enter")
        await opened.press("ctrl+end", "!", "ctrl+s", "ctrl+s")
        assert isinstance(opened.app.screen, JudgeScreen)
        await opened.press("down")
        await write(opened, "too meek")
        await opened.press("ctrl+s")
        event = await made(opened)
        assert event.correction == "Section 9.2: twelve months of fees!"
        assert event.reason == "too meek"


async def test_words_are_selected_and_judged() -> None:
    async with open_story("final") as opened:
        await opened.press("5", "S")
        assert isinstance(opened.app.screen, SpanScreen)
        await opened.press("enter")
        assert isinstance(opened.app.screen, SpanScreen)
        await opened.press(*["shift+right"] * 11, "enter")
        await opened.press("1", "ctrl+s")
        event = await made(opened)
        assert event.target == ev.Target(kind="answer", field="answer", start=0, end=11)
        assert "Section 9.2: twelve"[0:11] == "Section 9.2"


async def test_another_text_of_a_call_is_marked_by_tab() -> None:
    async with open_story("final") as opened:
        await opened.press("4", "end", "S", "tab", "ctrl+a", "enter", "2", "ctrl+s")
        event = await made(opened)
        prompt = "ARTICLE IX …\n\nDoes this cap liability?"
        assert event.target == ev.Target(
            kind="worker_call", id="w4", field="prompt", start=0, end=len(prompt)
        )


def test_places_count_line_breaks_of_two_characters() -> None:
    text = "a\r\nbc\r\nd"
    place = places(text)
    assert [text[place(i)] for i in (0, 2, 3, 5)] == ["a", "b", "c", "d"]
    assert place(6) == len(text)


async def test_undo_retracts_redo_retracts_that() -> None:
    async with open_story("awaiting") as opened:
        target = ev.Target(kind="step", id="2")
        for number in ("2", "5"):
            await opened.press("1", "m", number, "ctrl+s")
            await opened.until(
                lambda _, n=int(number): judgement_of(book(opened).state, target, "ada").rating == n
            )
        for key, rating in (("ctrl+z", 2), ("ctrl+z", None), ("ctrl+r", 2), ("ctrl+r", 5)):
            await opened.press(key)
            await opened.until(
                lambda _, r=rating: judgement_of(book(opened).state, target, "ada").rating == r  # type: ignore[misc]
            )
        first, second = opened.kept.of(ev.Annotated)
        back = [event.retracts for event in opened.kept.of(ev.Retracted)]
        assert back[:2] == [second.seq, first.seq]
        seqs = [event.seq for event in opened.kept.of(ev.Retracted)]
        assert back[2:] == [seqs[1], seqs[0]]
        await opened.press("ctrl+r")
        assert len(opened.kept.of(ev.Retracted)) == 4


async def test_anything_can_be_chosen_to_be_judged() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("M", "home", "enter", "3", "ctrl+s")
        assert (await made(opened)).target == ev.Target(kind="session")


async def test_what_was_judged_is_listed_and_changed() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("1", "m", "3", "ctrl+s")
        await made(opened)
        await opened.press("L", "enter", "1", "ctrl+s")
        assert (await made(opened, 2)).rating == 1


async def test_done_is_said_once() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("D")
        assert (await made(opened)).done
        await opened.press("D")
        assert len(opened.kept.of(ev.Annotated)) == 1


async def test_judgements_after_the_end_are_added_to_the_log(tmp_path: Path) -> None:
    log = SessionLog(tmp_path / "s")
    from tests.tui.harness import Stage

    stage = Stage([FIRST, SECOND, FINAL], policy="auto", folder=tmp_path / "s")
    stage.kept.write = log.write  # type: ignore[method-assign]
    async with stage.app.run_test(size=(120, 40)) as pilot:
        opened = await stage.opened(pilot)
        await opened.until(lambda model: not model.live)
        log.close()
        theirs = annotate(tmp_path / "s", ev.Target(kind="session"), by="bob", rating=1)
        await opened.press("5", "m", "4", "ctrl+s")
        await opened.until(lambda model: len(model.state.annotations()) == 2)
        await opened.press("ctrl+z")
        await opened.until(lambda model: len(model.state.annotations()) == 1)
        state = opened.model.state
        stage.close()
    kept = fold(read_session(tmp_path / "s").events)
    assert kept.annotations() == state.annotations() == [theirs]
    assert not [p for p in verify(tmp_path / "s").problems if p.where != "document"]


async def test_what_the_session_could_not_take_is_added_behind_its_end() -> None:
    async with open_screen([FIRST], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        opened.screen.wiring.engine.join(5)
        late = ev.Annotated(
            step=0, annotation_id="late", target=ev.Target(kind="session"), by="ada", rating=2
        )
        opened.screen.wiring.engine.judge(late)
        book(opened).catch_up()
        await opened.until(lambda model: [a.rating for a in model.state.annotations()] == [2])
        assert book(opened).settled


async def test_hostile_text_is_drawn_and_not_obeyed() -> None:
    step = ScriptedStep(
        reply=HOSTILE,
        cells=(
            ScriptedCell(
                code="pass", calls=(Call(prompt=HOSTILE, response=HOSTILE),), status="final", final=HOSTILE
            ),
        ),
    )
    async with open_screen([step], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        opened.screen.wiring.engine.join(5)
        for keys in (("5", "S", "ctrl+a", "enter"), ("4", "home", "S"), ("M",)):
            await opened.press(*keys)
            strips = opened.app.screen._compositor.render_strips(opened.app.size)
            drawn = "".join(segment.text for strip in strips for segment in strip)
            assert not any(char in drawn for char in "\x1b\x07\x9b\u202e\u2066\u200f\x00")
            await opened.press("escape")


async def test_a_comment_with_lone_surrogates_is_spelled_out() -> None:
    async with open_story("awaiting") as opened:
        part = next(part for part in opened.screen.parts if isinstance(part, Annotating))
        from sessions.judging.judgement import NOTHING, Judgement

        part._record(ev.Target(kind="session"), NOTHING, Judgement(comment="\ud83d"))
        assert (await made(opened)).comment == "\\ud83d"
