"""A text made comparable: runs of white space are one space, quotation marks and dashes have one shape.

Places in it can be told as places in the text that it was made from.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator

_PIECE = 1 << 19
"""Characters worked on at a time: other threads get their turn between two pieces of a long document."""

_RUN = re.compile(r"\s\s+")
_SHAPES = {
    '"': "“”„‟«»″",
    "'": "‘’‚‛′`´",
    "-": "‐‑‒–—―−",
    # Of all characters the only one whose lower case is two.
    "I": "İ",
    " ": "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B))),
}
_ASCII = str.maketrans({char: shape for shape, chars in _SHAPES.items() for char in chars if char.isascii()})


def normal(text: str) -> str:
    """`text` in its comparable shape."""
    return _RUN.sub(" ", alike(text))


def alike(text: str) -> str:
    """`text` with one shape for characters that mean the same; as long as before."""
    if text.isascii():
        return text.translate(_ASCII)
    # Much faster than `translate` on a long text, of which few characters are concerned.
    for shape, chars in _SHAPES.items():
        for char in chars:
            text = text.replace(char, shape)
    return text


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Pieces of `text`, cut where no white space is."""
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        while end < len(text) and (text[end].isspace() or text[end - 1].isspace()):
            end += 1
        yield start, end
        start = end


class Normal:
    """A long text in its comparable shape, with the way back.

    Attributes:
        text: the shape.
        lower: the same in lower case, as long.
    """

    def __init__(self, original: str) -> None:
        pieces: list[str] = []
        # Behind place `_here[i]` of the shape everything stands `_shift[i]` characters further on in the original.
        self._here = array("Q", [0])
        self._shift = array("Q", [0])
        shift = 0
        for start, end in _cuts(original):
            shaped = alike(original[start:end])
            at = 0
            for run in _RUN.finditer(shaped):
                pieces.append(shaped[at : run.start() + 1])
                at = run.end()
                shift += at - run.start() - 1
                self._here.append(start + at - shift)
                self._shift.append(shift)
            pieces.append(shaped[at:])
        self.text = "".join(pieces)
        self.lower = "".join(self.text[at : at + _PIECE].lower() for at in range(0, len(self.text), _PIECE))

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where the span `start` to `end` of the shape stands in the original."""
        if end <= start:
            return self._back(start), self._back(start)
        return self._back(start), self._back(end - 1) + 1

    def _back(self, place: int) -> int:
        return place + self._shift[bisect_right(self._here, place) - 1]
