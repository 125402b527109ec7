"""One process of a family as the host deals with it: its line, the cell that it runs, and what it is asked between."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Any, TypeVar

from distill_core.errors import ReplError
from distill_core.repl.calls import Calls
from distill_core.repl.capture import Capture, Written
from distill_core.repl.handle import Handle
from distill_core.repl.protocol import (
    Answered,
    Begun,
    Born,
    Buried,
    Copied,
    Done,
    Frame,
    Line,
    Listed,
    PrimitiveRequest,
    Ready,
    Reply,
    WorkerRequest,
    refusal,
    spelled,
)
from distill_core.repl.running import STOPPED, Process, RunningCell
from distill_core.repl.values import ReplLimits

_R = TypeVar("_R", bound=Reply)
_REPLIES, _CALLS = (Ready, Listed, Copied, Buried), (WorkerRequest, PrimitiveRequest)
_STIRRED = 2
_MOST_ASTRAY = 50_000
"""Calls in a row that nobody waits for: more than a cell may have had under way when it ended."""
_LAST_WORDS = 0.05
"""Seconds that a process whose line is closed has for ending by itself, so that its status tells how it ended."""


class Node:
    """A process that has a line.

    `stirred` is not 0 while it may have changed without anybody having looked.

    Args:
        process: the process.
        sock: the host's end of its line.
        frame_bytes: size of one message of its.
        parent: the one that it is a copy of; None for the first.
    """

    def __init__(
        self, process: Process, sock: socket.socket, frame_bytes: int, parent: Node | None = None
    ) -> None:
        self.process = process
        self.parent = parent
        self.inner = 0
        self.ended: dict[int, int] = {}
        self.cell: RunningCell | None = None
        self.violation: str | None = None
        self.why = ""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frozen = False
        self.stirred = _STIRRED
        self.discarded = False
        self._socket = sock
        self._line = Line(frame_bytes, self._on_frame, self._on_violation)
        self._calls: Calls | None = None
        self._capture: Capture | None = None
        self._connected = False
        self._asking = asyncio.Lock()
        self._awaited: tuple[type[Any], asyncio.Future[Any]] | None = None
        self._late: list[type[Any]] = []
        self._astray = 0

    async def connect(self) -> None:
        """Listen to its line, if that is not done yet: what is frozen says nothing."""
        if self._connected or self.dead:
            return
        self._connected = True
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._line, sock=self._socket)
        self._line.closed.add_done_callback(lambda _: self._line_closed(loop))
        if self.dead:
            self._line.abort()  # it ended meanwhile

    @property
    def dead(self) -> bool:
        """Whether it is gone."""
        return self.gone.done()

    @property
    def busy(self) -> bool:
        """Whether it runs a cell."""
        return self.cell is not None and not self.cell.over

    @property
    def idle(self) -> bool:
        """Whether it is waiting for an order, as far as this side wants anything of it."""
        return self.cell is None and not self._asking.locked()

    # ------------------------------------------------------------ cells

    def employ(self, calls: Calls, capture: Capture) -> None:
        """From here on it runs cells: their calls and their output go there."""
        self._calls, self._capture = calls, capture

    def start(
        self,
        number: int,
        code: str,
        query: str,
        seconds: float | None,
        written: Written,
        limits: ReplLimits,
    ) -> RunningCell:
        """Let it run a cell."""
        assert self._capture is not None
        self._astray = 0
        self.thaw()
        # The question goes with every cell: a process that was brought back to an earlier state must know it too.
        # It goes first: the process turns to it while this side gets ready to listen.
        self.tell({"op": "execute", "cell": number, "code": spelled(code), "query": query})
        self.cell = RunningCell(number, limits, seconds, written, self.process)
        self._capture.begin(written)
        return self.cell

    # ------------------------------------------------------------ orders

    def tell(self, order: dict[str, Any]) -> None:
        """Give an order that nothing is answered to here."""
        self._line.send(order)

    async def ask(
        self, order: dict[str, Any], kind: type[_R], seconds: float | None = None, fds: Sequence[int] = ()
    ) -> _R:
        """Give an order and wait for the answer; a frozen process runs as long as that takes.

        Args:
            order: the order.
            kind: what it is answered with.
            seconds: how long that may take.
            fds: descriptors to send along.

        Raises:
            ReplError: the process is gone, or does not take orders.
            TimeoutError: there was no answer in time.
        """
        async with self._asking:
            await self.connect()
            answer = self._expect(kind)
            frozen = self.frozen
            self.thaw()
            try:
                if fds:
                    self._line.send_with(self._socket, order, fds)
                else:
                    self._line.send(order)
                async with asyncio.timeout(seconds):
                    return await answer
            finally:
                if answer.cancel() or answer.cancelled():
                    self._late.append(kind)
                else:
                    answer.exception()  # where sending has failed already, nobody else asks for it
                if frozen and self.cell is None:  # it may have been given a cell meanwhile
                    self.freeze()

    def freeze(self) -> None:
        """Let it not run, until it is asked something."""
        if not self.dead and isinstance(self.process, Handle):
            self.frozen = True
            self.process.freeze()

    def thaw(self) -> None:
        """Let it run."""
        if self.frozen and isinstance(self.process, Handle):
            self.frozen = False
            self.stirred = _STIRRED
            self.process.thaw()

    def _expect(self, kind: type[_R]) -> asyncio.Future[_R]:
        answer: asyncio.Future[_R] = asyncio.get_running_loop().create_future()
        self._awaited = kind, answer
        if self.dead:
            self._fail("it is gone")
        return answer

    def _fail(self, why: str) -> None:
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_exception(ReplError("the REPL's process was lost", found=why))

    # ------------------------------------------------------------ its end

    def discard(self) -> None:
        """End it because it is of no use any more; how it ended then interests nobody."""
        self.discarded = True
        self.process.kill()

    def mourn(self, why: str) -> None:
        """It is gone: nothing that it owes will come any more."""
        self.why = self.why or why
        self.parent = None  # which has a parent of its own, and so on
        if not self.dead:
            self.gone.set_result(None)
        self._line.abort()
        with contextlib.suppress(OSError):
            self._socket.close()
        self._fail(why)

    def _line_closed(self, loop: asyncio.AbstractEventLoop) -> None:
        """A process that closed its line cannot be reached any more: it goes."""
        if not self.dead:
            loop.call_later(_LAST_WORDS, self.process.kill)

    # ------------------------------------------------------------ what it says

    def _on_frame(self, frame: Frame) -> None:
        cell = self.cell
        if isinstance(frame, _REPLIES):
            self._on_reply(frame)
        elif isinstance(frame, _CALLS):
            self._on_call(frame)
        elif cell is None or cell.over or isinstance(frame, Born):
            raise ReplError("the REPL's process broke its protocol", found="a result where no cell runs")
        elif isinstance(frame, Answered):
            cell.answered(frame)
        elif isinstance(frame, Begun):
            cell.begin(frame.cell)
        else:
            self._on_done(cell, frame)

    def _on_reply(self, frame: Reply) -> None:
        if type(frame) in self._late:
            self._late.remove(type(frame))  # of a question that was given up
            return
        if self._awaited is None or self._awaited[1].done() or not isinstance(frame, self._awaited[0]):
            raise ReplError("the REPL's process broke its protocol", found="an answer to no question")
        self._awaited[1].set_result(frame)

    def _on_call(self, request: WorkerRequest | PrimitiveRequest) -> None:
        cell, calls = self.cell, self._calls
        if cell is None or cell.stopping or calls is None or self._capture is None:
            self._astray += 1
            if self._astray > _MOST_ASTRAY:
                raise ReplError("the REPL's process broke its protocol", found="call after call of no cell")
            self._line.send(refusal(request, STOPPED))
            return
        self._capture.drain()
        if (why := cell.objection(request)) is not None:
            self._line.send(refusal(request, why))
        elif isinstance(request, PrimitiveRequest):
            args, kwargs = request.arguments()
            cell.serve(request, lambda: calls.perform(request, args, kwargs), self._line.send)
        else:
            cell.serve(request, lambda: calls.ask(request, cell.calls), self._line.send)

    def _on_done(self, cell: RunningCell, done: Done) -> None:
        if self._capture is not None:
            self._capture.end()
        cell.finish(done)

    def _on_violation(self, error: ReplError) -> None:
        self.violate(str(error))

    def violate(self, what: str) -> None:
        """It did what it may not do: it goes."""
        self.violation = what
        self.process.kill()
