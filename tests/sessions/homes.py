"""Homes with sessions in them, made by running the program's own engine on scripted models."""

from __future__ import annotations

from pathlib import Path

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.runner import run
from tests.fakes.models import Scripted, echo

ASKING = "```repl\nprint(worker('Does clause seven use worker_batch?'))\n```"
FAILING = "```repl\nprint('before')\n1/0\n```"
ANSWERING = "```repl\nFINAL('the cap is in clause seven')\n```"


def keep(home: Path, name: str, *replies: str, question: str = "Which clause caps liability?", **options):
    """Run a session that is kept in `home` as `name`; gives its folder."""
    return run(
        question,
        options.pop("context", "Clause seven caps liability."),
        Scripted(*(replies or (ASKING, ANSWERING))),
        echo(),
        log_dir=home / "sessions" / name,
        documents_dir=home / "documents",
        session_id=name,
        **options,
    ).log_dir


def judge(
    folder: Path, *, by: str = "ada", kind: str = "session", id: str = "", retracts: int = 0, **judgement
):
    """Append an annotation (or a retraction of event `retracts`) to a kept session; gives the event."""
    last = read_session(folder).events[-1].seq
    log = SessionLog(folder, append=True)
    try:
        recorder = Recorder([log], last_seq=last)
        if retracts:
            return recorder.emit(ev.Retracted(step=0, retracts=retracts, by=by))
        target = ev.Target(kind=kind, id=id)
        return recorder.emit(
            ev.Annotated(step=0, annotation_id=f"a{last}", target=target, by=by, **judgement)
        )
    finally:
        log.close()


def invent(home: Path, name: str, *events, clock=None, supervisor="big", **opening):
    """Keep a session of exactly these events behind its beginning; gives its folder."""
    log = SessionLog(home / "sessions" / name)
    recorder = Recorder([log], **({"clock": clock} if clock else {}))
    document = ev.DocumentRef(sha256="0" * 64, kind="str", chars=4, name="paper.txt")
    started = {"query": f"What of {name}?", "kind": "research", "worker": "small", **opening}
    recorder.emit(
        ev.SessionStarted(
            step=0,
            session_id=name,
            document=document,
            supervisor=supervisor,
            limits=ev.Limits(),
            isolation="none",
            program="0",
            python="3",
            **started,
        )
    )
    for event in events:
        recorder.emit(event)
    log.close()
    return log.folder


def decision(action="approve", by="ada", took=2.0, proposal="s1", **fields):
    """A decision on the first step."""
    return ev.DecisionMade(step=1, proposal_id=proposal, action=action, by=by, took=took, **fields)
