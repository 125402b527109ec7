"""The comparison on a screen: differences gone over, a winner picked, ending in both logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from distill_core.evidence import Evidence
from distill_core.reading import read_session
from distill_core.state import SessionState, fold
from sessions.comparing import Comparison, Preferred, Winner, compare, prefer
from tests.fakes.hostile import HOSTILE
from tests.tui.judging.pairs import DOCUMENT, FIRST, SECOND, session
from tui.app import DistillApp
from tui.comparing import plain_lines
from tui.screens.side_by_side import SideBySideScreen
from tui.setup import plain
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

SnapCompare = Callable[..., bool]


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    evidence = Evidence(DOCUMENT)
    one, other = session(tmp_path / "one", FIRST), session(tmp_path / "other", SECOND)
    made = compare(one, other, evidence=(evidence, evidence))

    def fixed(side: object, name: str) -> object:
        return msgspec.structs.replace(side, session_id=name, elapsed=1.5)  # type: ignore[type-var]

    return msgspec.structs.replace(
        made, one=fixed(made.one, "20260301-093000-aaa"), other=fixed(made.other, "20260301-094500-bbb")
    )


def app_of(found: Comparison, tmp_path: Path) -> DistillApp:
    setup = msgspec.structs.replace(plain(), who="ada")

    def record(winner: Winner, reason: str) -> None:
        one, other = ((tmp_path / name, name_of(tmp_path / name)) for name in ("one", "other"))
        prefer(one, other, winner, by="ada", reason=reason)

    return DistillApp(setup, lambda: SideBySideScreen(found, setup, record))


def state_of(folder: Path) -> SessionState:
    return fold(read_session(folder).events)


def name_of(folder: Path) -> str:
    started = state_of(folder).started
    assert started is not None
    return started.session_id


def title_of(app: DistillApp) -> str:
    return str(app.screen.query_one("#compare-title", LineBar).render()).rstrip()


async def test_a_winner_is_picked_and_stands_in_both_logs(found: Comparison, tmp_path: Path) -> None:
    app = app_of(found, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("1", *"true", "enter")
        await pilot.pause()
        assert title_of(app).endswith("★ ada: the first is better (true)")
    winners = []
    for name in ("one", "other"):
        made = state_of(tmp_path / name).annotations()[0]
        assert made.preference is not None
        assert (made.by, made.reason) == ("ada", "true")
        winners.append(made.preference.winner)
    assert winners == ["this", "other"]
    one, other = state_of(tmp_path / "one"), state_of(tmp_path / "other")
    said = Preferred(by="ada", winner="one", reason="true")
    assert compare(one, other, who="ada").preferences == (said,), "it is told when the two are compared again"
    assert compare(other, one, who="ada").preferences[0].winner == "other"
    assert compare(one, other, who="bob").preferences == (), "others do not see it before they are done"


async def test_escape_records_nothing(found: Comparison, tmp_path: Path) -> None:
    app = app_of(found, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("2", "escape")
        await pilot.pause()
    assert fold(read_session(tmp_path / "one").events).annotations() == []


async def test_n_goes_to_the_next_step_that_differs(found: Comparison, tmp_path: Path) -> None:
    app = app_of(found, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        pane = app.screen.query_one("#compare-steps", LinePane)
        seen = []
        for _ in range(3):
            await pilot.press("n")
            seen.append(pane.cursor)
        assert seen == [1, 2, 0]


def test_it_is_told_in_words_too(found: Comparison) -> None:
    text = "\n".join(plain_lines(found))
    assert "both were asked: Who found the treasure?" in text
    assert re.search(r"quoted +✓ 1 found · ≈ 0 near · ✗ 0 not found", text)
    assert "+ hits = [line for line in context.splitlines() if 'sold' in line]" in text
    assert "only in the second" in text


async def test_hostile_text_is_drawn_and_not_obeyed(found: Comparison, tmp_path: Path) -> None:
    side = msgspec.structs.replace(
        found.one, question=HOSTILE, answer=HOSTILE, session_id=HOSTILE, supervisor=HOSTILE
    )
    step = msgspec.structs.replace(found.steps[0], one=HOSTILE, diff=(f"+{HOSTILE}",))
    hostile = msgspec.structs.replace(found, one=side, related=HOSTILE, steps=(step,))
    assert not any(char in "\n".join(plain_lines(hostile)) for char in "\x1b\x07\x9b\u202e")
    app = app_of(hostile, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        drawn = "".join(segment.text for strip in strips for segment in strip)
        assert "␛]52" in drawn
        assert not any(char in drawn for char in "\x1b\x07\x9b\u202e\u2066\u200f\x00")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_comparison(
    snap_compare: SnapCompare, found: Comparison, tmp_path: Path, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)

    assert snap_compare(app_of(found, tmp_path), terminal_size=size, run_before=before)
