"""A family of processes: the first one, which runs no cell where it can be copied, and copies of it and of each other.

A copy is a fork of an idle process, made where this side orders it and nowhere else. It has a line of its own, whose
other end tells by the kernel's word which process it is. Where anything about a copy is in doubt the whole family goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

from distill_core.errors import ReplError
from distill_core.isolation.asking import Warden
from distill_core.isolation.launch import Boundary
from distill_core.repl.handle import Handle, session_of
from distill_core.repl.handover import Context, Handover, shared_memory
from distill_core.repl.housekeeping import House
from distill_core.repl.node import Node
from distill_core.repl.process import Child
from distill_core.repl.protocol import Born, Buried, Copied, Ready, decode
from distill_core.repl.values import ReplLimits

_LARGE = 1 << 20
_COPY_SECONDS = 10.0
_BURY_SECONDS = 2.0
_END_SECONDS = 5.0
_ATTEMPTS = 3
_MOST_ENDED = 1000
_MOST_DISCARDED = 8
_LATER = 0.25
"""Seconds after which those are seen to that were ended on purpose, where there are not that many before."""
_CREDENTIALS = struct.Struct("iII")
_BORN_BYTES = 256


class NoCopy(ReplError):
    """A process could not be copied; nothing else is wrong."""


class _Refused(NoCopy):
    """The kernel was told to refuse a fork."""


class Family:
    """One life of a family, from the start of its first process to the end of all.

    Args:
        limits: bounds of the first process.
    """

    def __init__(self, limits: ReplLimits) -> None:
        self.dead = False
        self.no_copies: str | None = None
        self.root: Node
        self.nodes: set[Node] = set()
        self.out = self.err = -1
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._house: House | None = None
        self._warden: Warden | None = None
        self._copying = asyncio.Lock()
        self._burials: set[asyncio.Task[object]] = set()
        self._discarded = 0
        self._bereft: set[Node] = set()
        self._later: asyncio.TimerHandle | None = None
        self._begun = False
        self._why = ""

    # ------------------------------------------------------------ beginning

    async def open(self, context: Context, config: dict[str, Any], seed: int, boundary: Boundary) -> Ready:
        """Start the first process behind a boundary and give it everything; returns what it found out about itself.

        Raises:
            ReplError: it does not start, or does not get ready in time.
        """
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                ready = await self._opened(context, config, seed, boundary)
        except TimeoutError as error:
            raise ReplError(
                "the REPL's process did not get ready",
                found=f"nothing within {self._limits.start_seconds:g} s",
            ) from error
        except OSError as error:
            raise ReplError("the REPL's process cannot be started", found=str(error)) from error
        self.no_copies = (
            ready.no_copies if hasattr(os, "pidfd_open") else "this system has no handles on processes"
        )
        self._begun = True
        assert self._child is not None
        self._house = House(self._child, self.nodes, self.root, lambda: self.no_copies is None)
        self._keeper = self._loop.create_task(self._house.keep())
        return ready

    async def _opened(self, context: Context, config: dict[str, Any], seed: int, boundary: Boundary) -> Ready:
        document = shared_memory()
        try:
            child = self._child = Child(seed, document, boundary)
            self.out, self.err = child.out, child.err
            self.root = Node(child, child.socket, self._limits.frame_bytes)
            self.nodes.add(self.root)
            await self.root.connect()
            self._watcher = self._loop.create_task(self._watch(child))
            self._loop.add_reader(child.hatch, self._listener_came, child.hatch)
            handed = await _written(context, document)
            message = {"fd": document, "kind": handed.kind, "chars": handed.chars, "widest": handed.widest}
            orders = boundary.orders(child.scratch, child.witness)
            ready = await self.root.ask({**config, "document": message, "isolation": orders}, Ready)
            child.settle()
            return ready
        finally:
            if self._child is not None:
                self._loop.remove_reader(self._child.hatch)
            os.close(document)

    def _listener_came(self, hatch: socket.socket) -> None:
        """The first process hands over the descriptor by which it asks; it trusts its own code up to then."""
        self._loop.remove_reader(hatch)
        _, descriptors, _, _ = socket.recv_fds(hatch, 1, 1)
        if descriptors:
            self._warden = Warden(descriptors[0])
            hatch.send(b".")

    # ------------------------------------------------------------ copies

    async def copy(self, source: Node, *, keep: bool, pipes: Sequence[int] = ()) -> Node:
        """A copy of an idle process, as it is now.

        Args:
            source: which.
            keep: whether the copy is to be frozen until it is asked something.
            pipes: writing ends for its output, (both streams, descriptor 2); none to go on with its original's.

        Raises:
            NoCopy: none could be made; nothing is lost.
            ReplError: something is wrong with the family, and it was ended; or it is gone.
        """
        if self.no_copies is not None:
            raise NoCopy("no copy of the REPL's process can be made", found=self.no_copies)
        making = self._loop.create_task(self._made(source, keep, pipes))
        try:
            node = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_abandon)
            raise
        return node

    async def _made(self, source: Node, keep: bool, pipes: Sequence[int]) -> Node:
        assert self._house is not None
        async with self._house.tidying:
            pass  # what comes next is not to write while the scratch folder is being emptied
        async with self._copying:
            for attempt in range(_ATTEMPTS):
                try:
                    return await self._attempted(source, keep, pipes)
                except NoCopy as error:
                    # A signal that comes in the midst of a fork makes it begin anew, which is one fork too many.
                    if not isinstance(error, _Refused) or attempt == _ATTEMPTS - 1:
                        raise
                except (
                    OSError
                ) as error:  # this side has no descriptors left, say; a copy whose line is closed ends
                    raise NoCopy("no copy of the REPL's process could be made", found=str(error)) from error
        raise AssertionError("unreachable")

    async def _attempted(self, source: Node, keep: bool, pipes: Sequence[int]) -> Node:
        with _line() as (ours, theirs):
            if self._warden is not None:
                self._warden.expect_fork(source.process.pid)
            try:
                inner = await self._ordered(source, theirs, keep, pipes)
                async with asyncio.timeout(_COPY_SECONDS):
                    pid = await self._reported(ours)
                if pid is None:
                    raise NoCopy("no copy of the REPL's process could be made", found="it ended at once")
                node = self._known(source, pid, ours)
                if keep:
                    node.freeze()
                else:
                    await node.connect()
            except NoCopy:
                if self._warden is not None and self._warden.expect_none():
                    await self._purge(source)
                raise
            except (ReplError, TimeoutError) as error:
                self.kill()
                await asyncio.wait([self.root.gone], timeout=_END_SECONDS)
                raise ReplError("a copy of the REPL's process did not report", found=str(error)) from error
            finally:
                if self._warden is not None:
                    self._warden.expect_none()
        node.inner = inner
        return node

    async def _ordered(self, source: Node, theirs: socket.socket, keep: bool, pipes: Sequence[int]) -> int:
        """Order a copy; returns its process id as its family counts, 0 where the original is gone meanwhile."""
        fds = (theirs.fileno(), *pipes)
        order = {"op": "copy", "fds": len(fds), "rehearse": keep}
        try:
            answer = await source.ask(order, Copied, _COPY_SECONDS, fds)
        except (ReplError, TimeoutError):
            # Once it is gone, its copy reports if there is one, and else the line is closed.
            source.process.kill()
            await asyncio.wait([source.gone], timeout=_END_SECONDS)
            return 0
        finally:
            theirs.close()
        if answer.pid is None:
            kind = _Refused if self._warden is not None and answer.refused else NoCopy
            raise kind("no copy of the REPL's process could be made", found=answer.error)
        return answer.pid

    async def _purge(self, source: Node) -> None:
        """A fork was let through and no copy is known: end whatever may have come of it."""
        if self._child is None:  # the whole family has been ended meanwhile
            return
        known = {node.process.pid for node in self.nodes} | {self._child.group}
        for pid in await asyncio.to_thread(session_of, self._child.group):
            if pid not in known:
                with contextlib.suppress(OSError):
                    stranger = Handle(pid)
                    if os.getsid(pid) == self._child.group:
                        stranger.kill()
                    stranger.release()
        if not source.dead:
            await self._buried(source)

    async def _reported(self, ours: socket.socket) -> int | None:
        """The process that speaks first on a new line, by the kernel's word; None if that was closed."""
        room = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            try:
                data, extra, _, _ = ours.recvmsg(_BORN_BYTES, room)
            except BlockingIOError:
                await _readable(ours)
                data, extra, _, _ = ours.recvmsg(_BORN_BYTES, room)
        except ConnectionResetError:
            return None
        if not data:
            return None
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        told = [
            body
            for level, kind, body in extra
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
        ]
        right = len(data) > 4 and len(data) == 4 + int.from_bytes(data[:4], "big")
        if len(told) != 1 or not right or not isinstance(decode(data[4:]), Born):
            raise ReplError("the REPL's process broke its protocol", found="the first word of a copy")
        pid, _, _ = _CREDENTIALS.unpack(told[0])
        return int(pid)

    def _known(self, source: Node, pid: int, ours: socket.socket) -> Node:
        """A copy that has reported, held firmly."""
        if any(node.process.pid == pid for node in self.nodes):
            raise ReplError("the REPL's process broke its protocol", found="it speaks for a copy of its")
        try:
            handle = Handle(pid)
        except OSError as error:
            raise NoCopy("no copy of the REPL's process could be made", found=str(error)) from error
        try:
            assert self._child is not None
            if os.getsid(pid) != self._child.group:
                raise ProcessLookupError
        except ProcessLookupError as error:
            handle.release()
            raise NoCopy("no copy of the REPL's process could be made", found="it ended at once") from error
        node = Node(handle, ours, self._limits.frame_bytes, source)
        self.nodes.add(node)
        handle.when_ended(lambda: self._lost(node))
        return node

    # ------------------------------------------------------------ ends

    def _lost(self, node: Node) -> None:
        """A copy has ended: find out how, and tell."""
        self.nodes.discard(node)
        if node in self._bereft:  # its own go to the first process
            self._bereft.remove(node)
            self._bereft.add(self.root)
        if not node.discarded or self.dead:
            self._see_to(self._bury(node))
            return
        parent = node.parent
        self._bereft.add(self.root if parent is None or parent.dead else parent)
        self._discarded += 1
        node.mourn("it was given up")
        if self._discarded >= _MOST_DISCARDED:
            self._bury_discarded()
        elif self._later is None:
            self._later = self._loop.call_later(_LATER, self._bury_discarded)

    def _see_to(self, work: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(work)
        self._burials.add(task)
        task.add_done_callback(self._burials.discard)

    def _bury_discarded(self) -> None:
        """Have those seen to that were ended on purpose: several at once, for each asks for a turn of a process."""
        self._forget_later()
        if self.dead:
            return
        bereft, self._discarded = self._bereft, 0
        self._bereft = {parent for parent in bereft if parent.busy}
        for parent in bereft - self._bereft:
            self._see_to(self._buried(parent))
        if self._bereft:
            self._later = self._loop.call_later(_LATER, self._bury_discarded)

    def _forget_later(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def _bury(self, node: Node) -> None:
        status = None if self.dead else await self._status(node)
        node.mourn(node.violation or (self._why if self.dead else _cause(status)))

    async def _status(self, node: Node) -> int | None:
        """How a copy ended, as the process knows that stands for its parent; None where nobody does."""
        parent = node.parent
        if parent is not None and parent is not self.root and not parent.dead:
            if parent.busy:
                return None  # it sees to it later
            if (status := await self._buried(parent, node.inner)) is not None:
                return status
        return await self._buried(self.root, node.inner)

    async def _buried(self, parent: Node, inner: int = 0) -> int | None:
        """Let a process see to its copies that have ended; returns how `inner` did, None if that is unknown."""
        try:
            answer = await parent.ask({"op": "bury"}, Buried, _BURY_SECONDS)
        except (ReplError, TimeoutError):
            return None
        if len(parent.ended) > _MOST_ENDED:
            parent.ended.clear()  # those are made up
        parent.ended.update(answer.ended[:_MOST_ENDED])
        return parent.ended.pop(inner, None)

    async def _watch(self, child: Child) -> None:
        """See the first process's end, whatever brought it about: it is the end of all."""
        status = await child.ended()
        self.dead = True
        if self._keeper is not None:
            self._keeper.cancel()
        if self._warden is not None:
            self._warden.close()
        self._why = self.root.violation or _cause(status)
        if not self._begun and (complaint := child.complaint()):
            self._why = f"{self._why}: {complaint}"
        self.nodes.discard(self.root)
        copies = list(self.nodes)
        for node in copies:
            node.process.kill()
        self.root.mourn(self._why)
        if copies:
            await asyncio.wait([node.gone for node in copies], timeout=_END_SECONDS)

    async def _end_copies(self) -> None:
        """End all but the first process, which sees to the rest of them: nobody else may."""
        copies = [node for node in self.nodes if node is not self.root]
        for node in copies:
            node.process.kill()
        if copies:
            await asyncio.wait([node.gone for node in copies], timeout=_END_SECONDS)
            await self._buried(self.root)

    def kill(self) -> None:
        """End all of it, now."""
        if self._child is not None:
            self._child.kill()

    async def close(self) -> None:
        """End all of it, wait until it is gone, give back everything."""
        if self._begun and not self.dead:
            await self._end_copies()
        self._forget_later()
        self.kill()
        if self._watcher is not None:
            await self._watcher
        elif self._child is not None:
            await self._child.ended()
        for task in list(self._burials):
            await task
        if self._child is not None:
            self._child.release()
            self._child = None


async def _written(context: Context, document: int) -> Handover:
    if context.size > _LARGE:
        return await asyncio.to_thread(context.write, document)
    return context.write(document)


@contextlib.contextmanager
def _line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a line; the first tells who speaks, and stays open if nothing goes wrong."""
    ours, theirs = socket.socketpair()
    try:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        yield ours, theirs
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()


async def _readable(sock: socket.socket) -> None:
    """Wait until there is something to read."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(sock, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sock)


def _abandon(making: asyncio.Task[Node]) -> None:
    """Nobody waits for this copy any more."""
    if not making.cancelled() and making.exception() is None:
        making.result().process.kill()


def _cause(status: int | None) -> str:
    if status is None:
        return "its process ended"
    if status >= 0:
        return f"its process ended with status {status}"
    try:
        return f"its process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"its process was ended by signal {-status}"
