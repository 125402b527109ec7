"""The REPL: cells of Python in a child process, with the document, a worker to ask and a way to answer.

Names are imported when they are first used: settings need the limits, not the machinery.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill_core.repl.aio import AsyncREPL
    from distill_core.repl.blocking import REPL
    from distill_core.repl.values import CellResult, Checkpoint, ReplLimits, Variable, WorkerCall, WorkerError

_HOME = {
    "AsyncREPL": "aio",
    "REPL": "blocking",
    "CellResult": "values",
    "Checkpoint": "values",
    "ReplLimits": "values",
    "Variable": "values",
    "WorkerCall": "values",
    "WorkerError": "values",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
