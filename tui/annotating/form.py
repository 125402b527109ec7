"""The form in which something is judged, without a screen: its entries, and what a key makes of the judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from distill_core.config.rubric import Criterion, Rubric
from distill_core.plurals import count
from sessions.judging.judgement import Judgement
from tui.lines import Line, pad

Part: TypeAlias = Literal["rating", "mark", "label", "score", "comment", "correction", "reason"]

MARKS: tuple[Literal[-1, 0, 1] | None, ...] = (-1, 0, 1, None)
MARK_WORDS = {-1: "−1 bad", 0: "0 neutral", 1: "+1 good", None: "not marked"}
TITLE = 13
"""Cells of the first column."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that the form asks. `name` is the label or the criterion's id."""

    part: Part
    name: str = ""


class Form:
    """A judgement while it is made.

    Args:
        judgement: what was thought before.
        labels: the vocabulary; labels given already that are not in it stay.
        rubric: criteria to score; None where they do not apply.
        best: the highest rating.
        definitions: what labels mean.
    """

    def __init__(
        self,
        judgement: Judgement,
        labels: Sequence[str],
        rubric: Rubric | None = None,
        best: int = 5,
        definitions: Mapping[str, str] | None = None,
    ) -> None:
        self._definitions = definitions or {}
        self.judgement = judgement
        self._best = best
        self._criteria = {c.id: c for c in rubric.criteria} if rubric is not None else {}
        vocabulary = dict.fromkeys([*labels, *judgement.labels])
        self.entries: tuple[Entry, ...] = (
            Entry("rating"),
            Entry("mark"),
            *(Entry("label", label) for label in vocabulary),
            *(Entry("score", criterion) for criterion in self._criteria),
            Entry("comment"),
            Entry("correction"),
            Entry("reason"),
        )
        self._vocabulary = tuple(vocabulary)

    # ------------------------------------------------------------ what keys do

    def digit(self, at: int, number: int) -> bool:
        """Give the rating or the score at an entry; 0 takes a rating away. False where it is no number on the scale."""
        entry = self.entries[at]
        if entry.part == "rating" and 0 <= number <= self._best:
            self._set(rating=number or None)
            return True
        if entry.part == "mark" and number in (0, 1):
            self._set(mark=number)
            return True
        if entry.part == "score":
            criterion = self._criteria[entry.name]
            if criterion.least <= number <= criterion.most:
                self._score(entry.name, number)
                return True
        return False

    def turn(self, at: int, by: int) -> None:
        """One more or one less; behind an end of the scale stands nothing."""
        entry = self.entries[at]
        match entry.part:
            case "rating":
                values = [None, *range(1, self._best + 1)]
                self._set(rating=_next(values, self.judgement.rating, by))
            case "mark":
                self._set(mark=_next(list(MARKS), self.judgement.mark, by))
            case "label":
                self.toggle(at)
            case "score":
                criterion = self._criteria[entry.name]
                values = [None, *range(criterion.least, criterion.most + 1)]
                score = self.judgement.scores.get(entry.name)
                self._score(entry.name, _next(values, None if score is None else round(score), by))
            case _:
                pass

    def toggle(self, at: int) -> None:
        """Give a label, or take it away."""
        entry = self.entries[at]
        if entry.part != "label":
            return
        given = set(self.judgement.labels) ^ {entry.name}
        self._set(labels=tuple(label for label in self._vocabulary if label in given))

    def clear(self, at: int) -> None:
        """Say nothing at an entry."""
        entry = self.entries[at]
        match entry.part:
            case "rating" | "mark" | "correction":
                self._set(**{entry.part: None})
            case "comment" | "reason":
                self._set(**{entry.part: ""})
            case "label":
                if entry.name in self.judgement.labels:
                    self.toggle(at)
            case "score":
                self._score(entry.name, None)

    def write(self, at: int, text: str) -> None:
        """Put words into an entry that takes some."""
        part = self.entries[at].part
        if part in ("comment", "reason"):
            self._set(**{part: text.strip()})
        elif part == "correction":
            self._set(correction=text or None)

    def text(self, at: int) -> str | None:
        """The words of an entry; None where it takes none."""
        part = self.entries[at].part
        return (getattr(self.judgement, part) or "") if part in ("comment", "correction", "reason") else None

    @property
    def problem(self) -> str | None:
        """Why it cannot be saved."""
        if self.judgement.correction is not None and not self.judgement.reason:
            return "say why it is corrected: enter at Reason"
        return None

    def _set(self, **fields: object) -> None:
        self.judgement = msgspec.structs.replace(self.judgement, **fields)

    def _score(self, criterion: str, score: int | None) -> None:
        scores = {name: value for name, value in self.judgement.scores.items() if name != criterion}
        if score is not None:
            scores[criterion] = float(score)
        self._set(scores=scores)

    # ------------------------------------------------------------ how it looks

    def line(self, at: int) -> Line:
        """An entry as a row."""
        entry, judgement = self.entries[at], self.judgement
        first = at == 0 or self.entries[at - 1].part != entry.part
        match entry.part:
            case "rating":
                rating = judgement.rating or 0
                stars = "★" * rating + "☆" * (self._best - rating)
                return (_title("Rating"), (stars, "ok" if rating else "muted"), (f"  {rating or 'none'}", ""))
            case "mark":
                spans = [_title("Mark")]
                for mark in MARKS:
                    chosen = mark == judgement.mark
                    spans.append(
                        (f"{'(•)' if chosen else '( )'} {MARK_WORDS[mark]}  ", "" if chosen else "muted")
                    )
                return tuple(spans)
            case "label":
                given = entry.name in judgement.labels
                return (
                    _title("Labels" if first else ""),
                    ("[x] " if given else "[ ] ", "ok" if given else "muted"),
                    (entry.name, "" if given else "muted"),
                    *self._meaning(entry.name),
                )
            case "score":
                return self._score_line(self._criteria[entry.name])
            case "comment" | "reason":
                return self._words(entry.part.capitalize(), getattr(judgement, entry.part))
            case "correction":
                return self._words("Correction", judgement.correction)

    def _meaning(self, label: str) -> Line:
        meaning = " ".join(self._definitions.get(label, "").split())
        return ((f"  {meaning}", "muted"),) if meaning else ()

    def _score_line(self, criterion: Criterion) -> Line:
        score = self.judgement.scores.get(criterion.id)
        scale = " ".join(
            f"({level})" if level == score else f" {level} "
            for level in range(criterion.least, criterion.most + 1)
        )
        said = criterion.word(score) if score is not None else ""
        return (
            _title(criterion.title),
            (scale, "" if score is not None else "muted"),
            (f"  {said or criterion.help}", "" if said else "muted"),
        )

    def _words(self, title: str, text: str | None) -> Line:
        if not text:
            return (_title(title), ("enter writes one", "muted"))
        more = text.count("\n")
        return (
            _title(title),
            (text.split("\n", 1)[0], ""),
            (f" … {count(more, 'more line')}" if more else "", "muted"),
        )


def _title(title: str) -> tuple[str, str]:
    return (pad(title, TITLE), "heading")


def _next(values: Sequence[int | None], now: int | None, by: int) -> int | None:
    at = values.index(now) if now in values else 0
    return values[(at + by) % len(values)]


def said(judgement: Judgement) -> Line:
    """A judgement in one line."""
    parts: list[str] = []
    if judgement.rating is not None:
        parts.append("★" * judgement.rating)
    if judgement.mark is not None:
        parts.append({-1: "−1", 0: "0", 1: "+1"}[judgement.mark])
    parts += judgement.labels
    if judgement.scores:
        parts.append(" ".join(f"{name} {score:g}" for name, score in judgement.scores.items()))
    if judgement.correction is not None:
        parts.append("corrected")
    words = " ".join((judgement.comment or judgement.reason).split())
    if words:
        parts.append(f"“{words}”")
    return ((" · ".join(parts), ""),)
