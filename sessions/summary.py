"""The row of `sessions`: what a list shows of a session, and what it is filtered by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from distill_core import events as ev
from distill_core.models.base import MOST
from distill_core.state import SessionState, WorkerCall
from sessions.judging.judgement import labels_in, overall
from sessions.rows import dump, more

TITLE_CHARS = 80
WRONG = ("error", "timeout", "killed")
"""How a cell ends that counts as an error."""


class Tally:
    """What would take a walk over the whole state to count."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.edits = 0
        self.deciders: set[str] = set()

    def called(self, call: WorkerCall) -> None:
        """Take a worker call as it is now."""
        if call.phase == "failed":
            self.failed.add(call.call_id)
        else:
            self.failed.discard(call.call_id)

    def decided(self, event: ev.DecisionMade) -> None:
        """Take a decision."""
        self.deciders.add(event.by)
        if event.before != event.after and event.action in ("edit", "write"):
            self.edits += 1


def session_row(
    state: SessionState, tally: Tally, session_id: str, sizes: tuple[int, ...] | None, problem: str | None
) -> dict[str, Any]:
    """The row of `sessions` without its id, by column.

    Args:
        session_id: its name in the index.
        sizes: bytes of its streams that were indexed; None where more is to come.
        problem: where its log stopped making sense.
    """
    started, finished = state.started, state.finished
    used = state.supervisor_usage, state.worker_usage
    tokens = [min(usage.total_tokens, MOST) for usage in used]
    return {
        "session_id": session_id,
        "sizes": None if sizes is None else dump(sizes),
        "problem": problem,
        **_opening(started),
        **_closing(state, finished),
        **judgement(state),
        "decided_by": dump(sorted(tally.deciders)),
        "edits": tally.edits,
        "tokens": sum(tokens),
        "supervisor_tokens": tokens[0],
        "worker_tokens": tokens[1],
        "steps": len(state.steps),
        "cells": len(state.cells),
        "errors": sum(1 for cell in state.cells.values() if cell.status in WRONG),
        "worker_calls": len(state.calls),
        "failed_calls": len(tally.failed),
        "policy": state.policy,
        "more": more(state) or "{}",
    }


def _opening(started: ev.SessionStarted | None) -> dict[str, Any]:
    if started is None:
        nothing = dict.fromkeys(("document", "started", "parent", "parent_steps", "opening"))
        texts = "title", "kind", "question", "supervisor", "worker", "document_name", "isolation", "program"
        return {**nothing, **dict.fromkeys(texts, "")}
    parent = started.parent
    return {
        "title": title(started.query),
        "kind": started.kind,
        "question": started.query,
        "supervisor": started.supervisor,
        "worker": started.worker,
        "document": started.document.sha256,
        "document_name": started.document.name,
        "started": _moment(started.timestamp),
        "parent": parent.session_id if parent else None,
        "parent_steps": parent.steps if parent else None,
        "isolation": started.isolation,
        "program": started.program,
        "opening": dump(started),
    }


def _moment(when: datetime) -> str:
    """As the index holds it: UTC, so that what is sorted and filtered as text is sorted and filtered by time."""
    try:
        return when.astimezone(UTC).isoformat()
    except OverflowError:  # on the first or last day that there is, far from UTC
        return when.replace(tzinfo=UTC).isoformat()


def _closing(state: SessionState, finished: ev.SessionFinished | None) -> dict[str, Any]:
    return {
        "status": finished.status if finished else "unfinished",
        "answer": finished.answer.text if finished and finished.answer else None,
        "partial": bool(finished and finished.partial),
        "reason": finished.reason if finished else "",
        "elapsed": finished.elapsed if finished else None,
        "cost": finished.cost if finished else None,
        "closing": dump(finished) if finished else None,
    }


def judgement(state: SessionState) -> dict[str, Any]:
    """The columns that annotations decide, and how far the log was read."""
    counted = state.annotations()
    return {
        "rating": overall(counted),
        "labels": dump(labels_in(counted)),
        "annotations": len(counted),
        "reviewers": dump(sorted({a.by for a in counted})),
        "updated": _moment(state.updated) if state.updated else None,
        "last_seq": state.seq,
    }


def title(question: str) -> str:
    """A question as one short line."""
    line = " ".join(question.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"
