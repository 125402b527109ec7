"""The REPL: cells of Python in a child process, with the document, a worker to ask and a way to answer."""

from __future__ import annotations

from distill_core.repl.aio import AsyncREPL
from distill_core.repl.blocking import REPL
from distill_core.repl.values import CellResult, Checkpoint, ReplLimits, Variable, WorkerCall, WorkerError

__all__ = [
    "REPL",
    "AsyncREPL",
    "CellResult",
    "Checkpoint",
    "ReplLimits",
    "Variable",
    "WorkerCall",
    "WorkerError",
]
