"""Actions inside a pane of lines: its cursor and its scrolling. What they do is the pane's own."""

from __future__ import annotations

from tui.actions.action import Action

IN_PANE = "In a pane"


def _move(name: str, keys: tuple[str, ...], label: str, help: str, call: str) -> Action:
    return Action(
        id=f"move.{name}", keys=keys, label=label, help=help, group=IN_PANE, scope="pane", call=call
    )


MOVING: tuple[Action, ...] = (
    _move("up", ("up", "k"), "Up", "One row back, or one step or call where there is a cursor", "move(-1)"),
    _move("down", ("down", "j"), "Down", "One row on, or one step or call", "move(1)"),
    _move("page_up", ("pageup", "ctrl+u"), "Page up", "One page back", "page(-1)"),
    _move("page_down", ("pagedown", "ctrl+d"), "Page down", "One page on", "page(1)"),
    _move("first", ("home", "g"), "To the start", "To the start", "first"),
    _move("last", ("end", "G"), "To the end", "To the end, and follow what comes", "follow"),
    _move("open", ("enter",), "Open", "Read the worker call or the step at the cursor", "choose"),
)
