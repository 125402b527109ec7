"""Actions by which a person judges what is on the screen."""

from __future__ import annotations

from tui.actions.action import Action

ANNOTATING: tuple[Action, ...] = ()
