"""Recorded sessions for tests: run for real, with models that say what a script tells them to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distill_core import events as ev
from distill_core.approval import Approver, AutoApprover
from distill_core.continuing import Earlier
from distill_core.models.base import ModelHandler
from distill_core.reading import read_session
from distill_core.record import Record, record_of
from distill_core.recorder import encode_line
from distill_core.respecifying import spec_of
from distill_core.session import Session
from distill_core.specification import RunResult, SessionSpec

DOCUMENT = "alpha beta gamma delta"


def block(code: str, before: str = "I look.") -> str:
    """A reply of a supervisor with one block of code."""
    return f"{before}\n\n```repl\n{code}\n```\n"


async def recorded(
    folder: Path,
    supervisor: ModelHandler,
    worker: ModelHandler,
    approver: Approver | None = None,
    **spec: Any,
) -> RunResult:
    """Run a session in `folder`."""
    made = SessionSpec(log_dir=folder, **{"query": "what?", "context": DOCUMENT, "isolation": "none", **spec})
    session = Session(made, supervisor=supervisor, worker=worker, approver=approver or AutoApprover())
    return await session.run()


async def going_on(
    folder: Path,
    earlier: Earlier,
    supervisor: ModelHandler,
    worker: ModelHandler,
    approver: Approver | None = None,
    **spec: Any,
) -> RunResult:
    """Run what goes on from `earlier`, in `folder`."""
    made = spec_of(earlier.record, spec.pop("context", DOCUMENT), log_dir=folder, isolation="none", **spec)
    session = Session(
        made, supervisor=supervisor, worker=worker, approver=approver or AutoApprover(), earlier=earlier
    )
    return await session.run()


def record_in(folder: Path) -> Record:
    """The record of the session in `folder`."""
    return record_of(read_session(folder).events)


def write_log(folder: Path, events: Sequence[ev.Event], torn: bytes = b"") -> Path:
    """A log with just these events, as a program leaves it that dies after the last; `torn` is half a line more."""
    folder.mkdir(parents=True)
    for stream in ev.STREAMS:
        lines = b"".join(encode_line(e) for e in events if ev.STREAM[type(e)] == stream)
        (folder / f"{stream}.jsonl").write_bytes(lines + (torn if stream == "repl" else b""))
    return folder
