"""Judging or removing several sessions at once, and taking that back: undo of a judgement is an event, as ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError, StoreError
from distill_core.plurals import count
from sessions.appending import annotate, append
from sessions.database import UnwritableIndex
from sessions.judging.judgement import judgement_of
from sessions.judging.reading import judged
from sessions.store import Store
from sessions.trash import remove, restore

_SESSION = ev.Target(kind="session")


class _Judged(msgspec.Struct, frozen=True):
    session_id: str
    seq: int


class Done(msgspec.Struct, frozen=True):
    """What was done, in words.

    Args:
        failed: of which session it could not be done, and why.
        unlisted: which sessions it was done to that the list does not show so yet, and why.
    """

    words: str
    failed: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


class _Step(msgspec.Struct, frozen=True):
    """Enough to take one thing back; `tried` before, in vain."""

    words: str
    judged: tuple[_Judged, ...] = ()
    removed: tuple[str, ...] = ()
    tried: bool = False


class Bulk:
    """What one person does to several sessions in a store.

    Args:
        by: whose judgements these are.
    """

    def __init__(self, store: Store, by: str) -> None:
        self._store = store
        self._by = by
        self._done: list[_Step] = []

    def label(self, session_ids: Sequence[str], label: str) -> Done:
        """Put a label on each, beside those that the person has put there already."""

        def labels(folder: Path) -> dict[str, Any]:
            mine = judgement_of(judged(folder), _SESSION, self._by).labels
            return {"labels": tuple(dict.fromkeys((*mine, label)))}

        return self._judge(session_ids, f"labelled {label!r}", labels)

    def rate(self, session_ids: Sequence[str], rating: int) -> Done:
        """Rate each."""
        return self._judge(session_ids, f"rated {rating}", lambda _: {"rating": rating})

    def trash(self, session_ids: Sequence[str]) -> Done:
        """Move each to the trash."""
        places, failed = [], []
        for session_id in session_ids:
            try:
                places.append(remove(self._store.home, session_id).name)
            except StoreError as error:
                failed.append(f"{session_id}: {error}")
        return self._finish(_Step("moved to the trash", removed=tuple(places)), len(places), failed)

    def undo(self) -> Done | None:
        """Take the last thing back; None where there is nothing left.

        What fails can be tried again, as long as that gets any further: what another program took away for good does
        not stand for ever before what was done earlier.
        """
        if not self._done:
            return None
        step = self._done.pop()
        failed: dict[_Judged | str, str] = {}
        for made in step.judged:
            try:
                folder = self._store.home.folder(made.session_id)
                append(folder, [ev.Retracted(step=0, retracts=made.seq, by=self._by)])
            except (StoreError, LogError) as error:
                failed[made] = f"{made.session_id}: {error}"
        for name in step.removed:
            try:
                restore(self._store.home, name)
            except StoreError as error:
                failed[name] = f"{name}: {error}"
        left = _Step(
            step.words,
            judged=tuple(made for made in step.judged if made in failed),
            removed=tuple(name for name in step.removed if name in failed),
            tried=True,
        )
        number = len(step.judged) + len(step.removed) - len(failed)
        if failed and (number or not step.tried):
            self._done.append(left)
        words = f"taken back: {count(number, 'session')} {step.words}"
        return Done(words, tuple(failed.values()), self._listed(step))

    def _judge(
        self, session_ids: Sequence[str], words: str, judgement: Callable[[Path], dict[str, Any]]
    ) -> Done:
        judged, failed = [], []
        for session_id in session_ids:
            try:
                folder = self._store.home.folder(session_id)
                made = annotate(folder, _SESSION, by=self._by, step=0, **judgement(folder))
            except (StoreError, LogError) as error:
                failed.append(f"{session_id}: {error}")
            else:
                judged.append(_Judged(session_id, made.seq))
        return self._finish(_Step(words, judged=tuple(judged)), len(judged), failed)

    def _finish(self, step: _Step, number: int, failed: list[str]) -> Done:
        if number:
            self._done.append(step)
        return Done(f"{count(number, 'session')} {step.words}", tuple(failed), self._listed(step))

    def _listed(self, step: _Step) -> tuple[str, ...]:
        """Bring the list up to date with what was done; what it does not show yet, and why."""
        unlisted = []
        for made in step.judged:
            try:
                self._store.refresh(made.session_id)
            except UnwritableIndex as error:
                unlisted.append(str(error))  # nor can it be for any of the others
                break
            except (StoreError, LogError) as error:
                unlisted.append(f"{made.session_id}: {error}")
        if step.removed:
            try:
                self._store.catch_up()
            except StoreError as error:
                unlisted.append(str(error))
            if self._store.trouble:
                unlisted.append(self._store.trouble)
        return tuple(unlisted)
