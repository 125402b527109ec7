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
        help="Run the code as it stands; at the answer: accept it; at a bound: raise it; at a failed call: try again",
        group=DECIDE,
        applies=_gate("step", "final", "budget", "failure"),
        labels=(("final", "Accept"), ("budget", "Raise"), ("failure", "Try again")),
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
        id="decide.regenerate",
        keys=("g",),
        label="More",
        help="Ask for more candidates from the same prompt and compare them side by side; none is lost",
        group=DECIDE,
        applies=_gate("step"),
        priority=True,
    ),
    Action(
        id="decide.compare",
        keys=("c",),
        label="Compare",
        help="See the candidates side by side and choose one",
        group=DECIDE,
        applies=lambda now: now.gate == "step" and now.choice,
    ),
    Action(
        id="decide.difference",
        keys=("d",),
        label="Diff",
        help="What the code changes against the cell that it revises",
        group=DECIDE,
        applies=lambda now: now.gate == "step" and now.revises,
    ),
    Action(
        id="decide.write",
        keys=("w",),
        label="Write",
        help="Write the code yourself, from a program of the playbook or from nothing",
        group=DECIDE,
        applies=_gate("step"),
    ),
    Action(
        id="decide.follow-up",
        keys=("u",),
        label="Follow up",
        help="Accept the answer and ask something further; all variables stay",
        group=DECIDE,
        applies=_gate("final"),
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
        id="decide.edit-outside",
        keys=("E",),
        label="$EDITOR",
        help="Change it in your own editor; it comes back as one edit that can be undone, and waits to be saved",
        group=DECIDE,
        applies=_gate("step", "final"),
    ),
)
