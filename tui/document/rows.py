"""A long text as rows of a width, laid out where it is looked at.

The text is cut into blocks. How many rows a block has is estimated until it is laid out: when a row of it is drawn, or
by `refine`, a slice of time at a time. So a text of 100 MB opens at once, and its scroll bar becomes exact in passing.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from itertools import accumulate

from rich.cells import get_character_cell_size

from tui.text import clean

BLOCK = 1 << 14
"""Characters of a block at most; a block ends behind a line where there is one."""

_KEPT = 64
"""Blocks whose rows are kept."""

Row = tuple[int, int]
"""First character of a row, and the one behind its last."""

_PILE = 8
"""Characters a cell at most in one row: a pile of combining marks takes no cells and would never end."""


class Rows:
    """The rows of `text` at a width that is set."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._blocks = _blocks(text)
        self._lines = [text.count("\n", start, end) for start, end in self._blocks]
        self._width = 0
        self._counts: list[int] = []
        self._exact = bytearray(len(self._blocks))
        self._starts: list[int] | None = None
        self._kept: OrderedDict[int, list[Row]] = OrderedDict()
        self._refined = 0

    def set_width(self, width: int) -> None:
        """Lay out in rows of at most `width` cells from now on."""
        width = max(1, width)
        if width == self._width:
            return
        self._width = width
        self._counts = [
            max(1, lines, lines // 2 + (end - start) // width)
            for (start, end), lines in zip(self._blocks, self._lines, strict=True)
        ]
        self._exact = bytearray(len(self._blocks))
        self._kept.clear()
        self._starts = None
        self._refined = 0

    @property
    def total(self) -> int:
        """Rows in all, as far as is known."""
        return self._places()[-1] if self._blocks else 0

    def row(self, y: int) -> Row | None:
        """Row `y`; None beyond the end."""
        while 0 <= y < self.total:
            block = bisect_right(self._places(), y) - 1
            rows = self._rows(block)
            at = y - self._places()[block]
            if at < len(rows):
                return rows[at]
            # It had been estimated longer than it is: what was sought has moved up.
        return None

    def row_of(self, offset: int) -> int:
        """The row that shows the character at `offset`."""
        if not self._blocks:
            return 0
        offset = max(0, min(offset, len(self.text) - 1))
        block = bisect_right(self._blocks, (offset, len(self.text) + 1)) - 1
        rows = self._rows(block)
        return self._places()[block] + bisect_right(rows, (offset, len(self.text) + 1)) - 1

    def refine(self, seconds: float) -> bool:
        """Lay out blocks for about so long; whether any are left."""
        until = time.monotonic() + seconds
        while self._refined < len(self._blocks):
            if not self._exact[self._refined]:
                start, end = self._blocks[self._refined]
                self._count(self._refined, len(lay_out(self.text, start, end, self._width)))
                if time.monotonic() >= until:
                    break
            self._refined += 1
        return self._refined < len(self._blocks)

    def _rows(self, block: int) -> list[Row]:
        rows = self._kept.get(block)
        if rows is None:
            rows = self._kept[block] = lay_out(self.text, *self._blocks[block], self._width)
            self._count(block, len(rows))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(block)
        return rows

    def _count(self, block: int, rows: int) -> None:
        self._exact[block] = 1
        if self._counts[block] != rows:
            self._counts[block] = rows
            self._starts = None

    def _places(self) -> list[int]:
        """The first row of each block, and the number of all rows at the end."""
        if self._starts is None:
            self._starts = list(accumulate(self._counts, initial=0))
        return self._starts


def _blocks(text: str) -> list[Row]:
    blocks: list[Row] = []
    at = 0
    while at < len(text):
        end = min(at + BLOCK, len(text))
        if end < len(text):
            end = text.rfind("\n", at, end) + 1 or end
        blocks.append((at, end))
        at = end
    return blocks


def lay_out(text: str, start: int, end: int, width: int) -> list[Row]:
    """The rows of `text[start:end]`, broken between words where one is near. A tab is one cell."""
    rows: list[Row] = []
    at = start
    piece = text[start:end]
    for line in piece.removesuffix("\n").split("\n"):
        length = len(line)
        if length <= width and line.isascii():
            rows.append((at, at + length))
        elif line.isascii():
            rows += [(at + a, at + b) for a, b in _narrow(line, width)]
        else:
            rows += [(at + a, at + b) for a, b in _mixed(line, width)]
        at += length + 1
    return rows


def _narrow(line: str, width: int) -> list[Row]:
    """Rows of a line whose characters take a cell each."""
    rows: list[Row] = []
    at, length = 0, len(line)
    while length - at > width:
        space = line.rfind(" ", at + width // 2, at + width + 1)
        end = space + 1 if space >= 0 else at + width
        rows.append((at, end))
        at = end
    if at < length or not rows:
        rows.append((at, length))
    return rows


_cells = {"\t": 1}


def cells_of(char: str) -> int:
    """Cells that a character takes as it is drawn."""
    size = _cells.get(char)
    if size is None:
        size = _cells[char] = get_character_cell_size(clean(char))
    return size


def _mixed(line: str, width: int) -> list[Row]:
    rows: list[Row] = []
    at = used = 0
    space = -1
    for index, char in enumerate(line):
        size = cells_of(char)
        if index > at and (used + size > width or index - at >= width * _PILE):
            if char == " " and used + size > width and index - at < width * _PILE:
                # A space at the end of a row is not seen.
                used += size
                space = index
                continue
            end = space + 1 if space >= at + (index - at) // 2 else index
            rows.append((at, end))
            at, space = end, -1
            used = sum(map(cells_of, line[end:index]))
        used += size
        if char == " ":
            space = index
    if at < len(line) or not rows:
        rows.append((at, len(line)))
    return rows
