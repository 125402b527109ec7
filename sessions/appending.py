"""Adding to a session that is over: judgements made in review, numbered on where the log ends.

One program at a time has a session's log open, held by a lock that the system takes back when the program dies. Adding
takes it for the moment, cuts off a torn last line, numbers on, writes and puts it on the disk; so two programs that
review one session take turns, and none is killed at a moment that leaves the log damaged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.recorder import OpenElsewhere, Recorder, SessionLog, Sink, holds_session, utc_now
from distill_core.reopening import last_number
from distill_core.stream_ends import number, read_end

PATIENCE = 3.0
"""Seconds to wait for another program that adds to the same session."""


class Appended(msgspec.Struct, frozen=True):
    """What was added, as it stands in the log, and before it what others had added meanwhile."""

    events: tuple[ev.Event, ...]
    missed: tuple[ev.Event, ...]


def append(
    folder: Path,
    events: Sequence[ev.Annotated | ev.Retracted],
    *,
    known: int | None = None,
    sinks: Sequence[Sink] = (),
    clock: Callable[[], datetime] = utc_now,
    patience: float = PATIENCE,
) -> Appended:
    """Add `events` to the session in `folder`. Blocks until they are on the disk.

    Args:
        known: number of the last event that the caller has; what came after it is told as `missed`.
        sinks: who else gets what is added.
        patience: seconds to wait while another program has the session open.

    Raises:
        LogError: there is no session, it cannot be written, or another program still runs it.
    """
    if not holds_session(folder):
        if known is not None:
            back = "distill-tui sessions restore brings back what is in the trash"
            raise LogError(f"the session {folder.name} is not there any more", remedy=back)
        raise LogError(f"no session in {folder}", remedy="name a session's folder")
    log = opened(folder, patience)
    try:
        last = last_number(folder)
        missed = newer(folder, known) if known is not None and known < last else ()
        recorder = Recorder((log, *sinks), last_seq=last, clock=clock)
        added = tuple(recorder.emit(event) for event in events)
    finally:
        log.close()
    return Appended(added, missed)


def opened(folder: Path, patience: float = PATIENCE) -> SessionLog:
    """The log in `folder`, once no other program has it open.

    Raises:
        LogError: it cannot be written, or another program has it open for longer than `patience` seconds.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return SessionLog(folder, append=True)
        except OpenElsewhere:
            # For a moment, where something is added there, or for as long as the session runs.
            if time.monotonic() >= until:
                raise


def newer(folder: Path, known: int) -> tuple[ev.Event, ...]:
    """The events after number `known`, in order; only the ends of the streams are read.

    Raises:
        LogError: one of them cannot be read.
    """
    found: list[ev.Event] = []
    for stream in ev.STREAMS:
        path = folder / f"{stream}.jsonl"
        try:
            found += _tail(path, known)
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError) as error:
            raise LogError(f"cannot read the end of {path}", found=str(error)) from error
    return tuple(sorted(found, key=lambda event: event.seq))


def _tail(path: Path, known: int) -> list[ev.Event]:
    """The events at the end of a stream that are numbered after `known`."""
    with path.open("rb") as file:
        lines, _ = read_end(file, lambda first: number(first) <= known)
    return [ev.decode(line) for line in lines if number(line) > known]


def annotate(folder: Path, target: ev.Target, *, by: str, step: int = 0, **judgement: object) -> ev.Annotated:
    """Add one annotation; `judgement` are the fields of `events.Annotated`.

    Raises:
        LogError: as `append`.
    """
    added = append(folder, [annotation(target, by=by, step=step, **judgement)])
    made = added.events[0]
    assert isinstance(made, ev.Annotated)
    return made


def annotation(target: ev.Target, *, by: str, step: int = 0, **judgement: object) -> ev.Annotated:
    """An annotation with an id of its own, not recorded yet."""
    import secrets

    return msgspec.convert(
        {"annotation_id": f"a{secrets.token_hex(6)}", "by": by, "step": step, "target": target, **judgement},
        ev.Annotated,
        from_attributes=True,
    )
