"""How the document looks, with a search in it and with what is quoted from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tests.tui.harness import Stage
from tests.tui.stories import ARTICLES, QUOTING
from tui.document.pane import DocumentPane

SnapCompare = Callable[..., bool]
CASES = {
    "search": ((120, 40), ("slash", *"liable", "enter")),
    "narrow": ((80, 24), ("n",)),
    "quotations": ((80, 24), ("o",)),
    "wide": ((200, 60), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_document(snap_compare: SnapCompare, case: str) -> None:
    size, keys = CASES[case]
    stage = Stage([QUOTING], policy="auto", document=ARTICLES)

    async def before(pilot: Pilot[None]) -> None:
        opened = await stage.opened(pilot)
        await opened.until(lambda model: not model.live)
        await opened.press("6")
        pane = opened.pane("document")
        assert isinstance(pane, DocumentPane)
        await opened.until(lambda _: "quoted" in str(pane.note))
        await opened.press(*keys)
        await pilot.pause(0.2)

    try:
        assert snap_compare(stage.app, terminal_size=size, run_before=before)
    finally:
        stage.close()
