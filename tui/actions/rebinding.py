"""Keys of a person's own: actions bound anew from the configuration, and what of it cannot be."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Container, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from textual.keys import _character_to_key

from distill_core.errors import ConfigError
from tui.actions.action import Action, Situation
from tui.actions.registry import Registry, key_name
from tui.live.layout import PANES

Keys: TypeAlias = Mapping[str, Mapping[str, str | list[str]]]
"""Keys by group and name of an action, as the `[keys]` table has them."""


def rebind(registry: Registry, keys: Keys) -> tuple[Registry, list[str]]:
    """The registry with keys of a person's own.

    Args:
        registry: the actions with their keys by default.
        keys: key or keys of each action that gets others; an empty list takes its keys away.

    Returns:
        The registry, and what to tell the person: actions that lost a key to another.

    Raises:
        ConfigError: there is no such action, or two actions that may apply at once were given the same key.
    """
    chosen = {
        f"{group}.{name}": tuple(_key(key) for key in ([value] if isinstance(value, str) else value))
        for group, names in keys.items()
        for name, value in names.items()
    }
    for action_id in chosen:
        if action_id not in registry.by_id:
            near = difflib.get_close_matches(action_id, registry.by_id, n=1)
            hint = f"did you mean {near[0]}?" if near else "distill-tui config keys lists them"
            raise ConfigError(f"keys: there is no action {action_id}", remedy=hint)
    bound = registry.rebound(chosen)
    lost: dict[str, set[str]] = {}
    told = []
    for one, other, key in _clashes(bound, chosen):
        if one.id in chosen and other.id in chosen:
            raise ConfigError(
                f"keys: {key_name(key)} means both {one.id} and {other.id}",
                remedy="give one of them another key",
            )
        loser, winner = (other, one) if one.id in chosen else (one, other)
        lost.setdefault(loser.id, set()).add(key)
        told.append(f"{key_name(key)} is {winner.id} now, no longer {loser.id}")
    left = {name: tuple(k for k in bound[name].keys if k not in gone) for name, gone in lost.items()}
    return bound.rebound(left), told


def _key(key: str) -> str:
    return _character_to_key(key) if len(key) == 1 else key.strip().lower().replace("⇧", "shift+")


def _clashes(registry: Registry, chosen: Container[str]) -> Iterator[tuple[Action, Action, str]]:
    """Pairs of actions, one of them `chosen`, that share a key and may apply at once, with the key."""
    by_key: dict[str, list[Action]] = {}
    for action in registry.actions:
        for key in action.keys:
            by_key.setdefault(key, []).append(action)
    for key, actions in by_key.items():
        for one, other in itertools.combinations(actions, 2):
            new = one.id in chosen or other.id in chosen
            if new and one.scope == other.scope and _together(one, other):
                yield one, other, key


def _together(one: Action, other: Action) -> bool:
    return any(one.applies(now) and other.applies(now) for now in situations())


def situations() -> Iterator[Situation]:
    """Every situation there can be."""
    fields = msgspec.structs.fields(Situation)
    for values in itertools.product(*(_values(field.name, field.default) for field in fields)):
        now = Situation(**{field.name: value for field, value in zip(fields, values, strict=True)})
        if not (now.past and (now.live or now.gate or now.running or now.last)):
            yield now


def _values(name: str, default: Any) -> tuple[Any, ...]:
    if name == "pane":
        return tuple(pane.name for pane in PANES)
    if name == "gate":
        return (None, "step", "final", "budget", "failure")
    if isinstance(default, bool):
        return (False, True)
    raise TypeError(f"say in situations() which values {name} may have")
