"""Actions that change what is seen, and nothing else."""

from __future__ import annotations

from tui.actions.action import Action
from tui.live.layout import PANES

LOOK = "Look around"

LOOKING: tuple[Action, ...] = (
    *(
        Action(
            id=f"pane.{pane.name}",
            keys=(pane.key,),
            label=pane.title,
            help=f"Go to {pane.said}",
            group=LOOK,
        )
        for pane in PANES
    ),
    Action(
        id="pane.next",
        keys=("tab",),
        label="Next pane",
        help="Go to the next pane",
        group=LOOK,
        priority=True,
    ),
    Action(
        id="pane.previous",
        keys=("shift+tab",),
        label="Previous pane",
        help="Go to the previous pane",
        group=LOOK,
        priority=True,
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
        id="pane.wider",
        keys=("right_square_bracket",),
        label="Wider",
        help="Make the left column wider",
        group=LOOK,
    ),
    Action(
        id="pane.narrower",
        keys=("left_square_bracket",),
        label="Narrower",
        help="Make the left column narrower",
        group=LOOK,
    ),
    Action(
        id="pane.taller",
        keys=("plus",),
        label="Taller",
        help="Give the pane more of its column",
        group=LOOK,
    ),
    Action(
        id="pane.shorter",
        keys=("minus",),
        label="Shorter",
        help="Give the pane less of its column",
        group=LOOK,
    ),
    Action(
        id="pane.hide",
        keys=("h",),
        label="Hide",
        help="Put the pane away; its number brings it back",
        group=LOOK,
        applies=lambda now: now.pane not in ("", "decision"),
    ),
    Action(
        id="layout.reset",
        keys=("equals_sign",),
        label="Reset layout",
        help="All panes as they were at first",
        group=LOOK,
    ),
    Action(
        id="workers.filter",
        keys=("v",),
        label="Filter",
        help="List only the running, done, failed, cached or changed calls, or all again",
        group=LOOK,
        applies=lambda now: now.pane == "workers",
        shown=True,
    ),
    Action(
        id="workers.order",
        keys=("s",),
        label="Sort",
        help="List the calls by time, by tokens, by state, or in the order made",
        group=LOOK,
        applies=lambda now: now.pane == "workers",
        shown=True,
    ),
    Action(
        id="text.copy",
        keys=("y",),
        label="Copy",
        help="Copy what is selected with the mouse, else what the cursor is on, else the pane; works over SSH",
        group=LOOK,
        applies=lambda now: now.pane != "",
    ),
    Action(
        id="palette.show",
        keys=("ctrl+p",),
        label="Commands",
        help="Everything that can be done now, to search and choose from",
        group=LOOK,
        shown=True,
    ),
    Action(
        id="fault.show",
        keys=("T",),
        label="Traceback",
        help="After a fault of the program: where in its code that came from, to be reported",
        group=LOOK,
        applies=lambda now: now.fault,
        shown=True,
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
        priority=True,
    ),
    Action(
        id="app.break",
        keys=("ctrl+c",),
        label="Copy or quit",
        help="While no cell runs: copy what is selected, else ask to quit",
        group=LOOK,
        applies=lambda now: not now.running,
        priority=True,
    ),
)
