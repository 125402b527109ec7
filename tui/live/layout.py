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
)
"""In the order of their keys; a pane is added here and made by a part of the screen (`tui.parts`)."""

BY_NAME: dict[str, PaneSpec] = {pane.name: pane for pane in PANES}
