"""Kill a program that writes, judges and rebuilds, at random moments; afterwards everything must be whole and equal.

    python -m tests.sessions.killing 200

kills so many times and says what was checked; the tests do a few.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from distill_core.reading import read_session
from sessions import Store
from sessions.home import Home
from sessions.rebuilding import rebuild
from sessions.verify import verify
from tests.sessions.homes import invent
from tests.sessions.index_rows import everything
from tests.sessions.stories import asked, talk

ROOT = Path(__file__).parents[2]
ALONE = 0.3
"""The share of kills in which a rebuild has the index for itself, and so makes a new file."""

EACH = 10
"""Kills after which a fresh home is begun, so that looking at it stays quick."""


def kill_once(home: Path, name: str, dice: random.Random) -> int:
    """Let the program run for a moment, kill it, check the home; gives how many events it had shown.

    Raises:
        AssertionError: something that was seen is missing, a session is damaged, or the index differs.
    """
    told = home / f"{name}.told"
    how = ["rebuild"] if dice.random() < ALONE else []
    with told.open("wb") as out:
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.busy_home", str(home), name, *how], cwd=ROOT, stdout=out
        )
    try:
        while told.stat().st_size == 0 and program.poll() is None:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.6))
        assert program.poll() is None, "the program ended by itself"
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
    return check(home, told)


def check(home: Path, told: Path) -> int:
    """What was seen is there, every session is whole, and the index caught up equals one made again."""
    seen = defaultdict(set)
    for line in told.read_bytes().split(b"\n")[:-1]:
        session, seq = line.decode().split()
        seen[session].add(int(seq))
    for session, numbers in seen.items():
        kept = {event.seq for event in read_session(home / "sessions" / session).events}
        assert numbers <= kept, f"{session} lost {sorted(numbers - kept)}"
    for folder in Home(home).folders():
        damage = [p for p in verify(folder).problems if p.where != "document"]
        assert damage == [], [str(p) for p in damage]
    Store(home).close()
    caught_up = everything(home / "sessions.db")
    rebuild(Home(home))
    assert everything(home / "sessions.db") == caught_up, "the index differs from one made again"
    return sum(map(len, seen.values()))


def kill(times: int, seed: int) -> int:
    """Kill `times` times; gives how many shown events were looked for."""
    dice = random.Random(seed)
    checked = 0
    for n in range(times):
        if n % EACH == 0:
            place = Path(tempfile.mkdtemp(prefix="killing-"))
            invent(place, "old", *asked(), *talk(20))
        try:
            checked += kill_once(place, f"k{n}", dice)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, kill {n}, home {place}: {error}") from error
        if n % EACH == EACH - 1 or n == times - 1:
            subprocess.run(["rm", "-rf", str(place)], check=True)
    return checked


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    print(f"{times} kills: {kill(times, seed)} shown events are all there, every index equals one made again")


if __name__ == "__main__":
    main()
