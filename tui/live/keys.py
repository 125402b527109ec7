"""The help: every action of the registry with its keys, by group."""

from __future__ import annotations

from itertools import groupby

from tui.actions import Registry, key_name
from tui.lines import Line, pad

INDENT = 21
"""Where the second column begins."""


def help_lines(registry: Registry) -> list[Line]:
    """What the help shows."""
    lines: list[Line] = []
    for group, actions in groupby(registry.actions, key=lambda action: action.group):
        lines += [()] if lines else []
        lines.append(((group, "heading"),))
        lines += [
            _entry(" ".join(key_name(k) for k in action.keys) or "no key", action.help) for action in actions
        ]
    return lines


def _entry(keys: str, text: str) -> Line:
    return ((" ", ""), (pad(keys, INDENT - 1), "key"), (text, ""))
