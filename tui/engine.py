"""The engine's side of the program: a session on a thread and event loop of its own.

The screen never waits for it. What the screen wants (interrupt, stop, pause) is carried over to the engine's loop,
since a session that records an event may have to wait for the screen to take earlier ones. A fork of a running session
takes its REPL from a live state of that, so it runs on the same loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from distill_core.approval import Approver
from distill_core.continuing import Branch
from distill_core.documents.source import Value
from distill_core.errors import DistillError
from distill_core.events import Annotated, Event, Retracted
from distill_core.lingering import Needed
from distill_core.models.again import Again
from distill_core.probing import Probe
from distill_core.recorder import Sink
from distill_core.signals import Notice, OnSignal
from distill_core.specification import RunResult
from tui.bridge import Bridge, EngineEnded


class LiveSession(Protocol):
    """What the screen needs of a session; `distill_core.session.Session` is one."""

    @property
    def document(self) -> Value:
        """What it reads."""
        ...

    @property
    def worker_slots(self) -> int | None:
        """Worker calls in flight at once; None where that is not known."""
        ...

    @property
    def again(self) -> tuple[str, Again] | None:
        """Who is not answered, and the retry that is under way."""
        ...

    async def run(self) -> RunResult:
        """Run to the end."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where it is kept."""
        ...

    def judge(self, event: Annotated | Retracted) -> object:
        """Record a judgement, or the retraction of one."""
        ...

    def override_call(self, call_id: str, response: str, *, by: str) -> Future[None]:
        """Put a reply in the place of a worker's."""
        ...

    def retry_call(self, call_id: str, *, by: str) -> Future[None]:
        """Send a worker call again."""
        ...

    def cancel_calls(self, call_id: str, *, by: str) -> Future[None]:
        """Cancel what is left of a call's batch."""
        ...

    def probe(self) -> Future[Probe]:
        """A look into the REPL."""
        ...

    @property
    def forked(self) -> Needed:
        """Used by forks while they run."""
        ...

    def branch(self, cells: int) -> Branch:
        """Its REPL after so many cells, for a fork."""
        ...

    def interrupt(self, by: str) -> None:
        """Stop the running cell."""
        ...

    def stop(self, by: str) -> None:
        """End with the best partial result."""
        ...

    def leave(self) -> None:
        """Have no end on record once cancelled."""
        ...

    def pause(self) -> None:
        """Hold at the next boundary."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


MakeSession: TypeAlias = Callable[[Approver, Sequence[Sink], OnSignal], LiveSession]


class Seen:
    """A sink that keeps what has happened, for forks of the session while it runs."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def write(self, event: Event) -> None:
        """Keep an event."""
        self._events.append(event)

    @property
    def events(self) -> tuple[Event, ...]:
        """All of them, from any thread."""
        return tuple(self._events)


class Engine:
    """Makes a session and runs it, once, off the screen's thread.

    Args:
        make_session: called on the engine's thread, so that it may take its time and its errors are kept.
        approver: decides; hands proposals to the bridge where a person is to.
        bridge: gets events, signals and the last word.
        beside: the engine of the session that this one's is a fork of; while that runs, this runs on its loop.
    """

    def __init__(
        self, make_session: MakeSession, approver: Approver, bridge: Bridge, beside: Engine | None = None
    ) -> None:
        self.result: RunResult | None = None
        self.error: Exception | None = None
        self.unwritten: list[Annotated | Retracted] = []
        self._make_session = make_session
        self._approver = approver
        self._bridge = bridge
        self._beside = beside
        self._host = self
        self._guests: list[Future[None]] = []
        self._full = False
        self._over = threading.Event()
        self._seen = Seen()
        self._session: LiveSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunResult] | None = None
        self._early: list[Callable[[LiveSession], None]] = []
        self._lock = threading.Lock()
        # The REPL child ends with the thread that spawned it, so one thread carries the whole session.
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin."""
        host = self._beside._host if self._beside is not None else None
        if host is not None and host._take_in(self._as_fork):
            self._host = host
        else:
            self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the session has not come to its end yet."""
        return self._thread.is_alive() if self._host is self else not self._over.is_set()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the end, for `seconds` at most; True if it has come."""
        if self._host is not self:
            return self._over.wait(seconds)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def events(self) -> tuple[Event, ...]:
        """What has happened."""
        return self._seen.events

    @property
    def document(self) -> Value | None:
        """The document of the session; None until there is a session."""
        with self._lock:
            session = self._session
        return session.document if session is not None else None

    @property
    def folder(self) -> Path | None:
        """Where the session is kept; None until there is one, or nowhere."""
        with self._lock:
            session = self._session
        return session.folder if session is not None else None

    @property
    def worker_slots(self) -> int | None:
        """Worker calls in flight at once; None until there is a session, or where that is not known."""
        with self._lock:
            session = self._session
        return session.worker_slots if session is not None else None

    @property
    def again(self) -> tuple[str, Again] | None:
        """Which model is not answered by its endpoint, and the retry that is under way; None while all is well."""
        with self._lock:
            session = self._session
        return session.again if session is not None else None

    def judge(self, event: Annotated | Retracted) -> None:
        """Record a judgement, or the retraction of one. What the session could not take stays in `unwritten`."""
        self.unwritten.append(event)
        self._tell(lambda session: self._judge(session, event))

    def _judge(self, session: LiveSession, event: Annotated | Retracted) -> None:
        try:
            session.judge(event)
        except DistillError as error:
            self._bridge.signal(Notice(text=str(error)))
        finally:
            self.unwritten.remove(event)

    @property
    def session(self) -> LiveSession | None:
        """The session, once it is made."""
        return self._session

    def interrupt(self, by: str) -> None:
        """Stop the running cell."""
        self._tell(lambda session: session.interrupt(by))

    def stop(self, by: str) -> None:
        """End the session with what it has."""
        self._tell(lambda session: session.stop(by))

    def pause(self) -> None:
        """Hold at the next boundary."""
        self._tell(lambda session: session.pause())

    def resume(self) -> None:
        """Go on after a pause."""
        self._tell(lambda session: session.resume())

    def leave(self) -> None:
        """Drop what the session is doing and leave it without an end, so that it can be resumed."""
        self._tell(lambda session: session.leave())
        self.cancel()

    def cancel(self) -> None:
        """Drop what the session is doing; its log keeps what it has."""
        with self._lock:
            loop, task = self._loop, self._task
        if loop is not None and task is not None:
            _on(loop, task.cancel)

    def _tell(self, wish: Callable[[LiveSession], None]) -> None:
        with self._lock:
            session, loop = self._session, self._loop
            if session is None or loop is None:
                self._early.append(wish)
                return
        _on(loop, lambda: wish(session))

    def _take_in(self, guest: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Run a fork on this loop, if it has begun and is not over."""
        with self._lock:
            if self._loop is None or self._full:
                return False
            self._guests.append(asyncio.run_coroutine_threadsafe(guest(), self._loop))
            return True

    def _run(self) -> None:
        asyncio.run(self._as_host())

    async def _as_host(self) -> None:
        """The session, and forks that have come meanwhile: their REPL's processes end with this thread."""
        await self._to_its_end()
        while True:
            with self._lock:
                waiting = [guest for guest in self._guests if not guest.done()]
                self._full = not waiting
            if not waiting:
                return
            await asyncio.wait([asyncio.wrap_future(guest) for guest in waiting])

    async def _as_fork(self) -> None:
        """The session, while that which it forks keeps its REPL."""
        parent = self._beside.session if self._beside is not None else None
        with parent.forked.used() if parent is not None else contextlib.nullcontext():
            await self._to_its_end()

    async def _to_its_end(self) -> None:
        ended = EngineEnded()
        try:
            self.result = await self._main()
        except asyncio.CancelledError:
            ended = EngineEnded("the session was dropped before its end; its log keeps what it had")
        except Exception as error:  # noqa: BLE001  # the session's outermost frame: kept, shown, raised after the screen
            self.error = error
            ended = _ended_by(error)
        finally:
            self._bridge.end(ended)
            self._over.set()

    async def _main(self) -> RunResult:
        session = self._make_session(self._approver, (self._bridge, self._seen), self._bridge.signal)
        task = asyncio.ensure_future(session.run())
        with self._lock:
            self._session, self._loop, self._task = session, asyncio.get_running_loop(), task
            early, self._early = self._early, []
        # After the session's first step, which takes this loop as its own.
        for wish in early:
            self._loop.call_soon(wish, session)
        return await task


def _ended_by(error: Exception) -> EngineEnded:
    """An error that was raised on purpose says all there is to say; where any other came from has to be found."""
    if isinstance(error, DistillError):
        return EngineEnded(str(error))
    return EngineEnded(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call on `loop`; if that has ended meanwhile there is nothing left to ask for."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
