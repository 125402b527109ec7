"""The help: every action of the registry with its keys, by group."""

from __future__ import annotations

from itertools import groupby

from tui.actions import Registry, Scope, key_name
from tui.lines import Line, pad

INDENT = 21
"""Where the second column begins."""


def help_lines(registry: Registry, scope: Scope = "live") -> list[Line]:
    """What the help shows: the keys of the screen that has this scope first, then those of panes and other screens."""
    lines: list[Line] = []
    ordered = sorted(registry.actions, key=lambda action: (action.scope != scope, action.scope != "pane"))
    for group, actions in groupby(ordered, key=lambda action: action.group):
        lines += [()] if lines else []
        lines.append(((group, "heading"),))
        lines += [
            _entry(" ".join(key_name(k) for k in action.keys) or "no key", action.help) for action in actions
        ]
    return lines


def _entry(keys: str, text: str) -> Line:
    return ((" ", ""), (pad(keys, INDENT - 1), "key"), (text, ""))
