"""Pieces of keys at the places where this program shortened a text for the supervisor: a key may have been cut there.

Of what is longer than is shown, such as what a cell printed, the head and the tail stay, with a line between them that
says what is missing. These write it in `distill_core`: `prompts.cutting`,
`prompts.context`, `repl.running`, `repl.child.trace`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LEAST = 8
"""Letters of the shortest piece of a key that is taken for one; fewer tell little, and stand in other words."""

AFTER_HEAD = (
    r"(?=\n\[(?:\.\.\.|…) [0-9,]+ (?:of [0-9,]+ )?characters "
    r"|\n--- [0-9,]+ characters? not shown ---)"
)
"""Of a regular expression: what stands directly before was cut."""
_HEAD_ENDS = re.compile(
    rf"{AFTER_HEAD}"
    # Of an entry of a list or a dict only the beginning is shown, in quotes.
    r"""|characters: begins (?:'[^'\n]*(?=')|"[^"\n]*(?="))"""
    r"""|(?=['"]\.\.\.)"""
)
_TAIL_STARTS = re.compile(
    r"\n(?:\[\.\.\. [0-9,]+ of [0-9,]+ characters not shown \.\.\.\]"
    r"|\[… [0-9,]+ characters left out …\]"
    r"|--- tail: its last [0-9,]+ characters ---)\n"
)


def ends(forms: Iterable[str]) -> list[str]:
    """The first and the last letters of some keys: one of them stands wherever one of the keys does, or a piece."""
    return sorted({end for form in forms for end in (form[:LEAST], form[-LEAST:])})


def pieces(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where in a text a piece of one of the keys stands at a cut: its beginning before it, or its end behind it."""
    before = [form for form in forms if form[:LEAST] in text]
    if before:
        for match in _HEAD_ENDS.finditer(text):
            at = match.end()
            size = max(_shared(text[max(0, at - len(form)) : at], form) for form in before)
            if size >= LEAST:
                yield at - size, at
    behind = [form for form in forms if form[-LEAST:] in text]
    if behind:
        for match in _TAIL_STARTS.finditer(text):
            at = match.end()
            size = max(_shared(form, text[at : at + len(form)]) for form in behind)
            if size >= LEAST:
                yield at, at + size


def _shared(one: str, other: str) -> int:
    """How many letters at the end of `one` are those at the beginning of `other`, at most."""
    return next((n for n in range(min(len(one), len(other)), LEAST - 1, -1) if one.endswith(other[:n])), 0)
