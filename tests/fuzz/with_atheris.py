"""Looks for bytes that the host's side of the line does not take, led by which of its branches they reach.

Run: pip install atheris && python -m tests.fuzz.with_atheris SECONDS [FOLDER]

FOLDER keeps what was found to reach something new, from one run to the next. Says every minute how many frames there
were and what memory the process has; a failure ends it with a traceback and a file `crash-…` that holds the bytes. A
file `slowest` holds the input that took the longest.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import atheris

_JUDGES = [f"distill_core.repl.{name}" for name in ("calls", "node", "protocol", "running")]
"""The modules that look at frames: only their branches lead."""

with atheris.instrument_imports(include=_JUDGES):
    from tests.fuzz.host import SOUND, framed, hear

_MINUTE = 60.0
_LONGEST = 4096
_OPTIONS = (
    f"-max_len={_LONGEST}",
    "-len_control=0",
    "-reduce_inputs=0",
    "-timeout=1200",
    "-rss_limit_mb=4096",
    "-verbosity=0",
)
"""Long inputs from the start, and none given up for a shorter one: many frames an input take less time each."""


class Fuzzing:
    """A run: what it has done, and when it ends."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.new_event_loop()
        self._started = self._said = time.monotonic()
        self._seconds = seconds
        self._frames = self._inputs = self._violations = 0
        self._settled = 0
        self._slowest = 0.0

    def one(self, data: bytes) -> None:
        """Try one input. Its first byte says whether the rest is bodies, parted by line feeds, or bytes as they are.

        After a violation a new process says what is left, so that every frame is heard.
        """
        frames = [data[1:]] if data[:1] == b"\0" else [framed(body) for body in data[1:].split(b"\n")]
        before = time.thread_time()
        self._loop.run_until_complete(self._all(frames))
        if (took := time.thread_time() - before) > self._slowest:
            self._slowest = took
            Path("slowest").write_bytes(data)
        self._inputs += 1
        self._frames += len(frames)
        if not self._inputs & 0x3FF:
            self._tell()

    async def _all(self, frames: list[bytes]) -> None:
        while frames:
            heard = await hear(frames)
            self._violations += heard.violation is not None
            frames = frames[heard.taken :]

    def _tell(self) -> None:
        now = time.monotonic()
        over = now - self._started > self._seconds
        if now - self._said > _MINUTE or over:
            self._said = now
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self._settled = self._settled or memory
            print(
                f"{now - self._started:.0f} s ({time.process_time():.0f} of CPU): "
                f"{self._frames:,} frames in {self._inputs:,} inputs, "
                f"{self._violations:,} violations, {self._slowest * 1e3:.0f} ms of CPU for the slowest input, "
                f"{memory >> 10} MiB at most, "
                f"{(memory - self._settled) >> 10} MiB more than after the first minute",
                flush=True,
            )
        if over:
            os._exit(0)


def main() -> None:
    """Fuzz for a time."""
    seconds = float(sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="distill-fuzz-"))
    folder.mkdir(exist_ok=True)
    for number, body in enumerate(SOUND):
        (folder / f"sound-{number}").write_bytes(b"1" + body)
    together = b"\n".join(SOUND)
    (folder / "all").write_bytes(b"1" + together)
    (folder / "long").write_bytes(b"1" + b"\n".join([together] * (_LONGEST // len(together))))
    (folder / "raw").write_bytes(b"\0" + b"".join(map(framed, SOUND)))
    options = [sys.argv[0], str(folder), *_OPTIONS]
    atheris.Setup(options, Fuzzing(seconds).one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
