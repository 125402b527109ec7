"""A transcript: blocks of lines in order, wrapped to a width, found by key. Grows cheaply at its end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

from tui.lines import Line

Wrap: TypeAlias = Callable[[Line, int], list[Line]]

MOST_LINES, KEPT_HEAD, KEPT_TAIL = 20_000, 2_000, 8_000
"""A block over so many lines keeps its head and its tail on the screen; the log has all of it."""


class _Block:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.rows: list[Line] = []
        self.last = 0
        self.folded = 0


class Transcript:
    """Lines as rows of a pane.

    Args:
        wrap: lays one line out in a width.
    """

    def __init__(self, wrap: Wrap) -> None:
        self._wrap = wrap
        self._width = 80
        self._blocks: list[_Block] = []
        self._keys: list[Hashable] = []
        self._index: dict[Hashable, int] = {}
        self._starts: list[int] = []
        self._dirty = 0

    def set(self, key: Hashable, lines: Sequence[Line]) -> None:
        """Put `lines` into the block `key`, which is added at the end if there is none yet."""
        block = self._block(key)
        block.lines = list(lines)
        block.folded = 0
        if len(block.lines) > MOST_LINES:
            self._fold(block)
        else:
            self._lay_out(block)

    def extend(self, key: Hashable, replaced: int, lines: Sequence[Line]) -> None:
        """Put `lines` at the end of block `key`, in the place of its last one if `replaced`."""
        block = self._block(key)
        if replaced:
            block.lines.pop()
            del block.rows[len(block.rows) - block.last :]
            block.last = 0
        for line in lines:
            rows = self._wrap(line, self._width)
            block.rows += rows
            block.last = len(rows)
        block.lines += lines
        if len(block.lines) > MOST_LINES:
            self._fold(block)

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._keys.clear()
        self._index.clear()
        self._starts.clear()
        self._dirty = 0

    def height(self, width: int) -> int:
        """Rows in all at `width`."""
        if width != self._width:
            self._width = width
            for block in self._blocks:
                self._lay_out(block)
            self._dirty = 0
        self._place()
        return self._starts[-1] + len(self._blocks[-1].rows) if self._blocks else 0

    def row(self, y: int) -> Line:
        """Row `y` from the top, at the width that `height` was last asked for; blank beyond the end."""
        self._place()
        at = bisect_right(self._starts, y) - 1
        if at < 0:
            return ()
        rows = self._blocks[at].rows
        place = y - self._starts[at]
        return rows[place] if place < len(rows) else ()

    def span(self, key: Hashable) -> tuple[int, int] | None:
        """First row of block `key`, and how many it has."""
        at = self._index.get(key)
        if at is None:
            return None
        self._place()
        return self._starts[at], len(self._blocks[at].rows)

    def key_at(self, y: int) -> Hashable | None:
        """The block that row `y` belongs to."""
        self._place()
        at = bisect_right(self._starts, y) - 1
        return self._keys[at] if 0 <= at < len(self._keys) else None

    def keys(self) -> list[Hashable]:
        """The keys of the blocks in order."""
        return list(self._keys)

    def _block(self, key: Hashable) -> _Block:
        at = self._index.get(key)
        if at is None:
            at = self._index[key] = len(self._blocks)
            self._blocks.append(_Block())
            self._keys.append(key)
        self._dirty = min(self._dirty, at)
        return self._blocks[at]

    def _lay_out(self, block: _Block) -> None:
        block.rows = []
        block.last = 0
        for line in block.lines:
            rows = self._wrap(line, self._width)
            block.rows += rows
            block.last = len(rows)

    def _fold(self, block: _Block) -> None:
        cut = len(block.lines) - KEPT_HEAD - KEPT_TAIL
        note_before = 1 if block.folded else 0
        block.folded += cut - note_before
        note: Line = ((f"… {block.folded:,} lines not shown, whole in the log …", "warn"),)
        block.lines[KEPT_HEAD : KEPT_HEAD + cut] = [note]
        self._lay_out(block)

    def _place(self) -> None:
        """Bring the first rows of the blocks up to date, from the first that changed."""
        if self._dirty >= len(self._blocks):
            return
        del self._starts[self._dirty :]
        for at in range(self._dirty, len(self._blocks)):
            before = self._starts[-1] + len(self._blocks[at - 1].rows) if at else 0
            self._starts.append(before)
        self._dirty = len(self._blocks)
