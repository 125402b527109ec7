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
)
