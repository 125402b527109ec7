"""Actions at a gate: what a person makes of a proposal."""

from __future__ import annotations

from collections.abc import Callable

from tui.actions.action import Action, Gate, Situation

DECIDE = "Decide"


def _gate(*gates: Gate) -> Callable[[Situation], bool]:
    return lambda now: now.gate in gates


DECIDING: tuple[Action, ...] = (
    Action(
        id="decide.approve",
        keys=("a",),
        label="Approve",
        help="Run the code as it stands; at the answer: accept it; at a bound: raise it",
        group=DECIDE,
        applies=_gate("step", "final", "budget"),
        labels=(("final", "Accept"), ("budget", "Raise")),
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
        labels=(("final", "Send back"),),
    ),
    Action(
        id="decide.finish",
        keys=("f",),
        label="Finish",
        help="End the session with an answer of your own",
        group=DECIDE,
        applies=_gate("step"),
    ),
)
