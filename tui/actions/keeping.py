"""What can be done on the screen of kept sessions."""

from __future__ import annotations

from tui.actions.action import Action

_GROUP = "Kept sessions"


def _action(id: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = True) -> Action:
    return Action(
        id=f"sessions.{id}", keys=keys, label=label, help=help, group=_GROUP, scope="sessions", shown=shown
    )


KEEPING: tuple[Action, ...] = (
    _action("open", ("o",), "open", "Open the session at the cursor (enter does too)."),
    _action(
        "filter", ("slash",), "Filter", "Type what to list: words, and filters such as errors:0 unreviewed"
    ),
    _action("mark", ("space",), "mark", "Mark the session, for what is done to several."),
    _action("mark_all", ("a",), "all", "Mark all that are listed, or none."),
    _action("rate", ("r",), "rate", "Rate the marked sessions, or the one at the cursor."),
    _action("label", ("l",), "label", "Label the marked sessions, or the one at the cursor."),
    _action(
        "trash", ("d", "delete"), "Trash", "Move the marked sessions, or the one at the cursor, to the trash"
    ),
    _action("undo", ("u", "ctrl+z"), "undo", "Take back the last rating, label or removal."),
    _action("sort", ("s",), "sort", "Sort by the next column."),
    _action("reverse", ("S",), "reverse", "Turn the order round."),
    _action("next", ("n",), "next unreviewed", "Go to the next session that you have not judged."),
    _action("stats", ("p",), "plots", "Statistics of what is listed, with plots."),
    _action("refresh", ("f5",), "refresh", "Look for what is new.", shown=False),
    _action("help", ("question_mark",), "help", "This list."),
    _action("back", ("escape", "q"), "back", "Leave the list."),
)
"""In the order of the bar."""
