"""Calling the person to a decision, and to what happens off screen."""

from __future__ import annotations

import msgspec
import pytest

from tests.tui.harness import Opened, open_screen, open_story
from tests.tui.stories import FIRST, SECOND, TROUBLE
from tui.screens.alerting import NOTICE
from tui.setup import Alert, plain


def notices(opened: Opened) -> list[str]:
    return [notice.message for notice in opened.app._notifications]


@pytest.mark.parametrize(
    ("alert", "wanted"), [("none", []), ("bell", ["\07"]), ("desktop", [NOTICE]), ("both", ["\07", NOTICE])]
)
async def test_a_decision_calls_as_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, alert: Alert, wanted: list[str]
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "textual.drivers.headless_driver.HeadlessDriver.write", lambda _, data: sent.append(data)
    )
    monkeypatch.setattr("tui.app.DistillApp.bell", lambda _: sent.append("\07"))
    async with open_screen([FIRST], setup=msgspec.structs.replace(plain(), alert=alert)) as opened:
        await opened.until(lambda model: model.gate == "step")
        assert [data for data in sent if data in ("\07", NOTICE)] == wanted


async def test_a_decision_under_something_else_is_said() -> None:
    async with open_screen([FIRST, SECOND]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("?")
        opened.screen.action_act("decide.approve")
        await opened.until(lambda model: model.gate == "step" and len(model.state.steps) == 2)
        assert "A decision waits." in notices(opened)


async def test_what_goes_wrong_off_screen_is_said() -> None:
    async with open_screen([SECOND, TROUBLE], size=(80, 24), policy="auto") as opened:
        await opened.press("1")
        await opened.until(lambda model: not model.live)
        assert {"1 worker call failed", "c2: ✗ error"} <= set(notices(opened))


async def test_what_is_seen_is_not_said() -> None:
    async with open_story("error") as opened:
        assert notices(opened) == []
