"""How judging looks: the form, words being selected, the lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from distill_core import events as ev
from tests.tui.harness import Stage, bring
from tests.tui.stories import STORIES

SnapCompare = Callable[..., bool]
CASES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "step": ((120, 40), ("1", "m", "4", "down", "plus", "down", "space")),
    "answer": ((80, 24), ("5", "m", *["down"] * 12, "5")),
    "words": ((80, 24), ("5", "S", *["shift+right"] * 11)),
    "choose": ((120, 40), ("M",)),
}


@pytest.mark.parametrize("case", CASES)
def test_judging(snap_compare: SnapCompare, case: str) -> None:
    size, keys = CASES[case]
    steps, options, _ = STORIES["final"]
    stage = Stage(steps, **options)

    async def before(pilot: Pilot[None]) -> None:
        opened = await stage.opened(pilot)
        await bring(opened, "final")
        await opened.press("1", "m", "2", "down", "down", "space", "ctrl+s")
        await opened.until(lambda _: len(opened.kept.of(ev.Annotated)) == 1)
        await opened.pilot.pause(0.2)
        await opened.press(*keys)
        await pilot.pause(0.2)

    try:
        assert snap_compare(stage.app, terminal_size=size, run_before=before)
    finally:
        stage.close()
