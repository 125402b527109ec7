"""Keys of a person's own."""

from __future__ import annotations

import pytest

from distill_core.errors import ConfigError
from tests.tui.harness import open_screen
from tests.tui.stories import FIRST
from tui.actions import REGISTRY
from tui.actions.rebinding import rebind
from tui.memory import Memory
from tui.setup import Setup, plain


def test_an_action_gets_the_keys_it_is_given() -> None:
    registry, told = rebind(REGISTRY, {"decide": {"approve": ["Y", "ctrl+g"]}, "session": {"stop": "!"}})
    assert registry["decide.approve"].keys == ("Y", "ctrl+g")
    assert registry["session.stop"].keys == ("exclamation_mark",)
    assert told == []


def test_a_key_taken_from_another_action_is_told() -> None:
    registry, told = rebind(REGISTRY, {"decide": {"approve": "e"}})
    assert registry["decide.edit"].keys == ()
    assert told == ["e is decide.approve now, no longer decide.edit"]


def test_actions_that_never_apply_together_may_share_a_key() -> None:
    registry, told = rebind(REGISTRY, {"app": {"break": "ctrl+k"}, "cell": {"interrupt": "ctrl+k"}})
    assert registry["app.break"].keys == registry["cell.interrupt"].keys == ("ctrl+k",)
    assert told == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"decide": {"aprove": "y"}}, "no action decide.aprove .did you mean decide.approve"),
        ({"decide": {"approve": "Y", "edit": "Y"}}, "Y means both decide.approve and decide.edit"),
    ],
)
def test_what_cannot_be_bound_is_refused(keys: dict[str, dict[str, str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rebind(REGISTRY, keys)


async def test_the_screen_listens_to_the_new_key_and_not_to_the_old_one() -> None:
    registry, told = rebind(REGISTRY, {"decide": {"approve": "Y", "edit": "r"}})
    setup = Setup(palettes=plain().palettes, memory=Memory(), registry=registry, notices=tuple(told))
    async with open_screen([FIRST], setup=setup) as opened:
        await opened.until(lambda model: model.gate == "step")
        assert "Y Approve" in str(opened.screen.query_one("#gate").render())  # type: ignore[attr-defined]
        await opened.press("a")
        assert opened.model.gate == "step"
        await opened.press("r")
        assert len(opened.app.screen_stack) == 3
        await opened.press("escape", "Y")
        await opened.until(lambda model: model.gate is None)
