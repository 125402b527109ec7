"""Actions on the screen that puts two sessions beside one another."""

from __future__ import annotations

from tui.actions.action import Action

COMPARE = "Compare"


def _compare(name: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = True) -> Action:
    return Action(
        id=f"compare.{name}", keys=keys, label=label, help=help, group=COMPARE, shown=shown, scope="compare"
    )


COMPARING: tuple[Action, ...] = (
    _compare("first", ("1",), "First is better", "The first session is the better one; you may say why"),
    _compare("second", ("2",), "Second", "The second session is the better one"),
    _compare("neither", ("0",), "Neither", "Neither is better than the other"),
    _compare("next", ("n",), "Next difference", "To the next step whose code differs"),
    _compare("previous", ("N",), "Previous", "To the one before", shown=False),
    _compare("panes", ("tab",), "Other pane", "To the next pane", shown=False),
    _compare("help", ("question_mark", "f1"), "Help", "This list"),
    _compare("leave", ("q", "escape", "ctrl+q"), "Leave", "Leave"),
)
