"""The thumb of a scrollbar: where it stands, so that a bar whose thumb has not moved is not drawn again."""

from __future__ import annotations

from math import ceil

from textual.scrollbar import ScrollBar

PARTS = 8
"""A thumb moves by so many parts of a cell."""


def thumb(cells: int, rows: float, seen: float, top: float) -> tuple[int, int]:
    """First part and last of the thumb.

    Args:
        cells: length of the bar.
        rows: what there is to see.
        seen: how much of it is seen at a time.
        top: the first row that is seen.
    """
    if not cells or not 0 < seen < rows:
        return 0, 0
    length = max(1.0, seen * cells / rows)
    first = int((cells - length) * top / (rows - seen) * PARTS)
    return first, first + ceil(length * PARTS)


def move(bar: ScrollBar, rows: int, top: float) -> None:
    """Have the bar stand for `rows` rows of which `top` is the first seen; draw it if its thumb moves by that."""
    cells = bar.size.height
    before = thumb(cells, bar.window_virtual_size, bar.window_size, bar.position)
    if thumb(cells, rows, bar.window_size, top) == before:
        bar.set_reactive(ScrollBar.window_virtual_size, rows)
        bar.set_reactive(ScrollBar.position, top)
    else:
        bar.window_virtual_size = rows
        bar.position = top
