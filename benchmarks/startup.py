"""What `distill-tui --help` costs beyond the interpreter and the command-line library, in one run.

Run it: `python benchmarks/startup.py`.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15


def milliseconds(argv: list[str]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def main() -> None:
    program = shutil.which("distill-tui", path=str(Path(sys.executable).parent)) or shutil.which(
        "distill-tui"
    )
    assert program is not None, "install the package first"
    bare = milliseconds([sys.executable, "-c", "pass"])
    library = milliseconds([sys.executable, "-c", "import click"])
    ours = milliseconds([program, "--help"])
    print(f"python -c pass      {bare:6.0f} ms")
    print(f"python, click       {library:6.0f} ms")
    print(f"distill-tui --help  {ours:6.0f} ms   {ours - library:+.0f} ms over click")


if __name__ == "__main__":
    main()
