"""A program that adds judgements to a finished session until somebody kills it; tells the number of each on stdout.

python -m tests.fakes.judging_session FOLDER WHO
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from distill_core import events as ev
from sessions.appending import annotate


def main() -> None:
    folder, who = Path(sys.argv[1]), sys.argv[2]
    count = 0
    while True:
        count += 1
        made = annotate(folder, ev.Target(kind="session"), by=who, comment=f"{count} {'x' * 3000}")
        os.write(1, f"{made.seq}\n".encode())


if __name__ == "__main__":
    main()
