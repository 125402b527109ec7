"""Actions that steer a session while it runs."""

from __future__ import annotations

from tui.actions.action import Action

RUN = "While it runs"

RUNNING: tuple[Action, ...] = (
    Action(
        id="session.stop",
        keys=("x",),
        label="Stop",
        help="End the session with its best partial result",
        group=RUN,
        applies=lambda now: now.live,
        shown=True,
        labels=(("budget", "Stop here"), ("failure", "Stop here")),
    ),
    Action(
        id="cell.interrupt",
        keys=("ctrl+c",),
        label="Interrupt",
        help="Interrupt the running cell, what it has printed stays; a second time: ask to quit",
        group=RUN,
        applies=lambda now: now.running,
        shown=True,
        priority=True,
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
        help="Choose who approves steps: you, always auto, auto when cheap, until an error, or for some steps",
        group=RUN,
        applies=lambda now: now.live,
        shown=True,
    ),
    Action(
        id="session.fork",
        keys=("F",),
        label="Fork here",
        help="A new session from the step at the cursor: other code, words, models, bounds; this one is held meanwhile",
        group=RUN,
        applies=lambda now: now.forks,
    ),
    Action(
        id="repl.probe",
        keys=("V",),
        label="Variables",
        help="Look at the REPL's variables, and try code on a copy of it that nobody sees afterwards",
        group=RUN,
        applies=lambda now: now.live,
    ),
)
