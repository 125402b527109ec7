"""The registry of actions: everything a person can do on the live screen, once.

Keys, footer and help come from here. An action has an id, by which its keys can be bound anew; `applies` tells from
the situation whether it can be done now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec
from textual.binding import Binding

Gate: TypeAlias = Literal["step", "final", "budget"]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen is at, as far as it decides which actions apply.

    Args:
        gate: what waits for the person's decision.
        live: the session has not ended.
        running: a cell runs.
        last: a final answer waits and no turn is left to send it back to.
    """

    gate: Gate | None = None
    live: bool = False
    running: bool = False
    last: bool = False


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do.

    Args:
        id: its name in the keymap and the code: the screen's method is `do_` and the id with "_" for ".".
        keys: its keys, first the one that is shown.
        label: one word for bars and footer.
        help: a sentence for the help.
        group: where the help lists it.
        applies: whether it can be done in a situation.
        shown: whether the footer shows it.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    applies: Callable[[Situation], bool] = lambda _: True
    shown: bool = False


def _gate(*gates: Gate) -> Callable[[Situation], bool]:
    return lambda now: now.gate in gates


DECIDE, RUN, LOOK = "Decide", "While it runs", "Look around"

ACTIONS: tuple[Action, ...] = (
    Action(
        id="decide.approve",
        keys=("a",),
        label="Approve",
        help="Run the code as it stands; at the answer: accept it; at a bound: raise it",
        group=DECIDE,
        applies=_gate("step", "final", "budget"),
    ),
    Action(
        id="decide.edit",
        keys=("e",),
        label="Edit",
        help="Change the code (or the answer) first; both versions are kept",
        group=DECIDE,
        applies=_gate("step", "final"),
    ),
    Action(
        id="decide.reject",
        keys=("r",),
        label="Reject",
        help="Do not run it, tell the supervisor why; at the answer: send it back",
        group=DECIDE,
        applies=lambda now: now.gate == "step" or (now.gate == "final" and not now.last),
    ),
    Action(
        id="decide.finish",
        keys=("f",),
        label="Finish",
        help="End the session with an answer of your own",
        group=DECIDE,
        applies=_gate("step"),
    ),
    Action(
        id="session.stop",
        keys=("x",),
        label="Stop",
        help="End the session with its best partial result",
        group=RUN,
        applies=lambda now: now.live,
        shown=True,
    ),
    Action(
        id="cell.interrupt",
        keys=("ctrl+c",),
        label="Interrupt",
        help="Interrupt the running cell; what it has printed stays",
        group=RUN,
        applies=lambda now: now.running,
        shown=True,
    ),
    Action(
        id="session.pause",
        keys=("space",),
        label="Pause",
        help="Hold at the next boundary, or go on",
        group=RUN,
        applies=lambda now: now.live,
        shown=True,
    ),
    Action(
        id="session.policy",
        keys=("p",),
        label="Policy",
        help="Choose who approves steps: you, always auto, auto when cheap, auto until an error",
        group=RUN,
        applies=lambda now: now.live,
        shown=True,
    ),
    Action(id="pane.1", keys=("1",), label="Timeline", help="Go to the timeline", group=LOOK),
    Action(id="pane.2", keys=("2",), label="Supervisor", help="Go to the supervisor", group=LOOK),
    Action(id="pane.3", keys=("3",), label="Output", help="Go to the output", group=LOOK),
    Action(id="pane.4", keys=("4",), label="Workers", help="Go to the worker calls", group=LOOK),
    Action(id="pane.5", keys=("5",), label="Decision", help="Go to what waits for a decision", group=LOOK),
    Action(
        id="pane.next",
        keys=("tab",),
        label="Next pane",
        help="Go to the next pane",
        group=LOOK,
    ),
    Action(
        id="pane.previous",
        keys=("shift+tab",),
        label="Previous pane",
        help="Go to the previous pane",
        group=LOOK,
    ),
    Action(
        id="pane.follow",
        keys=("end", "G"),
        label="Follow",
        help="Go to the end of the pane and follow what comes",
        group=LOOK,
    ),
    Action(
        id="pane.zoom",
        keys=("z",),
        label="Zoom",
        help="Give the pane the whole screen, or take it back",
        group=LOOK,
    ),
    Action(
        id="theme.next",
        keys=("t",),
        label="Theme",
        help="Next colour theme",
        group=LOOK,
    ),
    Action(
        id="help.show",
        keys=("question_mark", "f1"),
        label="Help",
        help="This list",
        group=LOOK,
        shown=True,
    ),
    Action(
        id="app.quit",
        keys=("q", "ctrl+q"),
        label="Quit",
        help="Leave; asks first while the session runs",
        group=LOOK,
        shown=True,
    ),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

_PRIORITY = frozenset({"cell.interrupt", "app.quit", "pane.next", "pane.previous"})
"""Actions whose keys go before what a focused pane does with them."""


def bindings() -> list[Binding]:
    """The live screen's key bindings, one an action; the action's id is the binding's id."""
    return [
        Binding(
            ",".join(action.keys),
            f"act('{action.id}')",
            action.label,
            show=action.shown,
            id=action.id,
            priority=action.id in _PRIORITY,
            tooltip=action.help,
        )
        for action in ACTIONS
    ]


_KEY_NAMES = {"question_mark": "?", "space": "space", "ctrl+c": "^c", "ctrl+q": "^q", "shift+tab": "⇧tab"}


def key_name(key: str) -> str:
    """How a key is written for people."""
    return _KEY_NAMES.get(key, key)


def label_for(action: Action, gate: Gate | None) -> str:
    """What the action is called at a gate."""
    return _AT_GATE.get((action.id, gate), action.label)


_AT_GATE: dict[tuple[str, Gate | None], str] = {
    ("decide.approve", "final"): "Accept",
    ("decide.approve", "budget"): "Raise",
    ("decide.reject", "final"): "Send back",
    ("session.stop", "budget"): "Stop here",
}
