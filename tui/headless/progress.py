"""Progress of a headless session, on stderr: a line for what has happened, a bar for worker calls on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from distill_core import events as ev
from distill_core.models.again import Again
from distill_core.plurals import count
from distill_core.reply_problems import IN_WORDS
from distill_core.signals import Differs, Notice, Signal
from distill_core.state import EMPTY, SessionState, apply
from tui.live.words import NO_WALL
from tui.text import clean

WIDTH = 100
"""Characters of foreign text on a line."""

QUIET = 10.0
"""Seconds before it is told once more that somebody does not answer."""


class Progress:
    """A sink that tells what happens. Lines stay; on a terminal the last one lives and tells what runs now.

    Args:
        before: the state of a session that goes on.
    """

    def __init__(self, console: Console | None = None, *, before: SessionState | None = None) -> None:
        self.on_difference: Callable[[Differs], None] = lambda differs: differs.answer(False)
        self._console = console or Console(stderr=True, highlight=False)
        self._lock = threading.RLock()
        self._state: SessionState = EMPTY if before is None else before
        self._doing = ""
        self._why = ""
        self._again: tuple[str, Again] | None = None
        self._told_again = -QUIET
        self._live = Live(
            console=self._console, transient=True, refresh_per_second=8, get_renderable=self._now
        )

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def write(self, event: ev.Event) -> None:
        """Take an event, as a sink."""
        with self._lock:
            self._state = apply(self._state, event)
            line = told(event, self._state, said=self._why)
            why = _why(event)
            self._why = why or self._why
        if line:
            # A terminal gets one line an event; a file gets all of it, and so does everybody of why it ended.
            shape = (
                {"no_wrap": True, "overflow": "ellipsis"}
                if self._console.is_terminal and not why
                else {"soft_wrap": True}
            )
            self._console.print(Text(line), **shape)

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        with self._lock:
            return self._state

    def has_said(self, why: str) -> bool:
        """Whether the last failure or end that was told had `why` for its reason, and so was told of in full."""
        with self._lock:
            return bool(why) and self._why == why

    def signal(self, signal: Signal) -> None:
        """Take a transient signal."""
        if isinstance(signal, Notice):
            self._console.print(Text(f"note: {clean(signal.text)}"), soft_wrap=True)
            return
        if isinstance(signal, Differs):
            self.on_difference(signal)
            return
        if not hasattr(signal, "call_id"):
            self._doing = signal.text

    def trying_again(self, now: tuple[str, Again] | None) -> None:
        """Take who is not answered and the retry that is under way, None where all is well."""
        begins, self._again = self._again is None, now
        if now is not None and begins and time.monotonic() - self._told_again >= QUIET:
            self._told_again = time.monotonic()
            self._console.print(Text(_retried(now)))

    @contextmanager
    def quiet(self) -> Iterator[Console]:
        """Keep the living line off while somebody is asked something."""
        running = self._live.is_started
        self._live.stop()
        try:
            yield self._console
        finally:
            if running:
                self._live.start()

    def _now(self) -> Text:
        with self._lock:
            state = self._state
        step = state.current
        words = f"  {self._doing or 'starting'}"
        if step is not None:
            words = f"  step {step.number}: {self._doing}"
        running = sum(1 for call in state.calls.values() if call.phase == "running")
        if running:
            words += f", {len(state.calls) - running} of {count(len(state.calls), 'worker call')} done"
        if self._again is not None:
            words += f" ({_retried(self._again)})"
        return Text(words, style="dim", overflow="ellipsis", no_wrap=True)


def _retried(now: tuple[str, Again]) -> str:
    who, again = now
    return f"the {who} does not answer, trying again: {again.retry} of {again.most}"


def _why(event: ev.Event) -> str:
    """Why the supervisor failed or the session ended; "" of any other event."""
    match event:
        case ev.SupervisorFailed():
            return event.error
        case ev.SessionFinished():
            return event.reason
        case _:
            return ""


def told(event: ev.Event, state: SessionState, *, said: str = "") -> str:
    """What to say of an event, on one line; nothing for most.

    Args:
        state: the session with the event in it.
        said: the reason that was told last, which is not told again.
    """
    match event:
        case ev.SessionStarted():
            models = f"supervisor {_brief(event.supervisor)}, worker {_brief(event.worker)}"
            return f"{models}, {event.document.chars:,} characters, {_walled(event.isolation)}"
        case ev.SessionResumed():
            return f"goes on, {_walled(event.isolation)}"
        case ev.SupervisorReplied():
            cached = ", cached" if event.cached else ""
            used = f"{event.usage.prompt_tokens:,}+{event.usage.completion_tokens:,} tokens"
            return f"step {event.step}: reply in {event.elapsed:.1f} s, {used}{cached}: {_brief(event.text)}"
        case ev.SupervisorFailed() if event.cut:
            return f"step {event.step}: {_flat(event.error)}, before the supervisor had replied"
        case ev.SupervisorFailed():
            return f"step {event.step}: the supervisor failed: {_flat(event.error)}"
        case ev.ReplyRejected():
            return f"step {event.step}: no code to run: {IN_WORDS.get(event.problem, event.problem)}"
        case ev.CellFinished():
            return _of_cell(event, state)
        case ev.DecisionMade(action=action) if action not in ("approve", "accept"):
            why = _brief(event.guidance or event.reason)
            return f"step {event.step}: {action} by {_brief(event.by)}" + (f": {why}" if why else "")
        case ev.SessionFinished():
            cost = "" if event.cost is None else f", ${event.cost:.4f}"
            why = "" if event.reason == said else f": {_flat(event.reason)}"
            steps = count(event.iterations, "step")
            return f"{event.status} after {steps}, {event.elapsed:.1f} s{cost}{why}"
        case _:
            return ""


def _walled(isolation: str) -> str:
    return f"isolation {_brief(isolation)}" + (f" ({NO_WALL.text})" if isolation == "none" else "")


def _of_cell(event: ev.CellFinished, state: SessionState) -> str:
    cell = state.cells[event.cell_id]
    errors = [call.error or "" for name in cell.calls if (call := state.calls[name]).phase == "failed"]
    calls = f", {count(len(cell.calls), 'worker call')}" if cell.calls else ""
    if errors:
        calls += f" ({len(errors)} failed: {_brief(errors[0])})"
    last = (event.traceback or "").strip().rsplit("\n", 1)[-1]
    words = last or _last_line(cell.text())
    return f"step {event.step}: cell {event.status} in {event.elapsed:.1f} s{calls}: {_brief(words)}"


def _last_line(text: str) -> str:
    lines = text[-2000:].strip().splitlines()
    return lines[-1] if lines else "no output"


def _brief(text: str) -> str:
    flat = _flat(text[: WIDTH * 4])
    return flat if len(flat) <= WIDTH else flat[: WIDTH - 1] + "…"


def _flat(text: str) -> str:
    return " ".join(clean(text).split())
