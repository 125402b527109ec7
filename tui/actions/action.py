"""What an action is, and the situation that tells which of them apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

Gate: TypeAlias = Literal["step", "final", "budget", "failure"]
Scope: TypeAlias = Literal["live", "pane", "review", "home", "sessions", "export", "compare", "settle"]
"""Where an action's keys hold: the live screen, any pane of lines, the review queue, home, the list of kept sessions,
the export screen, two sessions beside one another, disputes of annotators."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen is at, as far as it decides which actions apply.

    Args:
        gate: what waits for the person's decision.
        live: the session has not ended.
        running: a cell runs.
        last: a final answer waits and no turn is left to send it back to.
        pane: the name of the pane that has the focus.
        past: the session is a kept one, of which a moment is shown.
        choice: several candidates for a step wait.
        revises: the code that waits is a revision of an earlier cell.
        call: there is a worker call at the cursor of the workers pane.
        forks: the session on the live screen can be forked.
        fault: the session was ended by a fault of the program.
    """

    gate: Gate | None = None
    live: bool = False
    running: bool = False
    last: bool = False
    pane: str = ""
    past: bool = False
    choice: bool = False
    revises: bool = False
    call: bool = False
    forks: bool = False
    fault: bool = False


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do.

    Args:
        id: its name in the keymap and the code.
        keys: its keys, first the one that is shown.
        label: one word for bars and footer.
        help: a sentence for the help.
        group: where the help lists it.
        applies: whether it can be done in a situation.
        shown: whether the footer shows it.
        labels: what it is called at a gate, where that differs.
        priority: its keys go before what a focused pane does with them.
        scope: where its keys hold.
        call: what a widget does on its keys, for a scope that has no handlers.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    applies: Callable[[Situation], bool] = lambda _: True
    shown: bool = False
    labels: tuple[tuple[Gate, str], ...] = ()
    priority: bool = False
    scope: Scope = "live"
    call: str = ""

    def label_at(self, gate: Gate | None) -> str:
        """What it is called at a gate."""
        return next((label for at, label in self.labels if at == gate), self.label)
