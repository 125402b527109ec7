"""The help: every action of the registry with its keys, by group."""

from __future__ import annotations

from itertools import groupby

from tui.actions import ACTIONS, key_name
from tui.lines import Line, pad

IN_PANES: tuple[tuple[str, str], ...] = (
    ("↑ ↓ or k j", "One row, or one step or call where there is a cursor"),
    ("pgup pgdn or ^u ^d", "One page"),
    ("home end or g G", "To the start, to the end"),
    ("enter", "Read the worker call or the step at the cursor"),
)


INDENT = 21
"""Where the second column begins."""


def help_lines() -> list[Line]:
    """What the help shows."""
    lines: list[Line] = []
    for group, actions in groupby(ACTIONS, key=lambda action: action.group):
        lines.append(((group, "heading"),))
        lines += [_entry(" ".join(key_name(k) for k in action.keys), action.help) for action in actions]
        lines.append(())
    lines.append((("In a pane", "heading"),))
    lines += [_entry(keys, text) for keys, text in IN_PANES]
    return lines


def _entry(keys: str, text: str) -> Line:
    return ((" ", ""), (pad(keys, INDENT - 1), "key"), (text, ""))
