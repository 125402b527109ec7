"""Is a piece of code a revision of an earlier one, and what did it change?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

ALIKE = 0.5
"""Share of two pieces of code that has to be the same for one to count as a revision of the other."""
MOST_CHARS = 40_000
"""Longer code is not compared: it would take seconds."""
FEW_LINES = 4


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """Code that revises cell `of`, whose code was `before`. `added` and `removed` count lines."""

    of: str
    before: str
    after: str
    added: int
    removed: int


def revised(code: str, earlier: Iterable[tuple[str, str]]) -> Revision | None:
    """The revision that `code` is, of the one of `earlier` (cell id and code, oldest first) that is most like it.

    None where none is like it. Among equals the latest counts.
    """
    best: tuple[float, str, str] | None = None
    for cell_id, before in earlier:
        alike = _alike(before, code)
        if alike >= ALIKE and (best is None or alike >= best[0]):
            best = (alike, cell_id, before)
    if best is None:
        return None
    _, cell_id, before = best
    changes = [line[:1] for line in unified(before, code, context=0)]
    return Revision(
        of=cell_id, before=before, after=code, added=changes.count("+"), removed=changes.count("-")
    )


def unified(before: str, after: str, *, context: int = 3) -> list[str]:
    """The lines of a unified diff, without its file names; equal texts have none."""
    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=context)
    return list(lines)[2:]


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _alike(before: str, after: str) -> float:
    """From 0 to 1: by lines, or by characters where there are few lines."""
    if len(before) + len(after) > MOST_CHARS:
        return 0.0
    one, other = before.split("\n"), after.split("\n")
    if min(len(one), len(other)) <= FEW_LINES:
        return difflib.SequenceMatcher(None, before[:2000], after[:2000], autojunk=False).ratio()
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
