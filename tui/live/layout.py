"""The panes of the live screen: which there are, where each stands."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Column: TypeAlias = Literal["left", "right", "bottom"]


class PaneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A pane.

    Args:
        name: its id.
        key: the key that goes to it.
        title: what stands on its border.
        said: its name in a sentence.
        column: where it stands.
        empty: what it says while there is nothing in it.
        hidden: it is not there until it is gone to.
    """

    name: str
    key: str
    title: str
    said: str
    column: Column
    empty: str = ""
    hidden: bool = False


PANES: tuple[PaneSpec, ...] = (
    PaneSpec(
        name="timeline",
        key="1",
        title="Timeline",
        said="the timeline",
        column="left",
        empty="Steps appear here.",
    ),
    PaneSpec(
        name="supervisor",
        key="2",
        title="Supervisor",
        said="the supervisor",
        column="right",
        empty="What the supervisor writes appears here.",
    ),
    PaneSpec(
        name="output",
        key="3",
        title="Output",
        said="the output",
        column="right",
        empty="What cells print appears here.",
    ),
    PaneSpec(
        name="workers",
        key="4",
        title="Workers",
        said="the worker calls",
        column="left",
        empty="Calls appear here; enter reads one.",
    ),
    PaneSpec(name="decision", key="5", title="Decision", said="what waits for a decision", column="bottom"),
    PaneSpec(
        name="document",
        key="6",
        title="Document",
        said="the document",
        column="right",
        empty="The document appears here.",
        hidden=True,
    ),
)
"""In the order of their keys; a pane is added here and made by a part of the screen (`tui.screens.parts`)."""


def classes(width: int) -> dict[str, bool]:
    """What kind of room a terminal of so many cells and rows has: one pane, two columns, three."""
    return {
        "-narrow": width < 110,
        "-wide": 110 <= width < 180,
        "-very-wide": width >= 180,
    }


LEAST, MOST = 15, 85
"""Percent of the width that the left column may take."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a person has arranged the panes.

    Args:
        left: percent of the width that the left column takes; None: as many cells as it needs.
        heights: weight of a pane among those of its column, by name; 10 where none is given.
        hidden: panes that are put away.
    """

    left: int | None = None
    heights: dict[str, int] = msgspec.field(default_factory=dict)
    hidden: tuple[str, ...] = tuple(pane.name for pane in PANES if pane.hidden)

    def height(self, name: str) -> int:
        """Weight of a pane."""
        return self.heights.get(name, 10)

    def wider(self, by: int, now: int) -> Layout:
        """The left column `by` percent wider; `now` is what it takes."""
        return msgspec.structs.replace(self, left=max(LEAST, min(MOST, now + by)))

    def taller(self, name: str, by: int) -> Layout:
        """A pane with `by` more weight."""
        return msgspec.structs.replace(
            self, heights={**self.heights, name: max(2, min(60, self.height(name) + by))}
        )

    def showing(self, name: str, shown: bool) -> Layout:
        """A pane put away or taken out again."""
        others = tuple(hidden for hidden in self.hidden if hidden != name)
        return msgspec.structs.replace(self, hidden=others if shown else (*others, name))


BY_NAME: dict[str, PaneSpec] = {pane.name: pane for pane in PANES}
