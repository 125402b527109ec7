"""The bridge: the one bounded queue from the engine's thread to the screen's.

Events pass in order and none is lost: where the screen cannot keep up, the engine waits. Transient signals give way
instead: pieces of one reply are joined while they wait, and dropped where the queue is full. Decisions do not come
through here; they go straight to the approver.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from distill_core.approval import Proposal
from distill_core.events import Event
from distill_core.signals import Differs, ReplyDelta, Signal


class EngineEnded(msgspec.Struct, frozen=True):
    """The engine's thread is over. `error` where it ended by an exception, `details` (a traceback) by a fault."""

    error: str | None = None
    details: str = ""


Item: TypeAlias = Event | Signal | Proposal | EngineEnded


class Bridge:
    """A bounded queue between two threads.

    Args:
        capacity: items it holds before the engine has to wait.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._items: deque[Item | _Draft] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def write(self, event: Event) -> None:
        """Take an event (as a `Sink`); waits while the queue is full, and lets it go once the screen has closed."""
        self._put(event)

    def show(self, proposal: Proposal) -> None:
        """Take a proposal that waits for the person."""
        self._put(proposal)

    def end(self, ended: EngineEnded) -> None:
        """Take the engine's last word."""
        self._put(ended)

    def signal(self, signal: Signal) -> None:
        """Take a transient signal; never waits, but for a question that the session waits for."""
        if isinstance(signal, Differs):
            self._put(signal)
            return
        with self._changed:
            last = self._items[-1] if self._items else None
            if isinstance(signal, ReplyDelta) and isinstance(last, _Draft) and last.continues(signal):
                last.pieces.append(signal.text)
            elif len(self._items) < self._capacity and not self._closed:
                self._items.append(_Draft(signal) if isinstance(signal, ReplyDelta) else signal)

    def _put(self, item: Item) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if not self._closed:
                self._items.append(item)

    def drain(self, take: Callable[[Item], None], seconds: float) -> int:
        """Hand what waits to `take`, in order, for about `seconds` at most; returns how many items that were."""
        until = time.monotonic() + seconds
        taken = 0
        while time.monotonic() < until:
            with self._changed:
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify()
            take(item.signal() if isinstance(item, _Draft) else item)
            taken += 1
        return taken

    def close(self) -> None:
        """The screen is gone: whoever waits goes on, and what comes is let go."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)


class _Draft:
    """Pieces of one reply, waiting together."""

    def __init__(self, first: ReplyDelta) -> None:
        self._first = first
        self.pieces = [first.text]

    def continues(self, delta: ReplyDelta) -> bool:
        return (self._first.call_id, self._first.kind) == (delta.call_id, delta.kind)

    def signal(self) -> ReplyDelta:
        return msgspec.structs.replace(self._first, text="".join(self.pieces))
