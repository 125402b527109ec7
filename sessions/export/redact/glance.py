"""One quick look at a text, told at the speed of memory: most texts then need no closer one.

A regular expression is tried at every letter. Here one pass drops the small letters and the commonest signs, so that
words are looked for in the little that is left; another makes each byte one of two, so that one search finds a run.
"""

from __future__ import annotations

import string

_DROPPED = (string.ascii_lowercase + string.whitespace + ".,;()[]{}<>!?*#&|~^%$`").encode() + bytes(
    range(128, 256)
)


def _table(characters: bytes) -> bytes:
    return bytes(1 if byte in characters else 0 for byte in range(256))


_KEYLIKE = _table((string.ascii_letters + string.digits + "_-+/=\\").encode())
"""What keys and tokens are made of."""
_NUMERIC = _table(b"0123456789 .()-+")
"""Digits and what stands between the digits of one number."""


def what_is_left(text: str) -> bytes:
    """`text` without small letters, white space, common signs and all beyond ASCII.

    A word that stands in a text leaves what is left of it in what is left of the text.
    """
    return text.encode("utf-8", "surrogatepass").translate(None, _DROPPED)


class Glance:
    """What a quick look tells of `text`.

    Args:
        text: the text.
    """

    __slots__ = ("_bytes", "_numbers", "_runs", "rest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = text.encode("utf-8", "surrogatepass")
        self._runs: bytes | None = None
        self._numbers: bytes | None = None
        self.rest = self._bytes.translate(None, _DROPPED)
        """What is left of it: see `what_is_left`."""

    def keylike(self, length: int) -> bool:
        """Whether `length` bytes in a row can belong to one key."""
        if self._runs is None:
            self._runs = self._bytes.translate(_KEYLIKE)
        return b"\x01" * length in self._runs

    def numbers(self, length: int) -> bool:
        """Whether `length` bytes in a row can belong to one number."""
        if self._numbers is None:
            self._numbers = self._bytes.translate(_NUMERIC)
        return b"\x01" * length in self._numbers


_last = Glance("")


def glance(text: str) -> Glance:
    """A quick look at `text`; several ask for the same one, one after the other, and the last is kept."""
    global _last
    seen = _last
    if seen.text is not text:
        seen = _last = Glance(text)
    return seen
