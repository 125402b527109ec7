"""Two finished sessions about one question, for the screens that put judgements and sessions beside one another."""

from __future__ import annotations

from pathlib import Path

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.runner import run
from distill_core.state import SessionState, fold
from sessions.appending import annotate
from tests.fakes.models import Answering, Scripted

DOCUMENT = "The treasure was found by Mira Vale in the old mill. It was sold in the spring.\n" * 3
FIRST = (
    "```repl\nhits = [line for line in context.splitlines() if 'found' in line]\nprint(hits[0])\n```",
    "```repl\nFINAL('Mira Vale: “found by Mira Vale in the old mill”.')\n```",
)
SECOND = (
    "```repl\nhits = [line for line in context.splitlines() if 'sold' in line]\nprint(hits[0])\n```",
    "```repl\nprint(len(context))\n```",
    "```repl\nFINAL('A crow: “found by a crow on a very high tree”.')\n```",
)


def session(folder: Path, replies: tuple[str, ...]) -> SessionState:
    """A session in `folder` that plays `replies`."""
    run("Who found the treasure?", DOCUMENT, Scripted(*replies), Answering(str.upper), log_dir=folder)
    return fold(read_session(folder).events)


def judged(folder: Path) -> SessionState:
    """A session that ada and bob have judged and are done with."""
    session(folder, FIRST)
    whole, answer, step = ev.Target(kind="session"), ev.Target(kind="answer"), ev.Target(kind="step", id="1")
    annotate(folder, step, by="ada", step=1, mark=1)
    annotate(folder, step, by="bob", step=1, mark=0, comment="it could have asked a worker")
    annotate(folder, answer, by="ada", rating=5, labels=("correct",), scores={"faithful": 5.0})
    annotate(folder, answer, by="bob", rating=3, labels=("correct", "incomplete"), scores={"faithful": 4.0})
    for who in ("ada", "bob"):
        annotate(folder, whole, by=who, rating=4)
        annotate(folder, whole, by=who, done=True)
    return fold(read_session(folder).events)
