"""Sessions sifted by a process a core, of which this one, which writes, is the first: each takes every n-th of a plan.

What comes through the pipes is what the same code makes in this process, in the same order. Where the other processes
cannot be had, or die, their work is done here. They end when nobody reads from them any more.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate, islice
from typing import IO

import msgspec

from sessions.export.plan import Plan
from sessions.export.rows import Left
from sessions.export.selecting import Source
from sessions.export.several import Several, several
from sessions.export.sifting import Kept, Sieve

WORTH_IT = 32 << 20
"""Bytes of log from which the start of other processes pays."""
AT_MOST = 8
"""Processes; whoever writes keeps no more of them busy."""
_GC = (100_000, 50, 100)
"""When to look for cycles: what is made for a row goes with it, and cycles are few."""
_ROWS = 500
"""Rows of a session that are passed on at once, at most,"""
_BYTES = 4 << 20
"""and bytes from which on no more are added."""
_PIPE = 1 << 20
_SIZE = 8
"""Bytes that tell the length of what follows."""


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    """What is left out of a session, or after that some of its rows; with the `last` of them, what was found in all."""

    left: list[Left]
    rows: Several
    last: bool = False
    redacted: dict[str, int] = msgspec.field(default_factory=dict)
    beside: tuple[str, ...] = ()

    def told(self) -> Iterator[Left | Several]:
        """All of it, in order."""
        yield from self.left
        if self.rows.keys:
            yield self.rows


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


class Ahead:
    """Other processes that sift sessions of a plan, ahead of this one.

    Args:
        plan: what is exported.
        first: the place among its sources from which on they are sifted.
        processes: how many with this one; default one a core.
    """

    def __init__(self, plan: Plan, first: int = 0, processes: int | None = None) -> None:
        count = processes or min(os.cpu_count() or 1, AT_MOST)
        self._first = first
        self._gc = gc.get_threshold()
        gc.set_threshold(*_GC)
        # All are begun before any is told what to do, which it hears only once it has come up.
        self._processes = [None, *(_started() for _ in range(1, count))]
        for part, process in enumerate(self._processes):
            if process is not None and process.stdin is not None:
                with suppress(OSError), process.stdin as asked:
                    pickle.dump((plan, range(first + part, len(plan.sources), count)), asked)

    def prepared(self, place: int, source: Source, sieve: Sieve) -> Iterator[Left | Several]:
        """What `Sieve.prepare` gives for the source at `place`; they are asked for one after the other.

        Args:
            sieve: does the work where no other process does.
        """
        part = (place - self._first) % len(self._processes)
        passed = 0
        while (batch := self._next(part)) is not None:
            yield from batch.told()
            passed += 1
            if batch.last:
                sieve.redacted, sieve.beside = Counter(batch.redacted), batch.beside
                return
        self._end(part)
        for batch in islice(batches(sieve, source), passed, None):
            yield from batch.told()

    def _next(self, part: int) -> _Batch | None:
        process = self._processes[part]
        if process is None or process.stdout is None:
            return None
        head = process.stdout.read(_SIZE)
        size = int.from_bytes(head, "big")
        data = process.stdout.read(size) if len(head) == _SIZE else b""
        return _decoder.decode(data) if data and len(data) == size else None

    def _end(self, part: int) -> None:
        process, self._processes[part] = self._processes[part], None
        if process is not None:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()
            process.wait()

    def close(self) -> None:
        """End the other processes."""
        gc.set_threshold(*self._gc)
        for part in range(len(self._processes)):
            self._end(part)


def _started() -> subprocess.Popen[bytes] | None:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sessions.export.sifting_ahead"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
    except OSError:
        return None
    _widen(process.stdin)
    _widen(process.stdout)
    return process


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold a plan, or some sessions, so that whoever writes to it need not wait at once."""
    try:
        import fcntl
    except ImportError:
        return
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


# ---------------------------------------------------------------- the other side


def batches(sieve: Sieve, source: Source) -> Iterator[_Batch]:
    """What `Sieve.prepare` gives, in batches: of each, what is left out before what is not."""
    left: list[Left] = []
    rows: list[Kept] = []
    size = 0
    for one in sieve.prepare(source):
        if isinstance(one, Kept):
            rows.append(one)
            size += len(one.line)
        if rows and (isinstance(one, Left) or len(rows) == _ROWS or size >= _BYTES):
            yield _Batch(left, several(rows))
            left, rows, size = [], [], 0
        if isinstance(one, Left):
            left.append(one)
    yield _Batch(left, several(rows), last=True, redacted=dict(sieve.redacted), beside=sieve.beside)


def main() -> None:
    """Sift for the plan that stands on stdin, and write what comes of it to stdout."""
    given = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    plan, places = pickle.load(sys.stdin.buffer)
    sieve = Sieve(plan)
    gc.set_threshold(*_GC)
    with suppress(BrokenPipeError):
        for place in places:
            for batch in batches(sieve, plan.sources[place]):
                data = _encoder.encode(batch)
                given.write(len(data).to_bytes(_SIZE, "big"))
                given.write(data)
            given.flush()


if __name__ == "__main__":
    main()
