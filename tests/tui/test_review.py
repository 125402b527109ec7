"""A kept session opens on the live screen: same widgets, with playback, and nothing that would change it by running."""

import asyncio
from pathlib import Path

import pytest

from distill_core.approval import AutoApprover
from distill_core.state import fold
from tests.fakes.scripted import ScriptedSession
from tests.fakes.sinks import Kept
from tests.tui.stories import STORIES
from tui.app import DistillApp
from tui.review import past_wiring
from tui.screens.live import LiveScreen
from tui.screens.write import WriteScreen
from tui.widgets.line_pane import rows_of


@pytest.fixture(scope="module")
def events():
    kept = Kept()
    asyncio.run(asyncio.wait_for(ScriptedSession(STORIES["final"][0], AutoApprover(), (kept,)).run(), 20))
    return kept.events


@pytest.fixture
async def opened(events):
    wiring = past_wiring(events, who="ada")
    app = DistillApp(wiring.setup, lambda: LiveScreen(wiring))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        yield app, pilot


def text(app, name):
    screen = next(s for s in app.screen_stack if isinstance(s, LiveScreen))
    return "\n".join("".join(t for t, _ in row) for row in rows_of(screen.pane(name)))


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()


async def test_it_opens_at_its_end_with_everything_in_its_place(opened, events):
    app, _ = opened
    assert app.screen.model.state == fold(events)
    assert "★ finished" in text(app, "decision")
    assert "step 1" in text(app, "supervisor")


async def test_arrows_go_back_and_on_through_every_pane(opened, events):
    app, pilot = opened
    before = {name: text(app, name) for name in ("timeline", "supervisor", "output", "workers")}
    await press(pilot, "shift+left", "shift+left")
    assert len(app.screen.model.state.steps) < len(fold(events).steps)
    assert text(app, "supervisor") != before["supervisor"]
    assert app.screen.model.state == fold(events[: app.screen.wiring.playback.at])
    await press(pilot, "left", "right", "dollar_sign")
    assert {name: text(app, name) for name in before} == before


async def test_it_jumps_to_a_step_by_number_and_refuses_one_there_is_not(opened):
    app, pilot = opened
    await press(pilot, "J", "9", "9", "enter")
    assert isinstance(app.screen, WriteScreen)
    await press(pilot, "backspace", "backspace", "1", "enter")
    assert len(app.screen.model.state.steps) == 1


async def test_space_plays_from_the_beginning(opened, events):
    app, pilot = opened
    await press(pilot, "space")
    playback = app.screen.wiring.playback
    assert playback.playing
    assert playback.at < len(events)
    for _ in range(7):
        await press(pilot, "greater_than_sign")
    for _ in range(400):
        if not playback.playing:
            break
        await pilot.pause(0.05)
    assert playback.at == len(events)
    assert app.screen.model.state == fold(events)


async def test_nothing_of_a_running_session_applies(opened):
    app, pilot = opened
    await press(pilot, "0")
    now = app.screen.situation
    assert (now.live, now.gate, now.running, now.past) == (False, None, False, True)
    shown = {action.id for action in app.screen.registry.applying(now)}
    assert not {i for i in shown if i.startswith(("decide.", "session.", "cell."))}
    await press(pilot, "q")
    assert not app.is_running or app.screen_stack == []


async def test_a_fork_is_asked_for_at_the_step_that_is_shown(opened, events):
    app, pilot = opened
    playback = app.screen.wiring.playback
    await press(pilot, "J", "1", "enter", "f")
    await press(pilot, "e")
    assert isinstance(app.screen, WriteScreen)
    await press(pilot, *"x=1", "enter", "ctrl+s")
    session, at, step, option, path = playback.fork
    assert (session, at, step, option) == (playback.session_id, "--at", "1", "--code")
    code = Path(path).read_text()
    Path(path).unlink()
    assert code == "x=1\n" + fold(events).cells["c1"].code


async def test_words_behind_the_last_step_are_an_instruction(opened):
    app, pilot = opened
    playback = app.screen.wiring.playback
    await press(pilot, "f", "a", *"why?", "ctrl+s")
    assert playback.fork[1:] == ("--at", str(playback.steps + 1), "--instruct", "why?")
