"""The registry of actions: everything a person can do on the screens, once.

Keys, footer, help and command palette come from here. An action is added to the file of its kind, and what it does to
the `handlers` of a part of the screen (`tui.screens.parts`).
"""

from tui.actions.action import Action, Gate, Scope, Situation
from tui.actions.annotating import ANNOTATING
from tui.actions.calls import CALLS
from tui.actions.comparing import COMPARING
from tui.actions.deciding import DECIDE, DECIDING
from tui.actions.documents import DOCUMENTS
from tui.actions.exporting import EXPORT
from tui.actions.home import HOME
from tui.actions.keeping import KEEPING
from tui.actions.looking import LOOKING
from tui.actions.moving import MOVING
from tui.actions.playing import PLAYING
from tui.actions.registry import Registry, key_name
from tui.actions.reviewing import REVIEWING
from tui.actions.running import RUNNING
from tui.actions.settling import SETTLING

ACTIONS: tuple[Action, ...] = (
    *DECIDING,
    *RUNNING,
    *PLAYING,
    *CALLS,
    *ANNOTATING,
    *DOCUMENTS,
    *LOOKING,
    *KEEPING,
    *MOVING,
    *REVIEWING,
    *HOME,
    *EXPORT,
    *COMPARING,
    *SETTLING,
)
"""All of them with the keys they have by default, in the order of the help."""

REGISTRY = Registry(ACTIONS)

__all__ = [
    "ACTIONS",
    "DECIDE",
    "REGISTRY",
    "Action",
    "Gate",
    "Registry",
    "Scope",
    "Situation",
    "key_name",
]
