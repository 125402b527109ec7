"""A program that runs a busy session until somebody kills it; tells each event it has seen done on stdout.

python -m tests.fakes.busy_session FOLDER
"""

from __future__ import annotations

import os
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
    replies = [f"Turn {i}.\n\n```repl\n{CODE}\n```" for i in range(10_000)]
    run(
        "busy?",
        "a document",
        Scripted(*replies),
        Answering(lambda prompt: prompt.upper()),
        max_iterations=10_000,
        limits=ev.Limits(worker_calls=None),
        log_dir=Path(sys.argv[1]),
        sinks=[Telling()],
    )


if __name__ == "__main__":
    main()
