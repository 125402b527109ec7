"""Is a session's folder whole? Numbering, schema, the fold, what refers to what, message ids, the kept document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from distill_core import document_store
from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.errors import LogError
from distill_core.reading import Problem, Reading, read_session
from distill_core.state import EMPTY, SessionState, apply
from sessions.agreeing import disagreements
from sessions.judging.pointing import astray


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a folder.

    Args:
        problems: damage.
        notes: what is worth knowing and no damage: a torn last line, a session that never finished.
        events: how many events were read.
        state: the session, folded; None where it cannot be.
    """

    folder: Path
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    events: int
    state: SessionState | None

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.problems


def verify(folder: Path) -> Verdict:
    """Check the session in `folder`.

    Raises:
        LogError: there is no session there, or it cannot be read.
    """
    reading = read_session(folder)
    problems = [p for p in reading.problems if not p.torn]
    notes = [str(p) for p in reading.problems if p.torn]
    state, broken = _folded(reading)
    problems.extend(broken)
    problems.extend(_messages(reading))
    if state is not None:
        problems.extend(disagreements(reading.events))
        problems.extend(astray(reading.events, state))
        problems.extend(_prompts(state))
        problems.extend(_document(folder, state))
        if state.started is None:
            notes.append("nothing but its beginning was written")
        elif state.finished is None:
            notes.append("it never finished")
    return Verdict(
        folder=folder,
        problems=tuple(problems),
        notes=tuple(notes),
        events=len(reading.events),
        state=state,
    )


def _folded(reading: Reading) -> tuple[SessionState | None, list[Problem]]:
    state = EMPTY
    for event in reading.events:
        if state.started is None and not isinstance(event, ev.SessionStarted):
            return None, [Problem(where=f"event {event.seq}", what="comes before the session's start")]
        try:
            state = apply(state, event)
        except KeyError as error:
            what = f"speaks of {error.args[0]}, which nothing before it mentions"
            return None, [Problem(where=f"event {event.seq}", what=what)]
    return state, []


def _messages(reading: Reading) -> Iterator[Problem]:
    for event in reading.events:
        if isinstance(event, ev.MessageAdded) and message_id(event.message) != event.message_id:
            yield Problem(where=f"event {event.seq}", what=f"message {event.message_id} is not what it was")


def _prompts(state: SessionState) -> Iterator[Problem]:
    for call_id in state.replies:
        try:
            state.prompt(call_id)
        except KeyError as error:
            yield Problem(where=f"supervisor call {call_id}", what=f"its prompt lacks {error.args[0]}")


def _document(folder: Path, state: SessionState) -> Iterator[Problem]:
    if state.started is None:
        return
    reference = state.started.document
    for place in documents_folders(folder):
        if document_store.document_path(place, reference).exists():
            try:
                document_store.fetch(place, reference)
            except LogError as error:
                yield Problem(where="document", what=str(error))
            return
    yield Problem(where="document", what=f"{reference.sha256[:12]}… is not kept beside the session")


def documents_folders(folder: Path) -> tuple[Path, ...]:
    """Where a session's document may be: in its own folder, or in the home that holds the session."""
    return folder / "documents", folder.parent.parent / "documents"
