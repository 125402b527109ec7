"""Where judgements are written: into the log of the running session, and from its end on, or in review, behind it.

A judgement never gets lost between the two: what the session could not take any more is added to its log afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.errors import DistillError
from distill_core.state import SessionState, apply

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

Judging: TypeAlias = ev.Annotated | ev.Retracted


class Book:
    """The judgements of the session on `screen`.

    Args:
        changed: called when there are others.
    """

    def __init__(self, screen: LiveScreen, changed: Callable[[], None]) -> None:
        self._screen = screen
        self._changed = changed
        self._past: SessionState | None = None
        self._waiting: list[Judging] = []
        self._writing = False

    @property
    def state(self) -> SessionState:
        """The session with every judgement of it, whichever moment of it is shown."""
        if self._screen.wiring.playback is None:
            return self._screen.model.state
        if self._past is None:
            self._past = self._screen.wiring.playback.whole
        return self._past

    def write(self, event: Judging) -> None:
        """Put a judgement on record. It counts as soon as it is written."""
        engine = self._screen.wiring.engine
        if self._screen.wiring.playback is None and engine.alive:
            engine.judge(event)
        else:
            self._waiting.append(event)
            self._add()

    def catch_up(self) -> None:
        """Add what the session could not take any more, once it has ended."""
        engine = self._screen.wiring.engine
        if self._screen.wiring.playback is None and not engine.alive and engine.unwritten:
            left, engine.unwritten = engine.unwritten, []
            self._waiting += left
            self._add()

    @property
    def settled(self) -> bool:
        """Whether everything is written."""
        return not (self._waiting or self._writing or self._screen.wiring.engine.unwritten)

    # ------------------------------------------------------------ behind the end

    def _add(self) -> None:
        if self._writing or not self._waiting:
            return
        folder = self._screen.wiring.folder or self._screen.wiring.engine.folder
        events, self._waiting = tuple(self._waiting), []
        if folder is None:
            # Kept nowhere: it counts for as long as the screen is there.
            for event in events:
                self._take(msgspec.structs.replace(event, seq=self.state.seq + 1))
            self._changed()
            return
        self._writing = True
        known = self.state.seq
        self._screen.run_worker(partial(self._append, folder, events, known), thread=True, group="judging")

    def _append(self, folder: Path, events: tuple[Judging, ...], known: int) -> None:
        """Write, on a thread of its own."""
        from sessions.appending import append

        try:
            added = append(folder, events, known=known)
        except DistillError as error:
            self._on_screen(partial(self._failed, events, str(error)))
            return
        self._on_screen(partial(self._added, (*added.missed, *added.events)))

    def _on_screen(self, call: Callable[[], None]) -> None:
        # Written is written, whether or not the screen is still there to hear of it.
        with contextlib.suppress(RuntimeError):
            self._screen.app.call_from_thread(call)

    def _added(self, events: tuple[ev.Event, ...]) -> None:
        for event in events:
            self._take(event)
        self._writing = False
        self._changed()
        self._add()

    def _failed(self, events: tuple[Judging, ...], why: str) -> None:
        self._writing = False
        self._waiting = [*events, *self._waiting]
        self._screen.say(f"Not written yet: {why}. It is tried again with the next one.", warning=True)

    def _take(self, event: ev.Event) -> None:
        if self._screen.wiring.playback is None:
            self._screen.model.take(event)
        else:
            self._past = apply(self.state, event)
