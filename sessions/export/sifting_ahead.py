"""Sessions sifted by a process a core, of which this one, which writes, is the first.

What comes through the pipes is what the same code makes in this process, in the same order. Where the other processes
cannot be had, or die, their work is done here. They are ended when they have nothing more to do, and end by themselves
when nobody reads from them any more.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import accumulate, islice
from typing import BinaryIO

import msgspec

from sessions.export.others import begun
from sessions.export.plan import Plan
from sessions.export.rows import Left
from sessions.export.selecting import Source
from sessions.export.several import Several
from sessions.export.sifting import Prepared, Sieve

WORTH_IT = 32 << 20
"""Bytes of log from which the start of other processes pays."""
AT_MOST = 8
"""Processes; whoever writes keeps no more of them busy."""
_GC = (100_000, 50, 100)
_KEPT = 8 << 20
"""Bytes: more than anything that is made for a session of a usual size, and twice as many are kept at most."""
_AHEAD = 3
"""Sessions that each of the others is given before the first of them is done: with two, one waited now and then while
this process was at one of its own."""
_AT_HAND = 4
"""Sessions that this process does before their turn, at most,"""
_BYTES_AT_HAND = 4 << 20
"""and bytes of the log of each."""
_SIZE = 8
"""Bytes that tell the length of what follows."""


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    """What is left out of a session, or after that some of its rows; with the `last` of them, what was found in all."""

    left: list[Left]
    rows: list[Several]
    last: bool = False
    fingerprint: str = ""
    redacted: dict[str, int] = msgspec.field(default_factory=dict)
    beside: tuple[str, ...] = ()

    def told(self) -> Iterator[Left | Several]:
        """All of it, in order."""
        yield from self.left
        yield from self.rows


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Batch)


def pays(plan: Plan, *, worth_it: int = WORTH_IT) -> bool:
    """Whether other processes can sift for `plan`, and it is large enough for it."""
    from sessions.home import sizes  # of no use to the other processes

    possible = (
        (os.cpu_count() or 1) > 1
        and plan.format.storage != "files"
        and plan.near is None
        and len(plan.sources) > 1
    )
    so_far = accumulate(sum(sizes(source.folder)) for source in plan.sources) if possible else ()
    return any(size >= worth_it for size in so_far)


class _Helper:
    """Another process, and the places that it was given to do, in order."""

    def __init__(self, plan: Plan) -> None:
        self.process = begun(partial(_serve, plan), "sessions.export.sifting_ahead")
        self.todo: deque[int] = deque()
        self._buffer = bytearray(_SIZE)

    def give(self, what: bytes) -> None:
        """Tell it something."""
        if self.process is not None:
            self.process.tell(what)

    def has_come(self) -> bool:
        """Whether something of it can be read at once: also that it is there no more."""
        if self.process is None:
            return True
        look = select.poll()  # which takes descriptors of any number
        look.register(self.process.hears, select.POLLIN)
        return bool(look.poll(0))

    def batch(self) -> _Batch | None:
        """What it tells next; None where it is there no more."""
        head = self._read(_SIZE)
        data = self._read(int.from_bytes(head, "big")) if head else b""
        return _decoder.decode(data) if data else None

    def _read(self, size: int) -> memoryview | bytes:
        """So many bytes, or none at all; they are there until the next ones are read."""
        if self.process is None:
            return b""
        if size > len(self._buffer):
            self._buffer = bytearray(size)
        data, got = memoryview(self._buffer)[:size], 0
        while got < size and (read := os.readv(self.process.hears, [data[got:]])):
            got += read
        return data if got == size else b""

    def dismiss(self) -> None:
        """Have it end, as there is nothing more to do: nobody waits for that until everything is written."""
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        """End it."""
        process, self.process = self.process, None
        if process is not None:
            process.end()


class _Done(msgspec.Struct, frozen=True):
    """What was made of a session here, before its turn."""

    told: list[Prepared]
    fingerprint: str
    redacted: Counter[str]
    beside: tuple[str, ...]


class Ahead:
    """Other processes that sift sessions of a plan, ahead of this one.

    Each is given a few places, and another when one is done. While what comes next is not there yet, this process does
    the first that nobody has, so that none waits for another, however their shares of a core differ.

    Args:
        plan: what is exported.
        first: the place among its sources from which on they are sifted.
        processes: how many with this one; default one a core.
    """

    def __init__(self, plan: Plan, first: int = 0, processes: int | None = None) -> None:
        count = processes or min(os.cpu_count() or 1, AT_MOST)
        self._plan = plan
        self._next = first
        """The first place that nobody has."""
        self._who: dict[int, _Helper] = {}
        self._own: dict[int, _Done] = {}
        # All are begun before any is told what to do, which it hears only once it has come up.
        self._helpers = [_Helper(plan) for _ in range(1, count)]
        for helper in self._helpers:
            if helper.process is not None and not helper.process.copied:
                helper.give(pickle.dumps(plan))

    def prepared(self, place: int, source: Source, sieve: Sieve) -> Iterator[Prepared]:
        """What `Sieve.prepare_together` gives for the source at `place`; they are asked for one after the other.

        Args:
            sieve: does the work where no other process does.
        """
        if place == self._next:
            self._next += 1
        self._share()
        helper = self._who.pop(place, None)
        if helper is None:
            yield from self._done_here(place, source, sieve)
            return
        while not helper.has_come() and self._do_another(sieve):
            pass
        passed = 0
        while (batch := helper.batch()) is not None:
            if batch.last:
                helper.todo.popleft()
                self._share()
                if not helper.todo:
                    helper.dismiss()
            yield from batch.told()
            passed += len(batch.left) + len(batch.rows)
            if batch.last:
                sieve.fingerprint = batch.fingerprint
                sieve.redacted, sieve.beside = Counter(batch.redacted), batch.beside
                return
        helper.end()
        yield from islice(sieve.prepare_together(source), passed, None)

    def _share(self) -> None:
        """Give others something to do."""
        for helper in self._helpers:
            while helper.process and len(helper.todo) < _AHEAD and self._next < len(self._plan.sources):
                helper.todo.append(self._next)
                self._who[self._next] = helper
                helper.give(self._next.to_bytes(_SIZE, "big"))
                self._next += 1

    def _done_here(self, place: int, source: Source, sieve: Sieve) -> Iterator[Prepared]:
        done = self._own.pop(place, None)
        if done is None:
            yield from sieve.prepare_together(source)
            return
        yield from done.told
        sieve.fingerprint, sieve.redacted, sieve.beside = done.fingerprint, done.redacted, done.beside

    def _do_another(self, sieve: Sieve) -> bool:
        """Do the first session that nobody has, and keep what comes of it; False where there is none to be kept."""
        from sessions.home import sizes

        if self._next >= len(self._plan.sources) or len(self._own) >= _AT_HAND:
            return False
        source = self._plan.sources[self._next]
        if sum(sizes(source.folder)) > _BYTES_AT_HAND:
            return False
        told = list(sieve.prepare_together(source))
        self._own[self._next] = _Done(told, sieve.fingerprint, sieve.redacted, sieve.beside)
        self._next += 1
        return True

    def close(self) -> None:
        """End the other processes."""
        for helper in self._helpers:
            helper.end()


def keep_freed_memory() -> None:
    """Have freed memory kept for what comes next, by glibc and from now on.

    From a block so large that was freed once it takes it that such are wanted again (`M_MMAP_THRESHOLD` in mallopt(3)).
    Else each session's memory is given back, and the system clears every page of it for the next one.
    """
    bytes(_KEPT)  # whose pages are not touched, as those of a bytearray are


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for cycles seldom: what is made for a row goes with it, and cycles are few."""
    before = gc.get_threshold()
    gc.set_threshold(*_GC)
    try:
        yield
    finally:
        gc.set_threshold(*before)


# ---------------------------------------------------------------- the other side


def batches(sieve: Sieve, source: Source) -> Iterator[_Batch]:
    """What `Sieve.prepare_together` gives, in batches: of each, what is left out before what is not."""
    left: list[Left] = []
    for one in sieve.prepare_together(source):
        if isinstance(one, Left):
            left.append(one)
        elif isinstance(one, Several):
            yield _Batch(left, [one])
            left = []
    yield _Batch(
        left,
        [],
        last=True,
        fingerprint=sieve.fingerprint,
        redacted=dict(sieve.redacted),
        beside=sieve.beside,
    )


def _serve(plan: Plan, asked: BinaryIO, given: BinaryIO) -> None:
    """Sift the sources of `plan` whose places are asked for, and write what comes of them."""
    keep_freed_memory()
    sieve, data = Sieve(plan), bytearray()
    with suppress(BrokenPipeError), collecting_seldom():
        while place := asked.read(_SIZE):
            for batch in batches(sieve, plan.sources[int.from_bytes(place, "big")]):
                _encoder.encode_into(batch, data, _SIZE)
                data[:_SIZE] = (len(data) - _SIZE).to_bytes(_SIZE, "big")
                given.write(data)
            given.flush()


def main() -> None:
    """Sift for the plan that stands on stdin what stands there after it, and write what comes of it to stdout."""
    given = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _serve(pickle.load(sys.stdin.buffer), sys.stdin.buffer, given)


if __name__ == "__main__":
    main()
