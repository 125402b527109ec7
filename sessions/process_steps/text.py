"""Places in a text, and JSON found in it with the places of its parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in the stubs
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Characters `start` up to, not including, `end` of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """What stands there."""
        return text[self.start : self.end]

    def moved(self, by: int) -> Span:
        """The same characters, where the text begins `by` later."""
        return Span(self.start + by, self.end + by)


class Member(NamedTuple):
    """A member of a JSON object: its key, its value, and where the value stands."""

    key: str
    value: Any
    span: Span


_decoder = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def json_at(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value that begins at `start` and where it ends; None where none does."""
    try:
        value, end = _decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return value, end


def members(text: str, start: int) -> Iterator[Member]:
    """The members of the JSON object that begins at `start`, which must be one (see `json_at`)."""
    at = _skip(text, start + 1)
    while text[at] == '"':
        key, at = scanstring(text, at + 1)
        at = _skip(text, _skip(text, at) + 1)
        value, end = _decoder.raw_decode(text, at)
        yield Member(key, value, Span(at, end))
        at = _skip(text, end)
        if text[at] != ",":
            return
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class Brackets:
    """Finds where brackets of a text are closed, with bounded work: hostile text is given up on, not read for hours."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = 1_000_000 + 4 * len(text)

    def end(self, start: int) -> int | None:
        """Where the bracket at `start` is closed (the place after it), strings and nested brackets passed over.

        Follows the quoting of Python and JSON. None where it is not closed, or where looking took too long.
        """
        text, open_, at = self._text, [], start
        end = min(len(text), start + self._left)
        while at < end:
            char = text[at]
            if char in "\"'":
                quote = char * 3 if text.startswith(char * 3, at) else char
                at = _string_end(text, at + len(quote), quote, end)
                if at < 0:
                    break
                continue
            if char in _PAIRS:
                open_.append(_PAIRS[char])
            elif char in ")]}":
                if not open_ or open_.pop() != char:
                    break
                if not open_:
                    self._left -= at - start
                    return at + 1
            at += 1
        self._left -= max(at, start) - start
        return None


_PAIRS = {"(": ")", "[": "]", "{": "}"}


def _string_end(text: str, at: int, quote: str, end: int) -> int:
    while at < end:
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        elif text[at] == "\n" and len(quote) == 1:
            return -1
        else:
            at += 1
    return -1
