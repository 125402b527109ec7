"""One quick look at a text, told at the speed of memory: most texts then need no closer one.

A regular expression is tried at every letter. Here one pass drops most small letters and the commonest signs, so that
words are looked for in the little that is left; another makes each byte one of two, so that one search finds a run.
"""

from __future__ import annotations

import string

_RARE = "mxy"
"""Small letters that are seldom, and stand in words that are looked for."""
_DROPPED = (
    string.ascii_lowercase.translate(str.maketrans("", "", _RARE))
    + string.whitespace
    + ".,;()[]{}<>!?*#&|~^%$`"
).encode() + bytes(range(128, 256))


def _table(characters: bytes) -> bytes:
    return bytes(1 if byte in characters else 0 for byte in range(256))


_KEYLIKE = _table((string.ascii_letters + string.digits + "_-+/=\\").encode())
"""What keys and tokens are made of."""
_DIGITS = _table(string.digits.encode())
_NUMERIC = _table(b"0123456789 .()-+\x80\x87\x91\xa0\xaf\xc2\xe2")
"""Digits and what stands between the digits of one number; of spaces and hyphens beyond ASCII, all their bytes."""


def what_is_left(text: str) -> bytes:
    """`text` without most small letters, white space, common signs and all beyond ASCII.

    A word that stands in a text leaves what is left of it in what is left of the text.
    """
    return encoded(text).translate(None, _DROPPED)


def encoded(text: str) -> bytes:
    """`text` in a byte a letter where that can be, which is a copy of it; what is beyond ASCII tells nothing here."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


LONG, SHORT = 32, 20
"""Letters and signs in a row from which on something may be a key of a long and of a short form."""
NUMBER = 8
"""Digits of the shortest number of a telephone or a card."""
_LONG, _SHORT, _NUMBER = (b"\x01" * length for length in (LONG, SHORT, NUMBER))


class Glance:
    """What a quick look tells of `text`, each thing when it is asked for.

    Whatever it tells of a text it also tells of a longer one in which that stands, so that many texts joined by new
    lines can be looked at as one: what cannot be in all of them is in none.

    Args:
        text: the text.
    """

    __slots__ = ("_bytes", "_number", "_rest", "_run", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes: bytes | None = None
        self._rest: bytes | None = None
        self._run: int | None = None
        self._number: bool | None = None

    @property
    def rest(self) -> bytes:
        """What is left of it: see `what_is_left`."""
        if self._rest is None:
            self._rest = self._encoded().translate(None, _DROPPED)
        return self._rest

    def _encoded(self) -> bytes:
        if self._bytes is None:
            self._bytes = encoded(self.text)
        return self._bytes

    def run(self) -> int:
        """How many bytes in a row can belong to one key: at least `LONG`, at least `SHORT`, or 0 for fewer."""
        if self._run is None:
            runs = self._encoded().translate(_KEYLIKE)
            self._run = (LONG if _LONG in runs else SHORT) if _SHORT in runs else 0
        return self._run

    def number(self) -> bool:
        """Whether `NUMBER` bytes in a row can belong to one number, so many digits among them."""
        if self._number is None:
            # What is left is much shorter, and in it at least as many digits stand in a row.
            self._number = _NUMBER in self.rest.translate(
                _DIGITS, b"-+"
            ) and _NUMBER in self._encoded().translate(_NUMERIC)
        return self._number


_last = Glance("")


def glance(text: str) -> Glance:
    """A quick look at `text`; several ask for the same one, one after the other, and the last is kept."""
    global _last
    seen = _last
    if seen.text is not text:
        seen = _last = Glance(text)
    return seen
