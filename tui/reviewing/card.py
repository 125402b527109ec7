"""A session as a card to be judged: itself, the criteria of the rubric, its steps, its answer, each an entry.

What others said stays hidden until one is done oneself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.config.rubric import Criterion, Rubric
from distill_core.state import SessionState, Step, apply
from sessions.appending import annotation, append
from sessions.judging.history import to_redo, to_undo
from sessions.judging.judgement import Judgement, change, done_by, judgement_of, judgements, open_to
from sessions.kept import fitting
from tui.annotating import targets

About: TypeAlias = Literal["session", "criterion", "step", "answer"]
MARKS: dict[int | None, str] = {None: "·", -1: "−1", 0: "0", 1: "+1"}
"""How a mark is written; not marked is not neutral."""


class Entry(msgspec.Struct, frozen=True):
    """One thing on the card that can be judged."""

    about: About
    target: ev.Target
    step: int = 0
    criterion: Criterion | None = None


class Card:
    """One session under review. What is said of it is written to its log at once.

    Args:
        folder: the session's folder.
        who: the person.
        rubric: the criteria it is scored by.

    Raises:
        LogError: the session cannot be read, or its log makes no sense.
    """

    def __init__(self, folder: Path, who: str, rubric: Rubric) -> None:
        self.folder = folder
        self.who = who
        kept = fitting(folder)
        self.events: list[ev.Event] = list(kept.events)
        self.state: SessionState = kept.state
        session = ev.Target(kind="session")
        self.entries: list[Entry] = [Entry("session", session)]
        self.entries += [Entry("criterion", session, 0, criterion) for criterion in rubric.criteria]
        self.entries += [
            Entry("step", ev.Target(kind="step", id=str(step.number)), step.number)
            for step in self.state.steps
        ]
        if self.state.finished is not None and self.state.finished.answer is not None:
            self.entries.append(Entry("answer", ev.Target(kind="answer")))

    def mine(self, entry: Entry) -> Judgement:
        """What the person has said of an entry."""
        return judgement_of(self.state, entry.target, self.who)

    @property
    def done(self) -> bool:
        """Whether the person is done with the session."""
        return self.who in done_by(self.state)

    def others(self, entry: Entry) -> dict[str, Judgement]:
        """What others said of an entry, once the person is done."""
        seen = judgements(a for a in open_to(self.state, self.who) if a.by != self.who)
        return seen.get(entry.target, {})

    def say(self, entry: Entry, **fields: Any) -> bool:
        """Change what the person thinks of an entry, and write it down; False if that changes nothing.

        Raises:
            LogError: it cannot be written.
        """
        before = self.mine(entry)
        made = change(before, msgspec.structs.replace(before, **fields))
        if not made:
            return False
        self._write(annotation(entry.target, by=self.who, step=entry.step, **made))
        return True

    def passages(self, entry: Entry) -> dict[str, tuple[ev.Target, str]]:
        """The texts of an entry of which words can be judged, by what they are called: the target's field, the text."""
        wholes = [entry.target]
        if entry.about == "step":
            wholes += [targets.cell(cell_id) for cell_id in self.state.steps[entry.step - 1].cells]
        elif entry.about != "answer":
            return {}
        found: dict[str, tuple[ev.Target, str]] = {}
        for whole in wholes:
            for field, text in targets.texts(self.state, whole).items():
                target = msgspec.structs.replace(whole, field=field)
                found[targets.name(target)] = target, text
        return found

    def spans(self, entry: Entry) -> list[tuple[ev.Target, str, Judgement]]:
        """The words of an entry that were judged: which, by whom, how; what others said once the person is done."""
        of = {(t.kind, t.id, t.field) for t, _ in self.passages(entry).values()}
        return [
            (target, by, judgement)
            for target, persons in judgements(
                a for a in open_to(self.state, self.who) if not a.settles
            ).items()
            if target.start is not None and (target.kind, target.id, target.field) in of
            for by, judgement in persons.items()
        ]

    def judge(self, target: ev.Target, judgement: Judgement) -> bool:
        """Write down what the person thinks of words; False if that changes nothing.

        Raises:
            LogError: it cannot be written.
        """
        made = change(judgement_of(self.state, target, self.who), judgement)
        if made:
            self._write(annotation(target, by=self.who, step=targets.step_of(self.state, target), **made))
        return bool(made)

    def score(self, entry: Entry, score: int) -> bool:
        """Score the entry's criterion.

        Raises:
            LogError: it cannot be written.
        """
        criterion = entry.criterion
        if criterion is None or not criterion.least <= score <= criterion.most:
            return False
        return self.say(entry, scores={**self.mine(entry).scores, criterion.id: float(score)})

    def nudge(self, entry: Entry, by: Literal[1, -1]) -> bool:
        """Score the entry's criterion one up or down; one without a score begins at the end of its scale.

        Raises:
            LogError: it cannot be written.
        """
        criterion = entry.criterion
        if criterion is None:
            return False
        now = self.mine(entry).scores.get(criterion.id)
        if now is None:
            return self.score(entry, criterion.least if by > 0 else criterion.most)
        return self.score(entry, max(criterion.least, min(criterion.most, int(now) + by)))

    def unscore(self, entry: Entry, criterion: Criterion) -> bool:
        """Take the score of a criterion away; False if there is none.

        Raises:
            LogError: it cannot be written.
        """
        scores = self.mine(entry).scores
        return self.say(entry, scores={name: scores[name] for name in scores if name != criterion.id})

    def finish(self) -> None:
        """Say that the person is done with the session.

        Raises:
            LogError: it cannot be written.
        """
        if not self.done:
            self._write(annotation(ev.Target(kind="session"), by=self.who, done=True))

    def undo(self) -> bool:
        """Take back what was said last; False if there is nothing.

        Raises:
            LogError: it cannot be written.
        """
        return self._turn(to_undo(self.state, self.who))

    def redo(self) -> bool:
        """Say again what was taken back last; False if there is nothing.

        Raises:
            LogError: it cannot be written.
        """
        return self._turn(to_redo(self.state, self.who))

    def _turn(self, seq: int | None) -> bool:
        if seq is None:
            return False
        self._write(ev.Retracted(step=0, retracts=seq, by=self.who))
        return True

    def _write(self, event: ev.Annotated | ev.Retracted) -> None:
        added = append(self.folder, [event], known=self.state.seq)
        for new in (*added.missed, *added.events):
            self.state = apply(self.state, new)
            self.events.append(new)


def summed(judgement: Judgement, best: int) -> str:
    """A judgement in a few words, ratings going up to `best`; empty where it says nothing."""
    parts: list[str] = []
    if judgement.rating is not None:
        parts.append("★" * judgement.rating + "☆" * max(0, best - judgement.rating))
    if judgement.mark is not None:
        parts.append(MARKS[judgement.mark])
    if judgement.labels:
        parts.append(" ".join(f"#{label}" for label in judgement.labels))
    if judgement.comment:
        parts.append(f"“{' '.join(judgement.comment.split())}”")
    if judgement.correction is not None:
        why = f" ({judgement.reason})" if judgement.reason else ""
        parts.append(f"→ {' '.join(judgement.correction.split())}{why}")
    elif judgement.reason:
        parts.append(f"({judgement.reason})")
    return "  ".join(parts)


def step_text(state: SessionState, step: Step) -> tuple[str, Sequence[str], str]:
    """A step's first words, the codes of its cells, and the end of what they wrote."""
    replies = [state.replies[c].text or "" for c in step.calls]
    words = replies[-1].split("```")[0].strip() if replies else ""
    cells = [state.cells[c] for c in step.cells]
    ran = [cell for cell in cells if cell.phase != "proposed"]
    written = "".join(cell.text() + (cell.traceback or "") for cell in ran)
    return words, [cell.code for cell in ran or cells], written
