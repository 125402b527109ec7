"""Looking around: panes, tabs, steps, worker calls, help, themes, colours."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.widgets._toast import Toast, ToastRack

from tests.fakes.scripted import Call, ScriptedCell, ScriptedStep
from tests.tui.harness import Opened, Stage, open_screen, open_story
from tests.tui.stories import FIRST
from tui.actions import ACTIONS, REGISTRY
from tui.actions.rebinding import situations
from tui.live.keys import help_lines
from tui.theme import variables
from tui.widgets.line_pane import LinePane

PANES = ("timeline", "supervisor", "output", "workers")


def shown(opened: Opened) -> list[str]:
    return [name for name in PANES if opened.pane(name).display]


async def test_a_wide_terminal_shows_all_panes() -> None:
    async with open_story("final") as opened:
        assert shown(opened) == list(PANES)
        for number, name in enumerate((*PANES, "decision"), 1):
            await opened.press(str(number))
            assert opened.screen.focused is opened.pane(name)


async def test_a_narrow_terminal_shows_one_pane_and_tabs() -> None:
    async with open_story("final", size=(80, 24)) as opened:
        for number, name in enumerate(PANES, 1):
            await opened.press(str(number))
            assert shown(opened) == [name]
        assert opened.screen.query_one("#tabs").display


async def test_a_narrow_terminal_turns_to_what_happens() -> None:
    async with open_story("running", size=(80, 24)) as opened:
        assert shown(opened) == ["output"]
    async with open_story("awaiting", size=(80, 24)) as opened:
        assert shown(opened) == ["supervisor"]


async def test_a_pane_that_was_hidden_has_caught_up_when_it_is_shown() -> None:
    async with open_story("final", size=(80, 24)) as opened:
        await opened.press("4")
        assert opened.pane("workers").virtual_size.height == 4 + 2


async def test_tab_goes_through_the_panes() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("1", "tab", "tab")
        assert opened.screen.focused is opened.pane("output")
        await opened.press("shift+tab")
        assert opened.screen.focused is opened.pane("supervisor")


async def test_a_resize_keeps_everything() -> None:
    async with open_story("final") as opened:
        for size in ((80, 24), (200, 60), (60, 15), (120, 40)):
            await opened.pilot.resize_terminal(*size)
            await opened.pilot.pause()
        assert shown(opened) == list(PANES)
        assert "Both parts agree." in opened.text("supervisor")


LONG = ScriptedStep(
    reply="```\n" + "\n".join(f"line_{n} = {n}" for n in range(80)) + "\n```",
    cells=(ScriptedCell(code="pass", output=tuple(("stdout", f"row {n}\n") for n in range(200))),),
)


async def test_a_long_proposal_is_read_from_its_start_and_the_next_one_followed() -> None:
    async with open_screen([LONG, LONG]) as opened:
        for step in (1, 2):
            await opened.until(
                lambda model, step=step: model.gate == "step" and len(model.state.steps) == step
            )  # type: ignore[misc]
            await opened.pilot.pause(0.1)
            pane = opened.pane("supervisor")
            top = opened.rows.supervisor.span(f"s{step}")
            assert top is not None
            assert pane.scroll_offset.y == top[0]
            await opened.press("a")


async def test_choosing_a_step_shows_it_in_the_other_panes() -> None:
    async with open_screen([LONG, LONG, LONG], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        assert opened.pane("output").following
        await opened.press("1", "home", "down")
        at = opened.rows.anchors(2)
        assert at.supervisor is not None
        assert at.output is not None
        assert opened.pane("output").scroll_offset.y == at.output
        assert opened.pane("supervisor").scroll_offset.y == at.supervisor
        await opened.press("end")
        assert opened.pane("output").following


async def test_scrolling_up_stops_following_and_the_end_follows_again() -> None:
    async with open_screen([LONG], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        pane = opened.pane("output")
        await opened.press("3", "up")
        assert not pane.following
        await opened.press("G")
        assert pane.following


async def test_a_pane_that_gets_the_focus_has_a_row_to_open() -> None:
    async with open_story("running") as opened:
        pane = opened.pane("workers")
        assert pane.cursor is None
        await opened.press("4")
        assert pane.cursor == 5, "the last, as the end is followed"
        await opened.press("enter")
        assert opened.app.screen.query_one("#call-pane", LinePane).border_title == "Worker call w6"
        await opened.press("escape", "up")
        assert pane.cursor == 4


async def test_notices_leave_the_keys_to_be_read() -> None:
    stage = Stage([FIRST])
    try:
        async with stage.app.run_test(size=(120, 40), notifications=True) as pilot:
            opened = await stage.opened(pilot)
            await opened.until(lambda model: model.gate == "step")
            opened.screen.say("something to be said " * 20)
            rack = opened.screen.get_child_by_type(ToastRack)
            await opened.until(lambda _: any(notice.region for notice in rack.query(Toast)))
            notice = rack.query_one(Toast).region
            bars = [opened.screen.query_one(f"#{name}").region for name in ("status", "gate", "keys")]
            assert not any(notice.overlaps(bar) for bar in bars)
    finally:
        stage.close()


async def test_a_worker_call_is_read_in_full() -> None:
    async with open_story("final") as opened:
        await opened.press("4", "home", "down", "down", "enter")
        assert len(opened.app.screen_stack) == 3
        text = "\n".join(strip.text for strip in opened.app.screen._compositor.render_strips(opened.app.size))
        assert "503, after 4 tries" in text
        assert "ARTICLE III" in text
        await opened.press("escape")
        assert len(opened.app.screen_stack) == 2


async def test_a_pane_takes_the_whole_screen_and_gives_it_back() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("3", "z")
        assert opened.pane("output").size.width > 100
        await opened.press("z")
        assert opened.pane("output").size.width < 100


async def test_the_theme_changes_live() -> None:
    async with open_story("awaiting") as opened:
        before = opened.pane("output").styles.background
        names = {opened.app.theme}
        for _ in range(len(opened.screen.wiring.palettes) - 1):
            await opened.press("t")
            names.add(opened.app.theme)
        assert names == set(opened.screen.wiring.palettes)
        await opened.pilot.pause()
        assert opened.pane("output").styles.background != before
        palette = opened.screen.wiring.palettes[opened.app.theme]
        assert opened.pane("output").styles.background == Color.parse(variables(palette)["ground-pane"])


async def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_story("running") as opened:
        for strip in opened.app.screen._compositor.render_strips(opened.app.size):
            for segment in strip.apply_filter(opened.app._filters[-1], Color(0, 0, 0)):
                colour = segment.style.color.triplet if segment.style and segment.style.color else None
                assert colour is None or colour.red == colour.green == colour.blue
        text = opened.text("workers")
        assert "▸ runs" in text
        assert "✗ failed" in text


def test_every_action_has_an_id_a_key_and_a_help() -> None:
    assert len(REGISTRY.by_id) == len(ACTIONS)
    text = "\n".join("".join(t for t, _ in line) for line in help_lines(REGISTRY))
    for action in ACTIONS:
        assert action.keys
        assert action.help in text


def test_keys_that_do_the_same_share_a_line_and_those_that_do_nothing_have_none() -> None:
    lines = help_lines(REGISTRY, "review", without={f"review.score_{n}" for n in range(6, 10)})
    first, second = ("".join(text for text, _ in line) for line in lines[1:3])
    assert " ".join(first.split()) == "1–5 Rate the session, or score the criterion at the cursor"
    assert second.split()[0] == "+"


def test_the_help_begins_with_the_keys_of_the_screen_that_it_is_asked_on() -> None:
    for scope in ("live", "home", "sessions", "review"):
        own = next(action for action in ACTIONS if action.scope == scope)
        heading, first = ("".join(text for text, _ in line) for line in help_lines(REGISTRY, scope)[:2])
        assert heading == own.group
        assert own.help in first


async def test_every_action_of_the_screen_is_done_by_a_part_of_it() -> None:
    async with open_story("awaiting") as opened:
        done = {name for part in opened.screen.parts for name in part.handlers()}
        assert done == {action.id for action in ACTIONS if action.scope == "live"}


def test_no_two_actions_that_apply_at_once_share_a_key() -> None:
    for now in situations():
        keys = [key for action in REGISTRY.applying(now) for key in action.keys]
        assert len(keys) == len(set(keys))


async def test_the_help_opens_and_closes() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("?")
        assert len(opened.app.screen_stack) == 3
        await opened.press("escape")
        assert len(opened.app.screen_stack) == 2


async def test_a_click_on_a_key_is_the_key() -> None:
    async with open_story("awaiting") as opened:
        assert await opened.pilot.click("#gate", offset=(4, 0))
        await opened.until(lambda model: len(model.state.steps[1].decisions) == 1)


async def test_many_worker_calls_are_rows_that_cost_nothing_to_keep() -> None:
    calls = tuple(Call(prompt=f"piece {n}", response=f"reply {n}") for n in range(5000))
    step = ScriptedStep(reply="```\npass\n```", cells=(ScriptedCell(code="pass", calls=calls),))
    async with open_screen([step], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        assert opened.pane("workers").virtual_size.height == 5000 + 2
        await opened.press("4", "home")
        assert "reply 0" in opened.text("workers")
        assert opened.model.counts.done == 5000


async def test_worker_calls_are_filtered_and_sorted_and_the_cursor_stays_on_its_call() -> None:
    async with open_story("running") as opened:
        await opened.press("4", "home", "down", "down", "v", "v")
        assert [row.split()[1:3] for row in opened.text("workers").splitlines()] == [
            ["done", "b1.0"],
            ["done", "b1.1"],
            ["done", "b1.3"],
        ]
        await opened.press("v")
        assert "✗ failed" in opened.text("workers")
        assert opened.pane("workers").border_subtitle == "failed calls, by call"
        await opened.press("v", "v", "v", "s")
        assert opened.text("workers").splitlines()[0].split()[:3] == ["✓", "done", "b1.3"]
        rows = opened.rows.workers
        assert opened.pane("workers").cursor is None
        await opened.press("home", "s", "s")
        cursor = opened.pane("workers").cursor
        assert cursor is not None
        call = rows.call(cursor)
        assert call is not None
        assert (call.batch_id, call.index) == ("b1", 3)


async def test_the_line_over_the_calls_sums_them_up() -> None:
    async with open_story("running", size=(200, 60)) as opened:
        header = ["".join(text for text, _ in line) for line in opened.pane("workers").header]
        assert "4/6 done · ▸2 run · ✗1 failed · 1 cached" in header[0]
        assert "1.2k tok" in "".join(header)
        assert "left" not in "".join(header), "too little has come back to tell"
