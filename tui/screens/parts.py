"""The parts of the live screen: each brings panes, does the actions of the registry that are its own, follows changes.

A part is added by writing its class in a file of its own and naming it in `PARTS`. Its actions stand in `tui.actions`,
its panes in `tui.live.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tui.live.model import Changes
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Pane(NamedTuple):
    """A pane's widget, and what happens when the person moves its cursor or presses enter on an entry."""

    widget: LinePane
    highlighted: Callable[[int], None] | None = None
    chosen: Callable[[int], None] | None = None


class Part(Protocol):
    """One part of the live screen. It is made with the screen and lives as long."""

    def panes(self) -> Mapping[str, Pane]:
        """The panes it makes, by their name in `tui.live.layout.PANES`; called once, before the screen is there."""
        ...

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """What does its actions, by their id in the registry."""
        ...

    def take(self, changes: Changes) -> None:
        """Bring what changed in the model into its panes; `LinePane.changed` draws them."""
        ...


def parts_of(screen: LiveScreen) -> tuple[Part, ...]:
    """Every part, made for `screen`."""
    from tui.screens.alerting import Alerting
    from tui.screens.annotating import Annotating
    from tui.screens.branching import Branching
    from tui.screens.calling import Calling
    from tui.screens.deciding import Deciding
    from tui.screens.documenting import Documenting
    from tui.screens.forking import Forking
    from tui.screens.leaving import Leaving
    from tui.screens.looking import Looking
    from tui.screens.playing import Playing
    from tui.screens.probing import Probing
    from tui.screens.proposing import Proposing
    from tui.screens.steering import Steering
    from tui.screens.watching import Watching

    makers: tuple[Callable[[LiveScreen], Part], ...] = (
        Watching,
        Proposing,
        Playing,
        Forking,
        Branching,
        Deciding,
        Documenting,
        Annotating,
        Calling,
        Steering,
        Probing,
        Looking,
        Leaving,
        Alerting,
    )
    return tuple(make(screen) for make in makers)
