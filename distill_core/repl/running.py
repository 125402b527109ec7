"""One cell while it runs: its clock, its calls, what it wrote, and how it is made to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from distill_core.errors import ReplError
from distill_core.events import CellStatus, Final
from distill_core.models.base import MOST
from distill_core.repl.capture import Written
from distill_core.repl.protocol import (
    Answered,
    Done,
    PrimitiveRequest,
    WorkerRequest,
    refusal,
)
from distill_core.repl.values import CellResult, ReplLimits, WorkerCall

Stop: TypeAlias = Literal["interrupted", "timeout"]
Request: TypeAlias = WorkerRequest | PrimitiveRequest
Answering: TypeAlias = Callable[[], Coroutine[Any, Any, dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], None]


class Process(Protocol):
    """What can be done with a process."""

    @property
    def pid(self) -> int:
        """Its id, as the host counts."""

    def cpu_seconds(self) -> float:
        """Processor time that it has used."""

    def interrupt(self) -> None:
        """Ask what it runs to stop."""

    def kill(self) -> None:
        """End it, now."""

    def freeze(self) -> None:
        """Let none of its threads run."""

    def thaw(self) -> None:
        """Let them run again."""


STOPPED = "the cell was stopped"

_REQUESTS = 2048
_MOST_DROPPED = MOST // 2
"""Characters. What comes of it with those that this side counted is a number that every reader of a log can hold."""
_BEGIN_SECONDS = 3.0
"""Time that the child has for turning to a cell. It has nothing else to do, unless something of an earlier one is
still at work."""


class Aftermath(NamedTuple):
    """What stands ready after a process was lost.

    Args:
        restarted: whether all variables are gone.
        words: what they are now, as a sentence.
    """

    restarted: bool
    words: str


class Clock:
    """Wall time, and of it the active time, in seconds.

    Active is what was not spent with a call to the host outstanding, and of that only what the child computed
    meanwhile: a thread cannot work for nothing behind another's call.

    Args:
        cpu: processor time of the child so far.
    """

    def __init__(self, cpu: Callable[[], float]) -> None:
        self.started = time.perf_counter()
        self._cpu = cpu
        self._since = self.started
        self._cpu_since = 0.0
        self._active = 0.0
        self._waiting = 0

    def wait(self) -> None:
        """A call goes out."""
        self._waiting += 1
        if self._waiting == 1:
            now = time.perf_counter()
            self._active += now - self._since
            self._since = now
            self._cpu_since = self._cpu()

    def resume(self) -> None:
        """A call has come back."""
        if self._waiting == 1:
            self._active = self.active
            self._since = time.perf_counter()
        self._waiting -= 1

    @property
    def active(self) -> float:
        """Active time so far."""
        wall = time.perf_counter() - self._since
        return self._active + (min(wall, self._cpu() - self._cpu_since) if self._waiting else wall)

    @property
    def elapsed(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self.started


class RunningCell:
    """A cell from its start to its result.

    Args:
        number: the child's name for it.
        seconds: its active time; None for no limit.
        written: gets what it writes.
        process: what runs it.
    """

    def __init__(
        self,
        number: int,
        limits: ReplLimits,
        seconds: float | None,
        written: Written,
        process: Process,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.number = number
        self.written = written
        self.fault: Exception | None = None
        self.over = False
        self.calls: list[WorkerCall | None] = []
        self.begun = False
        self._limits = limits
        self._seconds = seconds
        self._process = process
        self._clock = Clock(process.cpu_seconds)
        self._waiter: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._requested: dict[type[Request], int] = {WorkerRequest: 0, PrimitiveRequest: 0}
        self._chars = 0
        self._stop: Stop | None = None
        self._ignored = False
        self._final: Final | None = None
        self._done: Done | None = None
        self._lost: str | None = None
        soon = _BEGIN_SECONDS if seconds is None else min(seconds, _BEGIN_SECONDS)
        self._timer = self._loop.call_later(max(soon, 0.0), self._look)

    def begin(self, number: int) -> None:
        """The child has turned to it."""
        if number != self.number or self.begun:
            raise ReplError("the REPL's process broke its protocol", found="the beginning of another cell")
        self.begun = True

    async def ended(self) -> None:
        """Wait until it is over, whatever becomes of the one who waits. One may wait at a time."""
        if not self.over:
            self._waiter = self._loop.create_future()
            await self._waiter

    def _look(self) -> None:
        """See to its limits, and look again when the next one would be reached if no call came between."""
        if not self.begun:
            left = _BEGIN_SECONDS - self._clock.elapsed
            if left <= 0:  # it is still at an earlier cell, whatever it said
                self._process.kill()
                return
        elif self._seconds is None:
            return
        else:
            left = self._seconds - self._clock.active
            if left <= 0:
                self.stop("timeout")
                return
        self._timer = self._loop.call_later(max(left, 0.01), self._look)

    def stop(self, why: Stop) -> None:
        """Interrupt the cell; kill the child if that does not end it in time."""
        if self._stop is None and not self.over:
            self._stop = why
            self._timer.cancel()
            for task in list(self._tasks):
                task.cancel()
            self._process.interrupt()
            self._timer = self._loop.call_later(self._limits.grace_seconds, self._give_up)

    def _give_up(self) -> None:
        self._ignored = True
        self._process.kill()

    def serve(self, request: Request, answer: Answering, send: Send) -> None:
        """Work on a call of the child, and send it the answer; a cell that is to stop gets a refusal."""
        if len(self._tasks) >= _REQUESTS:
            raise ReplError("the REPL's process broke its protocol", found="too many calls at once")
        self._clock.wait()
        task = self._loop.create_task(self._serve(answer, send))
        self._tasks.add(task)
        task.add_done_callback(partial(self._served, request, send))

    async def _serve(self, answer: Answering, send: Send) -> None:
        try:
            send(await answer())
        except Exception as error:  # noqa: BLE001 - `execute` raises it; the cell must not wait for ever
            self.fault = error
            self._process.kill()

    def _served(self, request: Request, send: Send, task: asyncio.Task[None]) -> None:
        # Not within the task: one that is cancelled before its first step never runs at all.
        self._tasks.discard(task)
        self._clock.resume()
        if task.cancelled():
            send(refusal(request, STOPPED))

    @property
    def stopping_asked(self) -> bool:
        """Whether it has been asked to stop."""
        return self._stop is not None

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to stop, or has stopped."""
        return self._stop is not None or self.over

    def objection(self, request: Request) -> str | None:
        """Why the cell may not make this call; None if it may, and then it counts."""
        calls = len(request.prompts) if isinstance(request, WorkerRequest) else 1
        if not calls:
            raise ReplError("the REPL's process broke its protocol", found="a call that asks nothing")
        kind, requested = type(request), self._requested
        limit = self._limits.worker_calls
        if limit is not None and requested[kind] + calls > limit:
            return f"a cell may make {limit:,} {'worker' if kind is WorkerRequest else 'primitive'} calls"
        chars = request.weigh()
        if isinstance(chars, str):
            return chars
        if self._chars + chars > self._limits.call_chars:
            return f"a cell may hand over {self._limits.call_chars:,} characters"
        requested[kind] += calls
        self._chars += chars
        return None

    def answered(self, frame: Answered) -> None:
        """FINAL was called."""
        if self._final is not None or len(frame.text) > self._limits.final_chars:
            raise ReplError("the REPL's process broke its protocol", found="an answer that may not be given")
        if frame.text != (frame.value if isinstance(frame.value, str) else str(frame.value)):
            raise ReplError("the REPL's process broke its protocol", found="an answer with two texts")
        self._final = Final(value=frame.value, text=frame.text)

    def finish(self, done: Done) -> None:
        """The child says that the cell has ended."""
        if done.cell != self.number or done.dropped > _MOST_DROPPED:
            raise ReplError("the REPL's process broke its protocol", found="the end of another cell")
        self._done = done
        self._end()

    def lose(self, why: str) -> None:
        """The child is gone."""
        self._lost = why
        self._end()

    def _end(self) -> None:
        self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        self.over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def result(self, aftermath: Aftermath | None) -> CellResult:
        """What came of it; `aftermath` says what stands ready where the process was lost."""
        elapsed, active = self._clock.elapsed, self._clock.active
        dropped = self.written.dropped + (self._done.dropped if self._done is not None else 0)
        if dropped:
            kept = self._limits.output_chars
            self.written.say(f"\n[… {dropped:,} characters of output dropped: a cell keeps {kept:,}]\n")
        return CellResult(
            status=self._status(),
            output=self.written.output(),
            traceback=self._traceback(aftermath),
            final=self._final,
            worker_calls=tuple(call for call in self.calls if call is not None),
            elapsed=elapsed,
            active=active,
            dropped=dropped,
            restarted=aftermath is not None and aftermath.restarted,
            restored=aftermath is not None and not aftermath.restarted,
        )

    def _status(self) -> CellStatus:
        if self._done is None:
            return "killed"
        if self._final is not None:
            return "final"
        if self._stop is not None:
            return self._stop
        return "ok" if self._done.error is None else "error"

    def _traceback(self, aftermath: Aftermath | None) -> str | None:
        if self._done is None:
            return self._epitaph() + (f" {aftermath.words}\n" if aftermath is not None else "\n")
        error = self._done.error
        if self._stop == "timeout" and self._final is None:
            limit = f"The cell was stopped: its {self._seconds:g} s of active time were used up.\n"
            return (error or "") + limit
        return error

    def _epitaph(self) -> str:
        why = self._lost or "the process is gone"
        if self._ignored:
            asked = "its time was used up" if self._stop == "timeout" else "it was interrupted"
            why = f"{asked} and it did not stop within {self._limits.grace_seconds:g} s"
        return f"The cell was killed: {why}."
