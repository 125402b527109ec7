"""A program that keeps a home busy until somebody kills it; tells each event it has seen done on stdout.

    python -m tests.fakes.busy_home HOME NAME [rebuild]

writes live sessions, judges an old one and makes the index again, over and over; with `rebuild` it only does the last,
so that nobody else has the index open.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import threading
from pathlib import Path

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.reopening import reopen
from sessions import LiveIndex, Store, rebuilding
from sessions.home import Home
from sessions.rebuilding import rebuild
from tests.sessions.stories import asked, opening, talk


class Telling:
    """A sink that says the number of each event, as a screen would draw it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, event: ev.Event) -> None:
        os.write(1, f"{self._name} {event.seq}\n".encode())


def write(home: Path, name: str) -> None:
    """Write live sessions, one after another."""
    for n in itertools.count():
        folder = home / "sessions" / f"{name}-{n}"
        log = SessionLog(folder)
        live = LiveIndex(home / "sessions.db", folder)
        recorder = Recorder([log, live, Telling(folder.name)])
        recorder.emit(opening(folder.name))
        for event in itertools.chain(asked(), talk(random.randrange(20, 300), chars=400)):
            recorder.emit(event)
        log.close()
        live.close()


def judge(home: Path) -> None:
    """Judge the session called "old", and take every third judgement back."""
    folder = home / "sessions" / "old"
    for n in itertools.count():
        last = read_session(folder).events[-1].seq
        log = reopen(folder, last)
        recorder = Recorder([log, Telling("old")], last_seq=last)
        target = ev.Target(kind="session")
        made = recorder.emit(
            ev.Annotated(step=0, annotation_id=f"a{last}", target=target, by="ada", rating=n % 5)
        )
        if n % 3 == 0:
            recorder.emit(ev.Retracted(step=0, retracts=made.seq, by="ada"))
        log.close()
        with Store(home) as store:
            store.refresh("old")


def again(home: Path) -> None:
    """Make the index again and again, as it is made of a home so large that others help."""
    rebuilding.worth_a_process = lambda *_: True
    while True:
        rebuild(Home(home))
        Telling("old").write(read_session(home / "sessions" / "old").events[0])


def main() -> None:
    home, name = Path(sys.argv[1]), sys.argv[2]
    works = [lambda: write(home, name), lambda: judge(home), lambda: again(home)]
    if "rebuild" in sys.argv[3:]:
        works = works[2:]
    for work in works:
        threading.Thread(target=work, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
