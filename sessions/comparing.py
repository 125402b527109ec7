"""Two sessions or branches beside one another: outcome, cost, evidence, and their code step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from distill_core.errors import LogError, StoreError
from distill_core.events import Annotated, Preference, Retracted, Target
from distill_core.evidence import Evidence
from distill_core.revision import unified
from distill_core.state import SessionState, Step
from sessions.appending import annotation, append
from sessions.judging.judgement import open_to

Winner: TypeAlias = Literal["one", "other", "neither"]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one of two sessions came to.

    Args:
        found: quotations of the answer that the document holds word for word; `near` with differences, `missing` not
            at all; None where the document was not looked at.
        cost: US dollars, None where prices are not known; `elapsed` seconds.
        errors: cells that failed.
    """

    session_id: str
    question: str
    document: str
    supervisor: str
    worker: str
    status: str
    answer: str
    steps: int
    cells: int
    errors: int
    worker_calls: int
    tokens: int
    cost: float | None
    elapsed: float | None
    found: int | None = None
    near: int | None = None
    missing: int | None = None


class StepPair(msgspec.Struct, frozen=True, kw_only=True):
    """The code of one step in both sessions, empty where there is none, and a unified diff of it.

    `shared` steps stand in one session because a fork copied them.
    """

    number: int
    one: str
    other: str
    diff: tuple[str, ...]
    shared: bool = False


class Preferred(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the two `by` prefers, and why."""

    by: str
    winner: Winner
    reason: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two sessions.

    Args:
        related: how they hang together, empty if they do not.
        preferences: what persons said last of which is better.
    """

    one: Side
    other: Side
    steps: tuple[StepPair, ...]
    related: str = ""
    preferences: tuple[Preferred, ...] = ()

    @property
    def same_question(self) -> bool:
        """Whether both were asked the same."""
        return self.one.question == self.other.question

    @property
    def same_document(self) -> bool:
        """Whether both read the same."""
        return self.one.document == self.other.document

    def preferring(self, said: Preferred) -> Comparison:
        """With one more preference, in the place of what that person said before."""
        others = (before for before in self.preferences if before.by != said.by)
        return msgspec.structs.replace(self, preferences=(*others, said))


def compare(
    one: SessionState,
    other: SessionState,
    *,
    evidence: tuple[Evidence | None, Evidence | None] = (None, None),
    who: str = "",
) -> Comparison:
    """Put two sessions beside one another.

    Args:
        evidence: of the document of each, where quotations are to be looked up.
        who: looks at them; preferences are told that this person may see.

    Raises:
        StoreError: one of them never began.
    """
    count = max(len(one.steps), len(other.steps))
    found = Comparison(
        one=_side(one, evidence[0]),
        other=_side(other, evidence[1]),
        steps=tuple(_pair(one, other, number) for number in range(1, count + 1)),
        related=_related(one, other),
    )
    for made in open_to(one, who):
        if made.preference is not None and made.preference.other == found.other.session_id:
            winner = _TO_ONE[made.preference.winner]
            found = found.preferring(Preferred(by=made.by, winner=winner, reason=made.reason))
    return found


def _side(state: SessionState, evidence: Evidence | None) -> Side:
    started, finished = state.started, state.finished
    if started is None:
        raise StoreError("cannot compare the session", found="it never began")
    final = finished.answer if finished is not None else None
    answer = final.text if final is not None else ""
    looked = evidence.of(answer) if evidence is not None else None
    counts = {s: sum(f.status == s for f in looked or ()) for s in ("found", "near", "missing")}
    return Side(
        session_id=started.session_id,
        question=state.question,
        document=started.document.sha256,
        supervisor=started.supervisor,
        worker=started.worker,
        status=finished.status if finished is not None else "unfinished",
        answer=answer,
        steps=len(state.steps),
        cells=sum(cell.phase == "done" for cell in state.cells.values()),
        errors=sum(cell.status not in (None, "ok", "final") for cell in state.cells.values()),
        worker_calls=len(state.call_order),
        tokens=state.supervisor_usage.total_tokens + state.worker_usage.total_tokens,
        cost=finished.cost if finished is not None else None,
        elapsed=finished.elapsed if finished is not None else None,
        **(counts if looked is not None else {}),
    )


def _pair(one: SessionState, other: SessionState, number: int) -> StepPair:
    left, right = _code(one, number), _code(other, number)
    copied = any(_copied(state, number) for state in (one, other))
    return StepPair(
        number=number,
        one=left,
        other=right,
        diff=tuple(unified(left, right)),
        shared=copied and left == right,
    )


def _at(state: SessionState, number: int) -> Step | None:
    return state.steps[number - 1] if number <= len(state.steps) else None


def _copied(state: SessionState, number: int) -> bool:
    step = _at(state, number)
    return step is not None and step.copied


def _code(state: SessionState, number: int) -> str:
    """What ran in a step; where nothing did, what was proposed."""
    step = _at(state, number)
    if step is None:
        return ""
    cells = [state.cells[cell_id] for cell_id in step.cells]
    ran = [cell for cell in cells if cell.phase != "proposed"] or cells
    return "\n\n".join(cell.code.rstrip("\n") for cell in ran)


def _related(one: SessionState, other: SessionState) -> str:
    assert one.started is not None
    assert other.started is not None
    parents = [state.started.parent for state in (one, other) if state.started is not None]
    first, second = parents
    if second is not None and second.session_id == one.started.session_id:
        return f"the second is a fork of the first after step {second.steps}"
    if first is not None and first.session_id == other.started.session_id:
        return f"the first is a fork of the second after step {first.steps}"
    if first is not None and second is not None and first.session_id == second.session_id:
        return f"both are forks of {first.session_id}"
    return ""


_FROM_ONE: dict[Winner, Literal["this", "other", "neither"]] = {
    "one": "this",
    "other": "other",
    "neither": "neither",
}
_TO_ONE = {theirs: ours for ours, theirs in _FROM_ONE.items()}
_FROM_OTHER: dict[Winner, Literal["this", "other", "neither"]] = {
    "one": "other",
    "other": "this",
    "neither": "neither",
}


def prefer(
    one: tuple[Path, str], other: tuple[Path, str], winner: Winner, *, by: str, reason: str = ""
) -> tuple[Annotated, Annotated]:
    """Put on record which of two sessions is better: in the logs of both, under one id.

    Args:
        one: folder and name of the first session; `other` those of the second.

    Raises:
        StoreError: they are one session, or two of one name.
        LogError: one of them cannot be written; then nothing stands in the other either.
    """
    if one[1] == other[1]:
        raise StoreError(
            "neither of the two can be preferred",
            found=f"both are the session {one[1]}",
            remedy="compare two different ones",
        )
    first = annotation(
        Target(kind="session"),
        by=by,
        reason=reason,
        preference=Preference(other=other[1], winner=_FROM_ONE[winner]),
    )
    second = msgspec.structs.replace(first, preference=Preference(other=one[1], winner=_FROM_OTHER[winner]))
    (here,) = append(one[0], [first]).events
    try:
        (there,) = append(other[0], [second]).events
    except LogError:
        append(one[0], [Retracted(step=0, retracts=here.seq, by=by)])
        raise
    assert isinstance(here, Annotated)
    assert isinstance(there, Annotated)
    return here, there
