"""Settling disputes on a screen, ending in the events of the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.state import fold
from sessions.appending import annotate
from sessions.judging.judgement import settled
from sessions.verify import verify
from tests.fakes.hostile import HOSTILE
from tests.tui.judging.pairs import judged
from tui.app import DistillApp
from tui.screens.adjudicate import AdjudicateScreen, Bench
from tui.setup import plain
from tui.widgets.line_pane import LinePane, rows_of

SnapCompare = Callable[..., bool]
STEP, ANSWER = ev.Target(kind="step", id="1"), ev.Target(kind="answer")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    judged(tmp_path / "s")
    return tmp_path / "s"


def app_of(folder: Path, who: str = "carol") -> DistillApp:
    bench = Bench(folder, who)
    assert bench.state.started is not None
    started = msgspec.structs.replace(bench.state.started, session_id="20260301-093000-abc")
    bench.state = msgspec.structs.replace(bench.state, started=started)
    return DistillApp(plain(), lambda: AdjudicateScreen(bench, plain()))


def text(app: DistillApp) -> str:
    pane = app.screen.query_one(LinePane)
    return "\n".join("".join(t for t, _ in row) for row in rows_of(pane))


def ended(folder: Path) -> dict[ev.Target, object]:
    return dict(settled(fold(read_session(folder).events)))


async def test_a_digit_takes_over_what_one_says_and_undo_takes_it_back(folder: Path) -> None:
    app = app_of(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "differ in mark" in text(app)
        await pilot.press("2")
        await pilot.pause()
        made = fold(read_session(folder).events).annotations()[-1]
        assert (made.target, made.mark, made.settles, made.by) == (STEP, 0, True, "carol")
        assert "✓ settled" in text(app)
        await pilot.press("u")
        await pilot.pause()
        assert ended(folder) == {}
        await pilot.press("U")
        await pilot.pause()
        assert list(ended(folder)) == [STEP]
    assert verify(folder).whole


async def test_one_s_own_judgement_starts_from_what_all_say(folder: Path) -> None:
    app = app_of(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("n", "enter", "4", "ctrl+s")
        await pilot.pause()
    made = fold(read_session(folder).events).annotations()[-1]
    assert (made.target, made.rating, made.settles) == (ANSWER, 4, True)


async def test_who_has_begun_to_judge_sees_nothing_until_done(folder: Path) -> None:
    annotate(folder, ANSWER, by="carol", rating=1)
    app = app_of(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert text(app).strip() == ""
        await pilot.press("1")
        await pilot.pause()
    assert ended(folder) == {}
    annotate(folder, ev.Target(kind="session"), by="carol", done=True)
    assert not Bench(folder, "carol").barred


async def test_hostile_text_is_drawn_and_not_obeyed(folder: Path) -> None:
    step = ev.Target(kind="step", id="1", field="reply", start=0, end=10)
    for who in ("ada", "bob"):
        annotate(
            folder, step, by=who, step=1, comment=HOSTILE.replace("\ud83d", ""), labels=(f"{who}\x1b[2J",)
        )
    app = app_of(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        drawn = "".join(segment.text for strip in strips for segment in strip)
        assert "␛]52" in drawn
        assert not any(char in drawn for char in "\x1b\x07\x9b\u202e\u2066\u200f\x00")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_settling(snap_compare: SnapCompare, folder: Path, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press("1")
        await pilot.pause(0.2)

    assert snap_compare(app_of(folder), terminal_size=size, run_before=before)
