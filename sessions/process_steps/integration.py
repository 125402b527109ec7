"""Where a tool's result is used: its values, found again in what the teacher wrote next.

A heuristic, and it says how sure it is. Numbers match however they are written (2448.2 and "2,448.20"), strings
whatever their case and spacing; a value that was known before the tool ran counts less, since it may come from there.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sessions.process_steps.text import Span, read_json

_NUMBER = re.compile(r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]|[.,]\d)")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_RUN = 4
"""Words in a row that text has to share with a result to come from it."""
_PATIENCE = 8
"""Looks at each word of a text that finding one phrase in it may take, before it is read in one pass."""
_KNOWN = 0.5
"""What is left of the confidence in a value that was known before."""


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a result was used.

    Args:
        span: the characters.
        value: the value of the result that reappears there, as the result has it.
        result: which result, counted from 0.
        path: where in the result the value stands: keys and indices, joined by dots; "" for text.
        confidence: 0 to 1, how sure it is that the value is from there.
    """

    span: Span
    value: str
    result: int
    path: str
    confidence: float


class _Value(msgspec.Struct, frozen=True):
    text: str
    path: str
    result: int
    number: float | None


def identify_integration_spans(
    text: str, results: Sequence[Any], *, known: str = "", least: float = 0.0
) -> list[Integration]:
    """Where values of `results` reappear in `text`, in order and without overlap; the longest and surest win.

    Args:
        text: what the teacher wrote after the results were in.
        results: what tools gave: decoded JSON, or text (text that is JSON is decoded).
        known: what stood in the conversation before the results; a value in it counts less.
        least: leave out what is less sure than this.
    """
    candidates = [
        found
        for index, result in enumerate(results)
        for found in _of_result(text, _decoded(result), index, known)
        if found.confidence >= least
    ]
    candidates.sort(key=lambda i: (-(i.span.end - i.span.start), -i.confidence, i.span.start, i.result))
    chosen: list[Integration] = []
    taken = bytearray(len(text))
    for found in candidates:
        # Those before it are at least as long, so that one which overlaps has its first or its last character.
        if not (taken[found.span.start] or taken[found.span.end - 1]):
            taken[found.span.start : found.span.end] = b"\1" * (found.span.end - found.span.start)
            chosen.append(found)
    return sorted(chosen, key=lambda i: i.span)


def _decoded(result: Any) -> Any:
    if isinstance(result, str) and result.lstrip()[:1] in ("{", "["):
        try:
            return read_json(result, strict=False)
        except ValueError:
            return result
    return result


def _of_result(text: str, result: Any, index: int, known: str) -> Iterator[Integration]:
    words = _Words(text)
    before = _Words(known)
    known_numbers = {number for _, number in _numbers(known)}
    numbers: dict[float, list[Span]] = {}
    for span, number in _numbers(text):
        numbers.setdefault(number, []).append(span)
    for value in _values(result, index):
        if value.number is not None:
            weight = _number_weight(value.text)
            if value.number in known_numbers:
                weight *= _KNOWN
            for span in numbers.get(value.number, ()):
                yield _found(value, span, weight)
            continue
        weight = _string_weight(value.text)
        if weight and before.places(value.text):
            weight *= _KNOWN
        for span in words.places(value.text) if weight else ():
            yield _found(value, span, weight)
    if isinstance(result, str):
        yield from _shared_runs(words, result, index, before)


def _found(value: _Value, span: Span, confidence: float) -> Integration:
    return Integration(
        span=span,
        value=value.text,
        result=value.result,
        path=value.path,
        confidence=round(confidence, 3),
    )


def _values(result: Any, index: int, path: str = "") -> Iterator[_Value]:
    """The leaves that could reappear, each once; of text its numbers and what looks like an identifier."""
    seen: set[tuple[str, float | None]] = set()
    for at, leaf in _leaves(result, path):
        if isinstance(leaf, str) and at == "":
            made = [_Value(span.of(leaf), at, index, number) for span, number in _numbers(leaf)]
            made += [_Value(w[0], at, index, None) for w in _WORD.finditer(leaf) if _coded(w[0])]
        elif isinstance(leaf, str):
            number = _number(leaf.strip()) if _NUMBER.fullmatch(leaf.strip()) else math.inf
            made = [_Value(leaf, at, index, number if math.isfinite(number) else None)]
        else:
            made = [_Value(json.dumps(leaf), at, index, float(leaf))]
        for value in made:
            if (value.text, value.number) not in seen:
                seen.add((value.text, value.number))
                yield value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str | int | float]]:
    """Path and value of every string and finite number; truth values and nothing say too little to be found again."""
    stack: list[tuple[str, Any]] = [(path, value)]
    while stack:
        at, here = stack.pop()
        if isinstance(here, dict):
            stack += [(f"{at}.{key}".lstrip("."), inner) for key, inner in reversed(here.items())]
        elif isinstance(here, list | tuple):
            stack += [(f"{at}.{i}".lstrip("."), inner) for i, inner in reversed(list(enumerate(here)))]
        elif isinstance(here, str) or _is_number(here):
            yield at, here


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


# ---------------------------------------------------------------- numbers


def _numbers(text: str) -> list[tuple[Span, float]]:
    """Places and values of the numbers in `text`, but for those that no float holds."""
    found = ((Span(*one.span()), _number(one[0])) for one in _NUMBER.finditer(text))
    return [(span, number) for span, number in found if math.isfinite(number)]


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _number_weight(text: str) -> float:
    """Sure by how many digits tell it apart: 7 may be anything, 2448.2 hardly."""
    digits = len(re.sub(r"\D", "", text).strip("0"))
    return {0: 0.1, 1: 0.2, 2: 0.45, 3: 0.7, 4: 0.85}.get(digits, 0.95)


# ---------------------------------------------------------------- strings


class _Words:
    """A text by its words, folded, each with its place."""

    def __init__(self, text: str) -> None:
        self.spans = [Span(*found.span()) for found in _WORD.finditer(text)]
        self.folded = [_fold(span.of(text)) for span in self.spans]
        self._at: dict[str, list[int]] = {}
        for index, word in enumerate(self.folded):
            self._at.setdefault(word, []).append(index)

    def places(self, phrase: str) -> list[Span]:
        """Where the words of `phrase` stand one after the other."""
        wanted = [_fold(found[0]) for found in _WORD.finditer(phrase)]
        if not wanted:
            return []
        rarest = min(range(len(wanted)), key=lambda i: len(self._at.get(wanted[i], ())))
        places = self._at.get(wanted[rarest], [])
        if len(places) * len(wanted) > _PATIENCE * len(self.folded):
            starts = _occurrences(wanted, self.folded)
        else:
            kept = (at - rarest for at in places if at >= rarest)
            starts = (at for at in kept if self.folded[at : at + len(wanted)] == wanted)
        return [Span(self.spans[at].start, self.spans[at + len(wanted) - 1].end) for at in starts]


def _occurrences(wanted: Sequence[str], words: Sequence[str]) -> Iterator[int]:
    """Where `wanted` begins in `words`, in one pass (Knuth, Morris and Pratt) even where both repeat themselves."""
    borders = [0] * len(wanted)
    length = 0
    for at in range(1, len(wanted)):
        while length and wanted[at] != wanted[length]:
            length = borders[length - 1]
        length += wanted[at] == wanted[length]
        borders[at] = length
    length = 0
    for at, word in enumerate(words):
        while length and (length == len(wanted) or word != wanted[length]):
            length = borders[length - 1]
        length += word == wanted[length]
        if length == len(wanted):
            yield at - length + 1


def _fold(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().replace("’", "'")


def _string_weight(value: str) -> float:
    """Sure by how telling the string is; 0 where it says nothing."""
    words = _WORD.findall(value)
    letters = sum(map(len, words))
    if letters < 2:
        return 0.0
    if letters >= 4 and any(map(_coded, words)):
        return 0.95
    if len(words) >= 3 or letters >= 12:
        return 0.95
    return 0.75 if letters >= 5 else 0.4


def _coded(word: str) -> bool:
    """Whether a word looks like an identifier: letters and digits mixed, or capitals only."""
    return (any(c.isdigit() for c in word) and any(c.isalpha() for c in word)) or (
        len(word) > 4 and word.isupper()
    )


def _shared_runs(words: _Words, result: str, index: int, before: _Words) -> Iterator[Integration]:
    """The longest runs of at least `_RUN` words that text and result have in common."""
    source = _Words(result)
    starts: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(source.folded) - _RUN + 1):
        starts.setdefault(tuple(source.folded[at : at + _RUN]), []).append(at)
    at = 0
    while at + _RUN <= len(words.folded):
        longest = max(
            (
                _run(words.folded, at, source.folded, s)
                for s in starts.get(tuple(words.folded[at : at + _RUN]), ())[:50]
            ),
            default=0,
        )
        if not longest:
            at += 1
            continue
        span = Span(words.spans[at].start, words.spans[at + longest - 1].end)
        phrase = " ".join(words.folded[at : at + longest])
        weight = min(0.95, 0.4 + 0.1 * longest) * (_KNOWN if before.places(phrase) else 1.0)
        yield Integration(span=span, value=phrase, result=index, path="", confidence=round(weight, 3))
        at += longest


def _run(one: list[str], i: int, other: list[str], j: int) -> int:
    length = 0
    while i + length < len(one) and j + length < len(other) and one[i + length] == other[j + length]:
        length += 1
    return length
