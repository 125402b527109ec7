"""The help: every action of the registry with its keys, by group."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from tui.actions import Action, Registry, Scope, key_name
from tui.lines import Line, pad

INDENT = 21
"""Where the second column begins."""


def help_lines(registry: Registry, scope: Scope = "live", *, without: Collection[str] = ()) -> list[Line]:
    """What the help shows: the keys of the screen that has this scope first, then those of panes and other screens.

    Args:
        registry: the actions; those in a row with the same help share a line.
        scope: the screen's.
        without: ids of actions that mean nothing here.
    """
    lines: list[Line] = []
    ordered = sorted(registry.actions, key=lambda action: (action.scope != scope, action.scope != "pane"))
    for group, actions in groupby(ordered, key=lambda action: action.group):
        lines += [()] if lines else []
        lines.append(((group, "heading"),))
        shown = [action for action in actions if action.id not in without]
        for text, same in groupby(shown, key=lambda action: action.help):
            lines.append(_entry(_keys(list(same)), text))
    return lines


def _keys(actions: list[Action]) -> str:
    """The keys of what has one help; "1–5" where an action a digit has it."""
    names = [key_name(key) for action in actions for key in action.keys]
    if len(names) > 2 and "".join(names) in "0123456789":
        return f"{names[0]}–{names[-1]}"
    return " ".join(names) or "no key"


def _entry(keys: str, text: str) -> Line:
    return ((" ", ""), (pad(keys, INDENT - 1), "key"), (text, ""))
