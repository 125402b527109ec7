"""Places in a text, and JSON found in it with the places of its parts."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in the stubs
from typing import Any, NamedTuple

DEEPEST = 500
"""Levels of nesting that are read: fewer than the stack holds, so that what is read does not depend on the stack."""


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


class Apart:
    """Spans that do not overlap, to be asked where they are without looking at each of them.

    Args:
        spans: in any order; those that overlap count as one.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans):
            if self._ends and span.start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], span.end)
            else:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def hold(self, span: Span) -> bool:
        """Whether one of them has all of `span` in it."""
        at = bisect_right(self._starts, span.start) - 1
        return at >= 0 and span.end <= self._ends[at]

    def touch(self, span: Span) -> bool:
        """Whether one of them shares a character with `span`."""
        return bisect_right(self._ends, span.start) < bisect_left(self._starts, span.end)


class Member(NamedTuple):
    """A member of a JSON object: its key, its value, and where the value stands."""

    key: str
    value: Any
    span: Span


class TooDeep(ValueError):
    """JSON that is nested more than `DEEPEST` deep."""

    def __init__(self) -> None:
        super().__init__(f"nested more than {DEEPEST} deep")


def _whole(digits: str) -> int | float:
    """An integer; one with more digits than Python reads as such is the number that it is as a float."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_int=_whole, parse_constant=_constant)
_lenient = json.JSONDecoder(parse_int=_whole)
_SPACE = re.compile(r"[ \t\n\r]*")


def read_json(text: str, *, strict: bool = True) -> Any:
    """The JSON value that `text` is.

    Args:
        text: a whole text.
        strict: as RFC 8259 has it; otherwise NaN and infinities are taken too, which Python and others write.

    Raises:
        TooDeep: it is nested too deeply.
        ValueError: it is no JSON.
    """
    decoder = _decoder if strict else _lenient
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise TooDeep from None
    _check_depth(value, text, 0, len(text))
    return value


def json_at(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value (RFC 8259) that begins at `start` and where it ends; None where none does, or one too deep."""
    try:
        value, end = _decoder.raw_decode(text, start)
        _check_depth(value, text, start, end)
    except (ValueError, RecursionError):
        return None
    return value, end


def _check_depth(value: Any, text: str, start: int, end: int) -> None:
    """Raise `TooDeep` where `value`, which stands at `start` to `end` in `text`, is."""
    if text.count("{", start, end) + text.count("[", start, end) <= DEEPEST:
        return
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    raise TooDeep


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


def list_items(text: str) -> list[str] | None:
    """The items of the JSON list that `text` is, as they are written and unread; None where it is no list."""
    items: list[str] = []
    brackets = Brackets(text)
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        return None
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        if text[at : at + 1] in ("{", "["):
            end = brackets.end(at)
        else:
            found = json_at(text, at)
            end = found[1] if found is not None else None
        if end is None:
            return None
        items.append(text[at:end])
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            return None
    return items if _skip(text, at + 1) == len(text) else None
