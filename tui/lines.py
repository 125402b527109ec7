"""Lines: what every pane draws. Text with a role a piece, laid out by cell width. Knows no screen.

A role is a word ("error", "muted", "keyword"); which colour it gets is the theme's affair. All text is cleaned here,
on its way into a row, whatever it was before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from rich.cells import cell_len, get_character_cell_size

from tui.text import clean

Span: TypeAlias = tuple[str, str]
"""Text and its role; the role "" is plain."""

Line: TypeAlias = tuple[Span, ...]

TAB = 4
LONGEST = 4_000
"""Characters of one line that are drawn; what is longer stands whole in the log."""

CONTINUED = "↪ "
_ROW_CHARS = 8
"""Characters a cell at most in one row: a pile of combining marks takes no cells and would never end."""


def plain(line: Line) -> str:
    """The text of a line."""
    return "".join(text for text, _ in line)


def line_ends(text: str) -> str:
    """A program or a reply with a line feed for each line end that Python and Markdown know.

    A carriage return is one to them. Not shown as one, code behind it would seem to belong to the comment before it.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_lines(text: str) -> list[str]:
    """The lines of foreign text as they may be drawn: cleaned, tabs expanded, over-long ones cut and saying so."""
    return [_drawable(line) for line in text.replace("\r\n", "\n").split("\n")]


def _drawable(line: str) -> str:
    return drawable(line, len(line))


def drawable(line: str, length: int) -> str:
    """One foreign line of `length` characters as it may be drawn; `line` may be only the first `LONGEST` of them."""
    text = clean(line[:LONGEST].expandtabs(TAB))
    return f"{text}… {length - LONGEST:,} characters more, whole in the log" if length > LONGEST else text


def roled(text: str, role: str = "") -> list[Line]:
    """Foreign text as lines of one role."""
    return [((line, role),) for line in split_lines(text)]


def fit(line: Line, width: int) -> Line:
    """`line` cut to `width` cells, ending in "…" where something was cut."""
    line = _cleaned(line)
    if sum(cell_len(text) for text, _ in line) <= width and _short(line, width):
        return line
    kept = _take(line, width - 1)[0] if width > 1 else ()
    if sum(cell_len(text) for text, _ in kept) >= width:  # a wide character, with room for a narrow one
        kept = ()
    return (*kept, ("…"[:width], "muted"))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Foreign text as exactly `width` cells: cut with "…" or filled with spaces (in front if `right`)."""
    cut = plain(fit(((text.replace("\n", " ").replace("\t", " "), ""),), width))
    fill = " " * (width - cell_len(cut))
    return fill + cut if right else cut + fill


def wrap(line: Line, width: int, *, words: bool = False, indent: int = 0) -> list[Line]:
    """`line` as rows of at most `width` cells.

    Args:
        line: what to lay out.
        width: cells in a row.
        words: break between words where one is near, as for prose; otherwise anywhere, and the rows that follow begin
            with a mark, as for code and output.
        indent: spaces before the rows that follow.
    """
    rest = _cleaned(line)
    if width <= indent + len(CONTINUED) + 1:
        width, indent, words = max(width, 1), 0, True
    if _short(rest, width) and sum(cell_len(text) for text, _ in rest) <= width:
        return [rest]
    head: Line = ((" " * indent, ""),) if indent else ()
    if not words:
        head = (*head, (CONTINUED, "muted"))
    rows: list[Line] = []
    while rest:
        room = width - (sum(cell_len(text) for text, _ in head) if rows else 0)
        row, rest = _take(rest, room)
        if words and rest:
            row, rest = _at_word(row, rest)
        rows.append((*head, *row) if rows else row)
    return rows


def _cleaned(line: Line) -> Line:
    return tuple((clean(text).replace("\n", "␊").replace("\t", " "), role) for text, role in line if text)


def _short(line: Line, width: int) -> bool:
    return sum(len(text) for text, _ in line) <= width * _ROW_CHARS


def _take(line: Line, width: int) -> tuple[Line, Line]:
    """The first `width` cells of `line`, at least one character, and what is left."""
    taken: list[Span] = []
    room, chars = width, max(width, 1) * _ROW_CHARS
    for index, (text, role) in enumerate(line):
        if len(text) <= chars and (cells := cell_len(text)) <= room:
            taken.append((text, role))
            room -= cells
            chars -= len(text)
            continue
        cut = _cut(text, room, chars)
        if cut == 0 and not taken:
            cut = 1
        if cut:
            taken.append((text[:cut], role))
        return tuple(taken), ((text[cut:], role), *line[index + 1 :]) if cut < len(text) else line[
            index + 1 :
        ]
    return tuple(taken), ()


def _cut(text: str, cells: int, chars: int) -> int:
    """How many characters of `text` fit into `cells`, `chars` at most."""
    used = 0
    for index, char in enumerate(text[:chars]):
        used += get_character_cell_size(char)
        if used > cells:
            return index
    return min(len(text), chars)


def _at_word(row: Line, rest: Line) -> tuple[Line, Line]:
    """Move the break back to the last space, if it is in the second half of the row."""
    if rest[0][0][:1] == " ":
        return row, _lstrip(rest)
    text = plain(row)
    place = text.rfind(" ") + 1
    if place <= len(text) // 2:
        return row, rest
    kept: list[Span] = []
    for index, (piece, role) in enumerate(row):
        if place < len(piece):
            return (*kept, (piece[:place], role)), ((piece[place:], role), *row[index + 1 :], *rest)
        kept.append((piece, role))
        place -= len(piece)
    return row, rest


def _lstrip(line: Line) -> Line:
    (text, role), *others = line
    stripped = text.lstrip(" ")
    return ((stripped, role), *others) if stripped else tuple(others)


def rule(title: Iterable[Span], width: int) -> Line:
    """A separating line with a title near its left end."""
    shown = fit(tuple(title), max(width - 4, 0))
    used = sum(cell_len(text) for text, _ in shown)
    return (("─ ", "rule"), *shown, (" " + "─" * max(width - used - 3, 0), "rule"))
