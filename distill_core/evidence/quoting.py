"""Which passages of a text are quotations: between quotation marks, or in lines that begin with ">".

Short strings in quotation marks are mostly names and words spoken of, so a quotation needs some length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

LEAST_CHARS, LEAST_WORDS = 12, 3
"""A quotation has at least so many characters and so many words; what is longer than `LONG_CHARS` needs no words."""

LONG_CHARS = 24
MOST_CHARS = 20_000
"""Beyond this a pair of marks is taken for two that do not belong together."""

_PAIRS = (("“", "”"), ("«", "»"), ("„", "“"), ("「", "」"), ("『", "』"), ("‘", "’"))
_STRAIGHT = re.compile(r'(?<![\w\\])"((?:[^"\\\n]|\\.|\n(?!\s*\n))+?)"(?!\w)')
_BLOCK = re.compile(r"(?m)^[ \t]*>[ \t]?(\S.*(?:\n[ \t]*>.*)*)")
_ESCAPE = re.compile(r'\\(n|t|"|\\)')
_ESCAPED = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Quote(msgspec.Struct, frozen=True):
    """A quotation in a text: its place there (characters, marks left out) and its words."""

    start: int
    end: int
    text: str


def quotes_in(text: str) -> list[Quote]:
    """The quotations in `text`, in order, none inside another."""
    found: list[Quote] = []
    for quote in sorted(_candidates(text), key=lambda q: (q.start, -q.end)):
        if _is_quotation(quote.text) and (not found or quote.start >= found[-1].end):
            found.append(quote)
    return found


def _candidates(text: str) -> Iterator[Quote]:
    for match in _STRAIGHT.finditer(text):
        words = match[1]
        if "\\" in words:
            words = _ESCAPE.sub(lambda escape: _ESCAPED[escape[1]], words)
        yield Quote(match.start(1), match.end(1), words)
    for opening, closing in _PAIRS:
        # The closing mark of single quotes is an apostrophe too.
        alone = r"(?!\w)" if closing == "’" else ""
        pattern = re.compile(f"{opening}([^{opening}{closing}]{{{LEAST_CHARS},}}){closing}{alone}")
        for match in pattern.finditer(text):
            yield Quote(match.start(1), match.end(1), match[1])
    for match in _BLOCK.finditer(text):
        words = re.sub(r"\n[ \t]*>[ \t]?", "\n", match[1]).strip()
        yield Quote(match.start(1), match.end(1), words.strip('"“”«»'))


def _is_quotation(words: str) -> bool:
    length = len(words.strip())
    if not LEAST_CHARS <= length <= MOST_CHARS:
        return False
    return length >= LONG_CHARS or len(words.split()) >= LEAST_WORDS
