"""Actions by which a person judges what is on the screen."""

from __future__ import annotations

from tui.actions.action import Action

JUDGE = "Judge"

ANNOTATING: tuple[Action, ...] = (
    Action(
        id="judge.here",
        keys=("m",),
        label="Judge",
        help="Rate, mark, label, comment or correct what the focused pane stands at: step, cell, call or answer",
        group=JUDGE,
        shown=True,
    ),
    Action(
        id="judge.choose",
        keys=("M",),
        label="Judge…",
        help="Choose what to judge: the session, the answer, any step or cell",
        group=JUDGE,
    ),
    Action(
        id="judge.span",
        keys=("S",),
        label="Judge words",
        help="Select words of what the focused pane stands at, and judge those",
        group=JUDGE,
    ),
    Action(
        id="judge.list",
        keys=("L",),
        label="Judgements",
        help="What was judged so far, by you and by those who are done as you are",
        group=JUDGE,
    ),
    Action(
        id="judge.undo",
        keys=("ctrl+z",),
        label="Undo",
        help="Take your last judgement back; it stays in the log",
        group=JUDGE,
    ),
    Action(
        id="judge.redo",
        keys=("ctrl+r", "U"),
        label="Redo",
        help="Let the judgement that you took back count again",
        group=JUDGE,
    ),
    Action(
        id="judge.done",
        keys=("D",),
        label="Done judging",
        help="Say that you are done with this session: from then on you see what others said",
        group=JUDGE,
    ),
)
