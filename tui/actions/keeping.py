"""What can be done on the screen of kept sessions."""

from __future__ import annotations

from tui.actions.action import Action

_GROUP = "Kept sessions"


def _action(id: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = True) -> Action:
    return Action(
        id=f"sessions.{id}", keys=keys, label=label, help=help, group=_GROUP, scope="sessions", shown=shown
    )


KEEPING: tuple[Action, ...] = (
    _action("open", ("o",), "Open", "Open the session at the cursor (enter does too)"),
    _action(
        "filter", ("slash",), "Filter", "Type what to list: words, and filters such as errors:0 unreviewed"
    ),
    _action("mark", ("space",), "Mark", "Mark the session, for what is done to several"),
    _action("mark_all", ("a",), "All", "Mark all that are listed, or none"),
    _action("rate", ("r",), "Rate", "Rate the marked sessions, or the one at the cursor"),
    _action("label", ("l",), "Label", "Label the marked sessions, or the one at the cursor"),
    _action(
        "trash", ("d", "delete"), "Trash", "Move the marked sessions, or the one at the cursor, to the trash"
    ),
    _action("undo", ("u", "ctrl+z"), "Undo", "Take back the last rating, label or removal"),
    _action("sort", ("s",), "Sort", "Sort by the next column"),
    _action("reverse", ("S",), "Reverse", "Turn the order round"),
    _action("next", ("n",), "Next unreviewed", "Go to the next session that you have not judged"),
    _action(
        "tree", ("t",), "Forks", "The session, what it was forked from and its forks, as a tree", shown=False
    ),
    _action(
        "stats",
        ("p",),
        "Plots",
        "Statistics of what is listed, with plots; without example sessions",
    ),
    _action("export", ("x",), "Export", "Export the marked sessions, or all that are listed"),
    _action("refresh", ("f5",), "Refresh", "Look for what is new", shown=False),
    _action("help", ("question_mark",), "Help", "This list"),
    _action("back", ("escape", "q"), "Back", "Leave the list"),
)
"""In the order of the bar."""
