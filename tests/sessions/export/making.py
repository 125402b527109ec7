"""Sessions for export tests: made by the engine, with a scripted supervisor and a person who decides as told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.runner import run
from sessions.export.selecting import Source, sources
from sessions.export.trace import Trace
from sessions.export.tracing import trace_of
from tests.fakes.models import Answering, Scripted

DOCUMENT = "Clause 7 caps liability at twelve months of fees. Clause 8 is about notices."


def block(code: str, before: str = "I look.") -> str:
    """A reply with one block."""
    return f"{before}\n\n```repl\n{code}\n```\n"


class Person:
    """Decides as a test says, then approves and accepts."""

    def __init__(self, *decisions: Decision, name: str = "ada") -> None:
        self._decisions = list(decisions)
        self._name = name

    async def decide(self, proposal: Any) -> Decision:
        if self._decisions:
            return self._decisions.pop(0)
        action = "accept" if proposal.proposal_id.startswith("final:") else "approve"
        return Decision(action=action, by=self._name)


def make(
    home: Path,
    name: str,
    replies: Sequence[str],
    *decisions: Decision,
    answer: Any = None,
    person: str = "ada",
    question: str = "Which clause caps liability?",
    document: str = DOCUMENT,
    **options: Any,
) -> Path:
    """Run a session into `home`; its folder."""
    folder = home / "sessions" / name
    run(
        question,
        document,
        Scripted(*replies),
        Answering(answer or (lambda prompt: f"It says: {prompt[-40:]}")),
        approver=Person(*decisions, name=person),
        log_dir=folder,
        documents_dir=home / "documents",
        session_id=name,
        **options,
    )
    return folder


def annotate(folder: Path, *judgements: dict[str, Any], by: str = "ada") -> None:
    """Add annotations (fields of `Annotated`) and retractions (`{"retracts": seq}`) to a session."""
    last = read_session(folder).events[-1]
    log = SessionLog(folder, append=True)
    recorder = Recorder([log], last_seq=last.seq)
    for number, judgement in enumerate(judgements):
        if "retracts" in judgement:
            recorder.emit(ev.Retracted(step=0, by=by, **judgement))
            continue
        made = {"step": 0, "by": by, **judgement}
        made["target"] = msgspec.convert(made["target"], ev.Target)
        recorder.emit(ev.Annotated(annotation_id=f"a{last.seq}-{number}", **made))
    log.close()


def fork(parent: Path, name: str, steps: int, *events: ev.Event, relation: ev.Parent | None = None) -> Path:
    """A fork of `parent`: what belongs to its first steps, marked as copied, and then `events`."""
    folder = parent.parent / name
    log = SessionLog(folder)
    recorder = Recorder([log])
    for event in read_session(parent).events:
        if isinstance(event, ev.SessionStarted):
            relation = relation or ev.Parent(session_id=event.session_id, steps=steps)
            recorder.emit(msgspec.structs.replace(event, session_id=name, parent=relation))
        elif event.step <= steps and not isinstance(event, ev.Annotated | ev.Retracted):
            recorder.emit(msgspec.structs.replace(event, copied=True))
    for event in events:
        recorder.emit(event)
    log.close()
    return folder


def traced(folder: Path) -> Trace:
    """The trace of the session in `folder`."""
    return trace_of(read_session(folder).events)


def source(folder: Path) -> Source:
    """The session in `folder`, as exporters are given it."""
    return sources([folder])[0]
