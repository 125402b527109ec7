"""All actions with the keys in force: for bindings, bars, help and palette."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.binding import Binding
from textual.keys import format_key

from tui.actions.action import Action, Scope, Situation

UNBOUND = "unbound"
"""A key that no keyboard has: Textual takes an empty text for no wish at all."""


class Registry:
    """Actions by id, in order."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self.actions = tuple(actions)
        self.by_id = {action.id: action for action in self.actions}

    def __getitem__(self, action_id: str) -> Action:
        return self.by_id[action_id]

    def applying(self, now: Situation, scope: Scope = "live") -> list[Action]:
        """The actions that can be done now."""
        return [action for action in self.actions if action.scope == scope and action.applies(now)]

    def bindings(self, scope: Scope) -> list[Binding]:
        """The key bindings of a scope, one an action; the action's id is the binding's id."""
        return [_binding(action) for action in self.actions if action.scope == scope and action.keys]

    def keymap(self) -> dict[str, str]:
        """The keys of every action, as Textual takes a keymap."""
        return {action.id: ",".join(action.keys) or UNBOUND for action in self.actions}

    def rebound(self, keys: dict[str, tuple[str, ...]]) -> Registry:
        """The same actions, those named in `keys` with other keys."""
        return Registry(
            msgspec.structs.replace(action, keys=keys[action.id]) if action.id in keys else action
            for action in self.actions
        )


def _binding(action: Action) -> Binding:
    return Binding(
        ",".join(action.keys),
        action.call or f"act('{action.id}')",
        action.label,
        show=action.shown,
        id=action.id,
        priority=action.priority,
        tooltip=action.help,
    )


_KEY_NAMES = {"shift+tab": "⇧tab", "space": "space", "enter": "enter", "escape": "esc"}


def key_name(key: str) -> str:
    """How a key is written for people: "?", "^c", "⇧tab", "pgup"."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    modifiers, _, base = key.rpartition("+")
    shown = format_key(base).removeprefix("upper_")
    if modifiers == "ctrl":
        return f"^{shown}"
    return f"{modifiers}+{shown}" if modifiers else shown
