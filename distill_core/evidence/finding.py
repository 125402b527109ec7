"""Looking quotations up in a document: word for word first, then the passage that is most like them.

Word for word means: white space and the shape of quotation marks and dashes do not count, nor does punctuation at the
ends. The most similar passage is found by seeds: short pieces of the quotation that are rare in the document point to
the places worth comparing, so that a document of several megabytes costs milliseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

from distill_core.evidence.normal import Normal, normal
from distill_core.evidence.quoting import quotes_in

Status: TypeAlias = Literal["found", "near", "missing"]

NEAR = 80.0
"""Least similarity, of 100, that a passage needs to count as near."""

_SEED, _SEEDS, _MOST_HITS, _PLACES = 10, 24, 100, 6
"""Characters of a seed, seeds of a quotation, hits of one seed looked at, places compared in full."""

_SHORT, _PIECE, _DRIFT = 160, 6, 60
"""Up to so many characters every alignment is tried; of longer ones, pieces in common of at least so many count, where
they are not shifted against the longest by more than so many."""

_SURE = 95.0
"""A passage as alike as this is not surpassed by looking further."""

_LONGEST = 2_000
"""Characters of a quotation that are compared; beyond, its two ends stand for it."""

_GAP = 20_000
"""Characters that may lie between the parts of a quotation that leaves something out."""

_ELLIPSIS = re.compile(r"\s*(?:\[\s*(?:…|\.{3,4})\s*\]|\(\s*(?:…|\.{3})\s*\)|…|\.{3,4})\s*")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"\w*\Z"), re.compile(r"\w*")
_ENDS = " \t\n\"'.,;:!?-*_"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What became of looking a quotation up.

    Args:
        quote: its words.
        status: "found" word for word, "near" with a few differences, or "missing".
        score: how alike the passage is, 0 to 100; of what is missing, the best that was seen.
        start: where the passage begins in the document, in characters; None where there is none.
        end: where it ends.
    """

    quote: str
    status: Status
    score: float
    start: int | None = None
    end: int | None = None


class Evidence:
    """Looks quotations up in one document. Making it costs a pass over the text, each look-up little.

    Args:
        document: the text; see `readable` for lists and dicts.
    """

    def __init__(self, document: str) -> None:
        self._document = Normal(document)
        self._known: dict[str, Finding] = {}

    def find(self, quote: str) -> Finding:
        """Where `quote` stands in the document."""
        found = self._known.get(quote)
        if found is None:
            found = self._known[quote] = self._find(quote)
        return found

    def of(self, text: str) -> list[Finding]:
        """Every quotation in `text`, looked up, in order."""
        return [self.find(quote.text) for quote in quotes_in(text)]

    def _find(self, quote: str) -> Finding:
        parts = [part for piece in _ELLIPSIS.split(quote) if (part := normal(piece).strip(_ENDS))]
        if not parts:
            return Finding(quote=quote, status="missing", score=0.0)
        found = [self._part(parts[0], 0)]
        for part in parts[1:]:
            behind = found[-1]
            # A part goes on from the one before it, if it stands there; else anywhere.
            found.append(self._part(part, behind.end or 0 if behind.status != "missing" else 0))
        return self._joined(quote, found)

    def _joined(self, quote: str, parts: list[_Place]) -> Finding:
        """The parts as one: as good as the worst of them, from the first to the last where they stand in order."""
        worst = min(parts, key=lambda part: (_ORDER[part.status], part.score))
        there = [part for part in parts if part.status != "missing"]
        if worst.status == "missing" or not there:
            return Finding(quote=quote, status="missing", score=worst.score)
        first, last = there[0], there[-1]
        in_order = all(0 <= b.start - a.end <= _GAP for a, b in pairwise(there))
        start, end = self._document.original(first.start, last.end if in_order else first.end)
        status: Status = worst.status if in_order else "near"
        return Finding(quote=quote, status=status, score=worst.score, start=start, end=end)

    def _part(self, part: str, behind: int) -> _Place:
        at = self._document.text.find(part, behind)
        if at < 0 and behind:
            at = self._document.text.find(part)
        if at >= 0:
            return _Place("found", 100.0, at, at + len(part))
        return self._nearest(part)

    def _nearest(self, part: str) -> _Place:
        """The passage that is most like `part`."""
        low = part.lower()
        at = self._document.lower.find(low)
        if at >= 0:
            # The same but for capitals: counted as one difference.
            return _Place("near", 100.0 * (1 - 1 / (len(part) + 1)), at, at + len(part))
        if len(low) > _LONGEST:
            return self._by_ends(low)
        best = _NOWHERE
        for place in self._places(low):
            best = max(best, self._compare(low, place), key=lambda p: p.score)
            if best.score >= _SURE:
                break
        return best

    def _by_ends(self, low: str) -> _Place:
        """A very long quotation, by its beginning and its end."""
        first, last = self._nearest(low[: _LONGEST // 2]), self._nearest(low[-_LONGEST // 2 :])
        score = min(first.score, last.score)
        together = 0 <= last.start - first.end <= 2 * len(low)
        if "missing" in (first.status, last.status) or not together:
            return _Place("missing", score, 0, 0)
        return _Place("near", min(score, 99.0), first.start, last.end)

    def _places(self, low: str) -> list[int]:
        """Where in the document `low` might begin, the likeliest first."""
        text = self._document.lower
        size = max(len(low), 40)
        weights: Counter[int] = Counter()
        begins: dict[int, list[int]] = {}
        for offset, seed in _seeds(low):
            hits: list[int] = []
            at = text.find(seed)
            while at >= 0 and len(hits) <= _MOST_HITS:
                hits.append(max(0, at - offset))
                at = text.find(seed, at + 1)
            if len(hits) > _MOST_HITS:
                continue  # so common a piece points nowhere
            for hit in hits:
                begins.setdefault(hit // size, []).append(hit)
            for slot in {hit // size for hit in hits}:
                weights[slot] += 1000 // len(hits)
        # The hits of one passage may fall into two slots.
        both = Counter({slot: weights[slot] + weights[slot + 1] for slot in weights})
        likely = [slot for slot, _ in both.most_common(_PLACES)]
        return [_middle(begins[slot] + begins.get(slot + 1, [])) for slot in likely]

    def _compare(self, low: str, place: int) -> _Place:
        """The passage around `place` that is most like `low`."""
        margin = max(len(low) // 2, 40)
        start = max(0, place - margin)
        window = self._document.lower[start : place + len(low) + margin]
        score, first, last = (_aligned if len(low) <= _SHORT else _blocks)(low, window)
        score = min(score, 99.0)
        status: Status = "near" if score >= NEAR else "missing"
        return _Place(status, score, *self._whole_words(start + first, start + last))

    def _whole_words(self, first: int, last: int) -> tuple[int, int]:
        """The span without halves of words at its ends."""
        text = self._document.text
        if first > 0 and text[first - 1 : first + 1].isalnum():
            first -= len(_WORD_BEFORE.search(text[max(0, first - _DRIFT) : first])[0])  # type: ignore[index]
        if text[last - 1 : last + 1].isalnum() and last < len(text):
            last += len(_WORD_AFTER.match(text[last : last + _DRIFT])[0])  # type: ignore[index]
        while first < last and text[first] == " ":
            first += 1
        return first, last


class _Place(msgspec.Struct, frozen=True):
    """A passage of the document in its comparable shape."""

    status: Status
    score: float
    start: int
    end: int


_NOWHERE = _Place("missing", 0.0, 0, 0)
_ORDER: dict[Status, int] = {"missing": 0, "near": 1, "found": 2}


def _seeds(low: str) -> Iterable[tuple[int, str]]:
    """Pieces of `low` with their offsets, from beginnings of words, spread evenly."""
    starts = [match.start() for match in re.finditer(r"(?<!\w)\w", low) if match.start() + _SEED <= len(low)]
    if not starts:
        # Scripts without spaces, and very short quotations.
        size = min(_SEED, max(3, len(low) // 2))
        starts = list(range(0, max(1, len(low) - size + 1), max(1, size // 2)))
        return [(at, low[at : at + size]) for at in starts[:_SEEDS]]
    every = max(1, len(starts) // _SEEDS)
    return [(at, low[at : at + _SEED]) for at in starts[::every]][: _SEEDS + 1]


def _middle(places: list[int]) -> int:
    return sorted(places)[len(places) // 2]


def _aligned(low: str, window: str) -> tuple[float, int, int]:
    """How alike `low` is to the part of `window` that is most like it, and where that part is."""
    from rapidfuzz import fuzz

    if len(window) < len(low):
        return fuzz.ratio(low, window), 0, len(window)
    rough = fuzz.partial_ratio_alignment(low, window)
    if rough is None:
        return 0.0, 0, 0
    # The rough place is as long as the quotation; the passage itself may be longer or shorter.
    left = max(0, rough.dest_start - _DRIFT)
    score, first, last = _blocks(low, window[left : rough.dest_end + _DRIFT])
    if score >= rough.score:
        return score, left + first, left + last
    return rough.score, rough.dest_start, rough.dest_end


def _blocks(low: str, window: str) -> tuple[float, int, int]:
    """As `_aligned`, for long texts: the part is what lies between the first and the last longer piece in common."""
    from rapidfuzz import fuzz
    from rapidfuzz.distance import LCSseq

    common = [
        op
        for op in LCSseq.opcodes(low, window)
        if op.tag == "equal" and op.dest_end - op.dest_start >= _PIECE
    ]
    if not common:
        return 0.0, 0, 0
    longest = max(common, key=lambda op: op.dest_end - op.dest_start)
    shift = longest.dest_start - longest.src_start
    # Pieces that are elsewhere by more than a few words have only come into the window by chance.
    common = [op for op in common if abs(op.dest_start - op.src_start - shift) <= _DRIFT]
    first = max(0, common[0].dest_start - common[0].src_start)
    last = min(len(window), common[-1].dest_end + len(low) - common[-1].src_end)
    return fuzz.ratio(low, window[first:last]), first, last
