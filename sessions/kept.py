"""One kept session as its folder holds it: what lists open and forks, replays, resumed sessions are made from."""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from distill_core import document_store
from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.reading import Problem, Reading, read_session
from distill_core.state import SessionState, fold
from sessions.indexing import Indexer
from sessions.verify import documents_folders

if TYPE_CHECKING:
    from distill_core.record import Record


VERIFY = "see distill-tui sessions verify"


class _Folded(NamedTuple):
    """The state that the first `taken` events make, and why no more of them do."""

    state: SessionState
    taken: int
    problem: str | None = None


class Kept:
    """The session in `folder`; each part is read when it is first asked for, and then raises `LogError` where it
    cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def session_id(self) -> str:
        """Its name in the home."""
        return self.folder.name

    @cached_property
    def reading(self) -> Reading:
        """Its log, as read."""
        return read_session(self.folder)

    @property
    def events(self) -> tuple[ev.Event, ...]:
        """Its events, in order."""
        return self.reading.events

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was wrong in the log."""
        return self.reading.problems

    @cached_property
    def _folded(self) -> _Folded:
        if self.events and isinstance(self.events[0], ev.SessionStarted):
            with contextlib.suppress(KeyError):  # what makes sense to its end takes a third of the time so
                return _Folded(fold(self.events), len(self.events))
        indexer = Indexer()
        indexer.take_all(self.events)
        return _Folded(indexer.state, indexer.taken, indexer.problem)

    @property
    def state(self) -> SessionState:
        """Its state, folded as far as the log makes sense."""
        return self._folded.state

    @property
    def sound(self) -> tuple[ev.Event, ...]:
        """Its events, as far as the log makes sense."""
        return self.events[: self._folded.taken]

    @property
    def trouble(self) -> str:
        """What is wrong with its log, in a line; "" where nothing is but a torn end."""
        broken = what = self._folded.problem
        if what is None:
            what = next((str(problem) for problem in self.problems if not problem.torn), None)
        if what is None:
            return ""
        reaches = f", {self._folded.taken} of its {len(self.events)} events make sense" if broken else ""
        return f"the session's log is damaged{reaches}: {what} ({VERIFY})"

    @cached_property
    def record(self) -> Record:
        """Its events, ready to be given again."""
        from distill_core.record import record_of  # brings the REPL along, which a list does not need

        return record_of(self.events)

    @cached_property
    def documents(self) -> Path:
        """The folder that holds its document."""
        if self.state.started is None:
            raise LogError(f"the session in {self.folder} names no document", found="it has no beginning")
        reference = self.state.started.document
        for place in documents_folders(self.folder.absolute()):
            if document_store.document_path(place, reference).exists():
                return place
        raise LogError(
            f"the document of the session in {self.folder} is not kept",
            found=f"no {reference.sha256[:12]}… beside it",
            remedy="put it into its folder documents",
        )

    @cached_property
    def context(self) -> str | list[Any] | dict[str, Any]:
        """The document it read."""
        place, started = self.documents, self.state.started
        assert started is not None
        return document_store.fetch(place, started.document)


def fitting(folder: Path) -> Kept:
    """The session in `folder`, seen to make sense to its end.

    Raises:
        LogError: it cannot be read, or does not.
    """
    kept = Kept(folder)
    if kept.state.started is None or len(kept.sound) < len(kept.events):
        raise LogError(kept.trouble or f"the session in {folder} has no beginning ({VERIFY})")
    return kept


def readable(folder: Path) -> Kept:
    """The session in `folder`, of which a beginning makes sense; see `Kept.sound`.

    Raises:
        LogError: there is none, it cannot be read, or nothing of it makes sense.
    """
    kept = Kept(folder)
    if not kept.sound:
        raise LogError(kept.trouble or f"the session in {folder} has no beginning ({VERIFY})")
    return kept


def open_kept(folder: Path) -> Kept:
    """The session in `folder`, seen to fit together and to have its document.

    Raises:
        LogError: there is none, it does not fit together, or its document is missing or changed.
    """
    kept = Kept(folder)
    _ = kept.record, kept.context
    return kept
