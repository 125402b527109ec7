"""Settling: what annotators who are done say of one thing, where they differ, and what counts in the end."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from distill_core.events import Target
from distill_core.state import SessionState
from sessions.judging.judgement import NOTHING, Judgement, done_by, judgements, settled


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of `target` by at least two.

    Args:
        said: the judgements by annotator.
        differ: the fields in which they differ, criteria of the rubric by their ids.
        settled: what counts in the end; None as long as nobody has settled it.
    """

    target: Target
    said: dict[str, Judgement]
    differ: tuple[str, ...]
    settled: Judgement | None

    @property
    def open(self) -> bool:
        """Whether it waits to be settled."""
        return bool(self.differ) and self.settled is None


def disputes(state: SessionState) -> list[Dispute]:
    """What at least two of those who are done have judged: what is open first, then what differs, then the rest."""
    done = done_by(state)
    ended = settled(state)
    found = [
        Dispute(
            target=target, said=said, differ=tuple(_differ(list(said.values()))), settled=ended.get(target)
        )
        for target, said in judgements(
            a for a in state.annotations() if a.by in done and not a.settles
        ).items()
        if len(said) > 1
    ]
    return sorted(found, key=lambda dispute: (not dispute.open, not dispute.differ))


def _differ(said: list[Judgement]) -> Iterator[str]:
    for name in ("rating", "mark", "correction"):
        if len({getattr(judgement, name) for judgement in said}) > 1:
            yield name
    if len({frozenset(judgement.labels) for judgement in said}) > 1:
        yield "labels"
    for criterion in sorted({name for judgement in said for name in judgement.scores}):
        if len({judgement.scores.get(criterion) for judgement in said}) > 1:
            yield criterion


def before(state: SessionState, target: Target) -> Judgement:
    """What is settled of `target` so far."""
    return settled(state).get(target, NOTHING)
