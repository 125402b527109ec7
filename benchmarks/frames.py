"""Sends broken frames to the host's end of the line, and watches that it neither fails nor grows.

Run: python benchmarks/frames.py [MILLIONS], ten unless told.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time

from distill_core.errors import ReplError
from distill_core.repl.protocol import Line

SOUND = (
    b'{"op":"begun","cell":1}',
    b'{"op":"worker","batch":true,"id":7,"prompts":["a","b \\u00e9"]}',
    b'{"op":"primitive","name":"double","id":7,"args":[1,2.5,null,{"a":[]}],"kwargs":{"b":true}}',
    b'{"op":"final","value":"x","text":"x"}',
    b'{"op":"done","cell":1,"error":null,"interrupted":false,"dropped":0}',
    b'{"op":"variables","variables":[{"name":"a","type":"int","size":null,"preview":"1"}]}',
)
PIECES = (
    b"",
    b'"',
    b"[",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"9" * 30,
)
STREAM = 200


def broken(choice: random.Random) -> bytes:
    """A frame: sound, or with something put into it, taken out of it or wrong about its size."""
    body = choice.choice(SOUND)
    if (kind := choice.random()) < 0.6:
        at = choice.randrange(len(body))
        body = body[:at] + choice.choice(PIECES) + body[at + choice.randrange(4) :]
    elif kind < 0.7:
        body = choice.randbytes(choice.randrange(60))
    size = len(body) if choice.random() < 0.99 else choice.getrandbits(32)
    return size.to_bytes(4, "big") + body


class Nowhere(asyncio.Transport):
    """A transport that leads nowhere."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It is never full."""

    def abort(self) -> None:
        """Nothing to do."""


async def main(frames: int) -> None:
    """Line after line, each until its first violation."""
    choice = random.Random(0)
    pool = [broken(choice) for _ in range(100_000)]
    sent = heard = violations = 0
    peak = 0
    started = time.perf_counter()

    def on_frame(frame: object) -> None:
        nonlocal heard
        heard += 1

    def on_violation(error: ReplError) -> None:
        nonlocal violations
        violations += 1

    while sent < frames:
        line = Line(1 << 20, on_frame, on_violation)
        line.connection_made(Nowhere())
        before = violations
        for _ in range(STREAM):
            line.data_received(pool[choice.randrange(len(pool))])
            sent += 1
            if violations != before:
                break
        if sent > frames // 10 and not peak:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    seconds = time.perf_counter() - started
    print(
        f"{sent:,} frames in {seconds:.0f} s: {heard:,} heard, {violations:,} violations, grown by {grown} KiB"
    )


if __name__ == "__main__":
    asyncio.run(main(int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000))
