"""Actions of the home screen."""

from __future__ import annotations

from tui.actions.action import Action

AT_HOME = "On the home screen"


def _home(name: str, keys: tuple[str, ...], label: str, help: str, *, priority: bool = False) -> Action:
    return Action(
        id=f"home.{name}",
        keys=keys,
        label=label,
        help=help,
        group=AT_HOME,
        scope="home",
        shown=True,
        priority=priority,
    )


HOME: tuple[Action, ...] = (
    _home("new", ("n",), "New session", "Ask a question of a document"),
    _home("again", ("a",), "Ask again", "A new session with the question and document at the cursor"),
    _home("sessions", ("slash",), "All sessions", "Every kept session: filter, search, judge several"),
    _home("export", ("x",), "Export", "Kept sessions as data sets for trainers"),
    _home("refresh", ("f5",), "Refresh", "Look for sessions again"),
    _home("theme", ("t",), "Theme", "Next colour theme"),
    _home("palette", ("ctrl+p",), "Commands", "Everything that can be done, to search and choose from"),
    _home("help", ("question_mark", "f1"), "Help", "Every key"),
    _home("quit", ("q", "ctrl+q", "ctrl+c"), "Quit", "Leave the program", priority=True),
)
