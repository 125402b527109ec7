"""The output of cells: each between its head and its end, errors marked, growing as it is written."""

from __future__ import annotations

from distill_core.plurals import count
from distill_core.state import Cell
from tui.lines import LONGEST, Line, drawable, roled
from tui.live import words

MARKS = {"stdout": ("  ", ""), "stderr": ("! ", "error")}


def head(cell: Cell) -> list[Line]:
    """The line above a cell's output."""
    mark = words.cell_mark(cell)
    spans = [("─ ", "rule"), (f"step {cell.step} · {cell.cell_id}", "heading"), (" · ", "muted")]
    spans.append((mark.text, mark.role))
    if cell.phase == "done":
        spans.append((f" · {words.seconds(cell.elapsed)}", "muted"))
    if len(cell.calls):
        spans.append((f" · {count(len(cell.calls), 'worker call')}", "muted"))
    return [tuple(spans)]


class Body:
    """The lines of a growing output. Pieces come in any size; the last line stays open until it ends."""

    def __init__(self) -> None:
        self._open = ""
        self._length = 0
        self._stream = "stdout"
        self._taken = 0

    def add(self, cell: Cell) -> tuple[int, list[Line]]:
        """Take what the cell has written since last time.

        Returns:
            How many of the lines given so far the new ones replace (0 or 1, the open one), and the new lines.
        """
        replaced = 1 if self._length else 0
        lines: list[Line] = []
        while self._taken < len(cell.output):
            stream, text = cell.output[self._taken]
            self._taken += 1
            if stream != self._stream and self._length:
                lines.append(self._close())
            self._stream = stream
            first, *others = text.split("\n")
            self._extend(first)
            for piece in others:
                lines.append(self._close())
                self._extend(piece)
        if self._length:
            lines.append(self._line())
        return replaced, lines

    def _extend(self, piece: str) -> None:
        # Of an endless line only what can be drawn is kept here.
        self._open += piece[: LONGEST - len(self._open)]
        self._length += len(piece)

    def _close(self) -> Line:
        line = self._line()
        self._open, self._length = "", 0
        return line

    def _line(self) -> Line:
        mark = MARKS[self._stream]
        return (mark, (drawable(self._open.removesuffix("\r"), self._length), mark[1]))


def tail(cell: Cell) -> list[Line]:
    """What stands under a cell's output once it has ended: traceback, what was dropped, the answer."""
    lines: list[Line] = []
    if cell.phase != "done":
        return lines
    if cell.dropped:
        lines.append(
            (("! ", "warn"), (f"{cell.dropped:,} characters of output over the limit were dropped", "warn"))
        )
    if cell.traceback:
        lines += [(("✗ ", "error"), *line) for line in roled(cell.traceback.rstrip("\n"), "error")]
    if cell.final is not None:
        marks = [("★ ", "ok"), *[("  ", "")] * cell.final.text.count("\n")]
        lines += [(mark, *line) for mark, line in zip(marks, roled(cell.final.text), strict=True)]
    elif cell.status == "ok" and not len(cell.output):
        lines.append((("  no output", "muted"),))
    lines.append(())
    return lines
