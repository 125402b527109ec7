"""How lines look in a pane: strips of the terminal's cells, framed by the pane's edges, kept while nothing alters them.

A row that moves through its pane looks the same at each place, so it is made once. Textual would make it anew, frame
and all, each time it has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

from tui.lines import Line, fit

MOST_STRIPS = 500
"""Rows whose look is kept."""


class Look(NamedTuple):
    """What rows have in common.

    Args:
        base: plain text.
        cursor: what differs under the cursor.
        roles: what differs by role.
        width: cells for text.
        left: what stands on the left of every row, as it is painted.
        right: what stands on its right, as it is painted.
        filters: what is done to every style before it is painted.
        background: what the filters take for the ground.
    """

    base: Style = Style.null()
    cursor: Style = Style.null()
    roles: Mapping[str, Style] = {}
    width: int = 0
    left: tuple[Segment, ...] = ()
    right: tuple[Segment, ...] = ()
    filters: Sequence[LineFilter] = ()
    background: Color = Color(0, 0, 0)


class Looks:
    """Strips for lines under one look."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._strips: dict[tuple[Line, bool], Strip] = {}
        self._painted: dict[tuple[str, bool], Style] = {}

    def bare(self, line: Line, cursor: bool) -> Strip:
        """`line` without what stands on both sides of it, and before the filters."""
        return Strip(self._segments(line, cursor, self._style), self.look.width)

    def framed(self, line: Line, cursor: bool) -> Strip:
        """`line` as it is painted."""
        strip = self._strips.get((line, cursor))
        if strip is None:
            if len(self._strips) >= MOST_STRIPS:
                self._strips.clear()
            strip = self._in_frame(self._segments(line, cursor, self._as_painted))
            self._strips[line, cursor] = strip
        return strip

    def frame(self, strip: Strip) -> Strip:
        """A bare strip as it is painted."""
        for line_filter in self.look.filters:
            strip = strip.apply_filter(line_filter, self.look.background)
        return self._in_frame(strip)

    def _in_frame(self, segments: Iterable[Segment]) -> Strip:
        look = self.look
        return Strip(
            [*look.left, *segments, *look.right], look.width + _cells(look.left) + _cells(look.right)
        )

    def _segments(self, line: Line, cursor: bool, style: Callable[[str, bool], Style]) -> list[Segment]:
        width = self.look.width
        segments = [Segment(text, style(role, cursor)) for text, role in fit(line, width)]
        room = width - _cells(segments)
        if room > 0:
            segments.append(Segment(" " * room, style("", cursor)))
        return segments

    def _style(self, role: str, cursor: bool) -> Style:
        look = self.look
        style = look.base + look.cursor if cursor else look.base
        # A reversed row would turn the colour of each role into a ground of its own.
        return style if style.reverse or role not in look.roles else style + look.roles[role]

    def _as_painted(self, role: str, cursor: bool) -> Style:
        style = self._painted.get((role, cursor))
        if style is None:
            segments = [Segment("", self._style(role, cursor))]
            for line_filter in self.look.filters:
                segments = line_filter.apply(segments, self.look.background)
            style = self._painted[role, cursor] = segments[0].style or Style.null()
        return style


def _cells(segments: Iterable[Segment]) -> int:
    return sum(cell_len(segment.text) for segment in segments)
