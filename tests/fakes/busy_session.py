"""Programs that each run a busy session until somebody kills them, and tell each event they have seen done.

    python -m tests.fakes.busy_session

For every line "FOLDER TOLD" on stdin one is begun, which keeps its session in FOLDER and tells in the file TOLD; its
process id is said on stdout. They are forks of a program that has imported everything already, so that they begin at
once.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from distill_core import events as ev
from distill_core.runner import run
from tests.fakes.models import Answering, Scripted

CODE = """
print('start', 'x' * 500)
for reply in worker_batch([f'piece {i}' for i in range(20)]):
    print(reply)
1/0
"""


class Telling:
    """A sink that says the number of each event, as a screen would draw it."""

    def write(self, event: ev.Event) -> None:
        os.write(1, f"{event.seq}\n".encode())


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        folder, told = line.split()
        child = os.fork()
        if not child:
            os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT, 0o600), 1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(Path(folder))
        print(child, flush=True)


def work(folder: Path) -> None:
    """Run a session that does not end by itself."""
    replies = [f"Turn {i}.\n\n```repl\n{CODE}\n```" for i in range(10_000)]
    run(
        "busy?",
        "a document",
        Scripted(*replies),
        Answering(lambda prompt: prompt.upper()),
        max_iterations=10_000,
        limits=ev.Limits(worker_calls=None),
        log_dir=folder,
        sinks=[Telling()],
    )


if __name__ == "__main__":
    main()
