"""How the live screen looks, in every state, size and theme. Clock and ids are fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot

from distill_core.models.again import Again
from tests.tui.harness import Stage, bring
from tests.tui.stories import STORIES
from themes import available

SnapCompare = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


@pytest.fixture
def stages() -> Iterator[Callable[[str, str], Stage]]:
    """Makes stages for stories, and closes them."""
    made: list[Stage] = []

    def make(story: str, theme: str = "night") -> Stage:
        steps, options, _ = STORIES[story]
        made.append(Stage(steps, theme=theme, **options))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def shows(
    snap_compare: SnapCompare, stage: Stage, story: str, size: tuple[int, int], keys: tuple[str, ...] = ()
) -> bool:
    """Whether the screen at the point of `story`, after `keys`, looks as it did."""

    async def before(pilot: Pilot[None]) -> None:
        opened = await stage.opened(pilot)
        await bring(opened, story)
        for key in keys:
            await (pilot.pause(0.5) if key == "wait" else opened.press(key))
        await pilot.pause(0.2)

    return snap_compare(stage.app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("story", STORIES)
def test_state(snap_compare: SnapCompare, stages: Callable[..., Stage], story: str, size: str) -> None:
    assert shows(snap_compare, stages(story), story, SIZES[size])


@pytest.mark.parametrize("theme", sorted(set(available()) - {"night"}))
def test_theme(snap_compare: SnapCompare, stages: Callable[..., Stage], theme: str) -> None:
    assert shows(snap_compare, stages("running", theme), "running", SIZES["120x40"])


MODALS = {
    "edit": ("awaiting", ("e",)),
    "reject": ("awaiting", ("r",)),
    "finish": ("awaiting", ("f",)),
    "regenerate": ("awaiting", ("g",)),
    "write": ("awaiting", ("w",)),
    "write-program": ("awaiting", ("w", "4")),
    "difference": ("revision", ("d",)),
    "compare": ("revision", ("g", "3", "wait")),
    "follow-up": ("evidence", ("u",)),
    "steps": ("awaiting", ("p", "5")),
    "probe": ("awaiting", ("V", "wait", *"len(pieces)", "enter", "wait")),
    "override": ("running", ("4", "home", "O")),
    "cancel-calls": ("running", ("4", "home", "X")),
    "stop": ("running", ("x",)),
    "policy": ("awaiting", ("p",)),
    "quit": ("running", ("q",)),
    "help": ("awaiting", ("question_mark",)),
    "call": ("final", ("4", "home", "enter")),
}


@pytest.mark.parametrize("modal", MODALS)
def test_modal(snap_compare: SnapCompare, stages: Callable[..., Stage], modal: str) -> None:
    story, keys = MODALS[modal]
    assert shows(snap_compare, stages(story), story, SIZES["80x24"], keys)


def test_paused(snap_compare: SnapCompare, stages: Callable[..., Stage]) -> None:
    assert shows(snap_compare, stages("awaiting"), "awaiting", SIZES["120x40"], ("space",))


def test_very_wide(snap_compare: SnapCompare, stages: Callable[..., Stage]) -> None:
    assert shows(snap_compare, stages("final"), "final", (200, 60))


@pytest.mark.parametrize("modal", MODALS)
def test_modal_in_a_usual_window(snap_compare: SnapCompare, stages: Callable[..., Stage], modal: str) -> None:
    story, keys = MODALS[modal]
    assert shows(snap_compare, stages(story), story, SIZES["120x40"], keys)


@pytest.mark.parametrize("modal", ["compare", "difference", "help", "probe", "write-program", "call"])
def test_modal_with_much_room(snap_compare: SnapCompare, stages: Callable[..., Stage], modal: str) -> None:
    story, keys = MODALS[modal]
    assert shows(snap_compare, stages(story), story, (200, 60), keys)


@pytest.mark.parametrize("size", SIZES)
def test_reconnecting(snap_compare: SnapCompare, stages: Callable[..., Stage], size: str) -> None:
    stage = stages("running")

    async def before(pilot: Pilot[None]) -> None:
        opened = await stage.opened(pilot)
        await bring(opened, "running")
        stage.sessions[0].again = ("worker", Again(retry=2, most=5))
        await pilot.pause(0.2)

    assert snap_compare(stage.app, terminal_size=SIZES[size], run_before=before)
