"""Actions on the worker call at the cursor of the workers pane."""

from __future__ import annotations

from tui.actions.action import Action, Situation

CALL = "The worker call at the cursor"


def _there(now: Situation) -> bool:
    return now.call and now.pane == "workers"


def _open(now: Situation) -> bool:
    return _there(now) and now.live


CALLS: tuple[Action, ...] = (
    Action(
        id="call.read",
        keys=("P",),
        label="Read call",
        help="Its exact prompt and reply, as enter does",
        group=CALL,
        applies=_there,
    ),
    Action(
        id="call.retry",
        keys=("R",),
        label="Send again",
        help="Send its prompt again; the code gets the new reply if it still waits, the record keeps both",
        group=CALL,
        applies=_open,
    ),
    Action(
        id="call.override",
        keys=("O",),
        label="Override",
        help="Write the reply yourself; the code gets it if it still waits, the record keeps both",
        group=CALL,
        applies=_open,
    ),
    Action(
        id="call.cancel",
        keys=("X",),
        label="Cancel rest",
        help="Cancel what is left of its batch; the code gets an error for each",
        group=CALL,
        applies=lambda now: _open(now) and now.running,
    ),
)
