"""Small sessions kept in a home, as the engine would have written them."""

from __future__ import annotations

from pathlib import Path

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.recorder import Recorder, SessionLog
from tests.fakes.scripted import START


def keep(home: Path, session_id: str, *, question: str, answer: str | None) -> Path:
    """Keep a session of one step; with no answer it has no end either. Returns its folder."""
    folder = home / "sessions" / session_id
    log = SessionLog(folder)
    recorder = Recorder([log], clock=lambda: START)
    recorder.emit(
        ev.SessionStarted(
            step=0,
            session_id=session_id,
            kind="research",
            query=question,
            document=ev.DocumentRef(sha256="0" * 64, kind="str", chars=12, name="agreement.pdf"),
            supervisor="qwen2.5-coder-32b",
            worker="qwen2.5-1.5b",
            limits=ev.Limits(),
            isolation="strong",
            program="0.1.0",
            python="3.11.7",
        )
    )
    recorder.emit(
        ev.SupervisorCalled(step=1, call_id="s1", model="m", extends=None, message_ids=(), params={})
    )
    if answer is not None:
        recorder.emit(
            ev.SessionFinished(
                step=1,
                status="finished",
                answer=ev.Final(value=answer, text=answer),
                partial=False,
                reason="accepted by ada",
                iterations=1,
                supervisor_usage=Usage(),
                worker_usage=Usage(),
                cost=0.0123,
                elapsed=72.4,
            )
        )
    log.close()
    return folder
