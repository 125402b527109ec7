"""Actions on the worker call at the cursor of the workers pane."""

from __future__ import annotations

from tui.actions.action import Action

CALLS: tuple[Action, ...] = ()
