"""Sessions as events, for tests that need many of them and no engine."""

from __future__ import annotations

from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.models.base import Usage

WORDS = (
    *("clause", "seven", "caps", "the", "liability", "of", "either", "party", "under"),
    *("worker_batch", "and", "nothing", "else"),
)


def opening(name):
    """A session's first event."""
    return ev.SessionStarted(
        step=0,
        session_id=name,
        kind="research",
        query=f"What of {name}?",
        document=ev.DocumentRef(sha256="0" * 64, kind="str", chars=4, name="paper.txt"),
        supervisor="big",
        worker="small",
        limits=ev.Limits(),
        isolation="none",
        program="0",
        python="3",
    )


def asked():
    """A supervisor's turn: its prompt and what it replied."""
    message = {"role": "user", "content": "Which clause?"}
    yield ev.MessageAdded(step=1, message_id=message_id(message), message=message)
    called = {"step": 1, "call_id": "s1", "model": "big"}
    yield ev.SupervisorCalled(**called, extends=None, message_ids=(message_id(message),), params={})
    yield ev.SupervisorReplied(
        **called, text="I will ask the workers.", usage=Usage(100, 5, calls=1), elapsed=1.0
    )


def talk(calls, *, first=1, chars=200):
    """A cell that makes so many worker calls, each about `chars` long."""
    text = " ".join(WORDS[n % len(WORDS)] for n in range(chars // 6))
    cell = f"c{first}"
    yield ev.CellProposed(step=1, cell_id=cell, call_id="s1", index=0, code="print(worker_batch(parts))")
    yield ev.CellStarted(step=1, cell_id=cell, code="print(worker_batch(parts))")
    for n in range(first, first + calls):
        call = {"step": 1, "call_id": f"w{n}", "model": "small"}
        yield ev.WorkerCallStarted(**call, cell_id=cell, prompt=f"{text} {n}", params={})
        yield ev.WorkerCallReturned(**call, response=f"reply {n}", usage=Usage(100, 5, calls=1), elapsed=0.1)
    yield ev.CellOutput(step=1, cell_id=cell, stream="stdout", text="done\n")
    yield ev.CellFinished(step=1, cell_id=cell, status="ok", elapsed=1.0, active=0.1, worker_calls=calls)
