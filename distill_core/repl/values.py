"""What goes into a REPL and what comes out: limits, results, and the errors that stand for a failed call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from distill_core.errors import DistillError
from distill_core.events import CellStatus, Final

StreamName: TypeAlias = Literal["stdout", "stderr"]

DATA_PACKAGES = ("numpy", "pandas", "scipy", "dateutil", "pytz", "tzdata", "six")


class WorkerError(DistillError):
    """A worker call failed; inside the REPL it becomes an ordinary exception (or value) of the same name."""


class ReplLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a REPL; None is no bound.

    Args:
        cell_seconds: active time of one cell; waiting for workers and primitives is not charged.
        grace_seconds: how long a cell may take to end after an interrupt before it is killed.
        memory_bytes: private memory beyond the context that cells may hold together.
        output_chars: characters of output kept per cell; the rest is dropped and counted.
        final_chars: characters of an answer.
        concurrency: worker calls in flight at once.
        worker_calls: worker calls of one cell, and as many calls of primitives.
        threads: threads of the child at once, its own included; kept where there is isolation.
        open_files: descriptors that the child may hold.
        scratch_bytes: size of one file that a cell writes and, where there is isolation, of all of them together.
        call_chars: text that one cell may hand to workers and primitives; a value handed to a primitive counts 16 more.
        frame_bytes: size of one message of the child.
        start_seconds: time that the child has for getting ready.
        checkpoints: states kept beside the one at the start, the newest ones; 0 for none.
        checkpoint_bytes: memory that they may hold together beyond what the running process has; the newest is kept
            whatever it takes.
    """

    cell_seconds: float | None = 60.0
    grace_seconds: float = 1.0
    memory_bytes: int | None = 4 << 30
    output_chars: int = 1_048_576
    final_chars: int = 1_000_000
    concurrency: int = 64
    worker_calls: int | None = 20_000
    threads: int | None = 512
    open_files: int | None = 256
    scratch_bytes: int | None = 256 << 20
    call_chars: int = 128 << 20
    frame_bytes: int = 64 << 20
    start_seconds: float = 30.0
    checkpoints: int = 16
    checkpoint_bytes: int | None = 2 << 30


class WorkerCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a cell made: `response` or `error` is None. `elapsed` in seconds; a batch's calls share it."""

    prompt: str
    response: str | None
    error: str | None
    elapsed: float


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a cell.

    Args:
        status: how it ended. `final` wherever an answer was given and the cell came to its end; `killed` where
            the process was lost.
        output: what it wrote, in order, as (stream, text).
        traceback: why it did not end well, with the cell's own lines; None where it did.
        final: the first answer it gave.
        worker_calls: its calls in the order they were made.
        elapsed: seconds of wall time.
        active: seconds of it not spent waiting for workers and primitives.
        dropped: characters of output over the limit, lost.
        restarted: the process was lost and a new one stands ready: context and query are there, variables are not.
        restored: the process was lost and another stands ready, with the variables of an earlier state: mostly that
            before this cell; `traceback` says which.
    """

    status: CellStatus
    output: tuple[tuple[StreamName, str], ...] = ()
    traceback: str | None = None
    final: Final | None = None
    worker_calls: tuple[WorkerCall, ...] = ()
    elapsed: float = 0.0
    active: float = 0.0
    dropped: int = 0
    restarted: bool = False
    restored: bool = False

    @property
    def stdout(self) -> str:
        """What it wrote to stdout."""
        return "".join(text for stream, text in self.output if stream == "stdout")

    @property
    def stderr(self) -> str:
        """What it wrote to stderr."""
        return "".join(text for stream, text in self.output if stream == "stderr")


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of the REPL: its type's name, its length where it has one, the beginning of its value."""

    name: Annotated[str, msgspec.Meta(max_length=1200)]
    type: Annotated[str, msgspec.Meta(max_length=1200)]
    size: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)] | None
    preview: Annotated[str, msgspec.Meta(max_length=1000)]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the REPL that can be gone back to.

    Args:
        index: how many cells it comes after; 0 is the state before the first.
        bytes: memory that it holds in proportion to those that share it, when last measured; 0 before that.
        when: when it was taken (UTC).
    """

    index: int
    bytes: int
    when: datetime
