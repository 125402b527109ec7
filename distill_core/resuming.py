"""Resuming: a session whose program died goes on from its last event, in its own log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from distill_core.continuing import Earlier
from distill_core.errors import LogError
from distill_core.reading import Reading
from distill_core.record import Record, record_of
from distill_core.rerunning import Rerun


def resumable(reading: Reading) -> Record:
    """The record of a session that can go on.

    Raises:
        LogError: it is damaged, has nothing to go on from, or is over.
    """
    if reading.damaged:
        worst = next(p for p in reading.problems if not p.torn)
        raise LogError(
            f"the session in {reading.folder} is damaged",
            found=str(worst),
            remedy="fork it before that place",
        )
    record = record_of(reading.events)
    started, finished = record.started, record.state.finished
    if finished is not None:
        raise LogError(
            f"the session {started.session_id} is over",
            found=f"{finished.status}: {finished.reason}" if finished.reason else finished.status,
            remedy=f"go on in a fork of it: distill-tui fork {started.session_id}",
        )
    return record


def resume(reading: Reading, *, go_on: Callable[[Rerun], Awaitable[bool]] | None = None) -> Earlier:
    """What the session in `reading` goes on from.

    Args:
        go_on: asked when a recorded cell comes out differently; True to go on all the same.

    Raises:
        LogError: it cannot go on.
    """
    return Earlier(record=resumable(reading), go_on=go_on)
