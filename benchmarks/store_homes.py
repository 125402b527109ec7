"""Homes of any size, made of random words: so many sessions, steps and worker calls, as the engine logs them.

python benchmarks/store_homes.py FOLDER [--sessions 1000] [--steps 20] [--calls 200] [--chars 4000]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.models.base import Usage

VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvz"
MODELS = ("llama-3.3-70b", "qwen-2.5-72b", "mistral-large")


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much a home holds. `calls` are worker calls of a session, `chars` characters of a prompt."""

    sessions: int = 1000
    steps: int = 20
    calls: int = 200
    chars: int = 4000


class Words:
    """Text of made-up words, common ones more often, as in a language."""

    def __init__(self, dice: random.Random, count: int = 20_000) -> None:
        self._dice = dice
        self.words = [
            "".join(dice.choice(CONSONANTS) + dice.choice(VOWELS) for _ in range(dice.randint(1, 4)))
            for _ in range(count)
        ]
        self._weights = [1 / (n + 1) for n in range(count)]
        self._long = self.text(1_000_000)

    def text(self, chars: int) -> str:
        """About so many characters."""
        if hasattr(self, "_long"):
            start = self._dice.randrange(len(self._long) - chars)
            return self._long[start : start + chars]
        return " ".join(self._dice.choices(self.words, self._weights, k=chars // 5))


def make(home: Path, sizes: Sizes, seed: int = 0) -> int:
    """Make the sessions; gives the bytes of their logs."""
    dice = random.Random(seed)
    words = Words(dice)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    done = 0
    for n in range(sizes.sessions):
        folder = home / "sessions" / f"{start + timedelta(hours=n):%Y%m%d-%H%M%S}-{n:06x}"
        folder.mkdir(parents=True)
        lines: dict[str, list[bytes]] = {stream: [] for stream in ev.STREAMS}
        for seq, event in enumerate(session(folder.name, sizes, dice, words), 1):
            stamped = msgspec.structs.replace(
                event, seq=seq, timestamp=start + timedelta(hours=n, seconds=seq)
            )
            lines[ev.STREAM[type(event)]].append(ev.encode(stamped))
        for stream, made in lines.items():
            data = b"\n".join(made) + b"\n" if made else b""
            (folder / f"{stream}.jsonl").write_bytes(data)
            done += len(data)
    return done


def session(name: str, sizes: Sizes, dice: random.Random, words: Words) -> Iterator[ev.Event]:
    """One session's events."""
    model = dice.choice(MODELS)
    yield ev.SessionStarted(
        step=0,
        session_id=name,
        kind="research",
        query=words.text(80) + "?",
        document=ev.DocumentRef(
            sha256=f"{dice.randrange(100):064x}", kind="str", chars=500_000, name="d.txt"
        ),
        supervisor=model,
        worker="llama-3.1-8b",
        limits=ev.Limits(),
        isolation="strong",
        program="0",
        python="3.11",
    )
    call, before = 0, None
    for step in range(1, sizes.steps + 1):
        message = {"role": "user", "content": words.text(1500)}
        reply = f"s{step}"
        yield ev.MessageAdded(step=step, message_id=message_id(message), message=message)
        called = {"step": step, "call_id": reply, "model": model}
        names = (message_id(message),)
        yield ev.SupervisorCalled(**called, extends=before, message_ids=names, params={"temperature": 0.7})
        before = reply
        yield ev.SupervisorReplied(
            **called, text=words.text(1200), usage=Usage(4000, 300, calls=1), elapsed=9.0
        )
        cell, code = f"c{step}", f"parts = split(context)\n# {words.text(400)}\nprint(worker_batch(parts))"
        yield ev.CellProposed(step=step, cell_id=cell, call_id=reply, index=0, code=code)
        by = dice.choice(("ada", "bob", "policy:auto"))
        yield ev.DecisionMade(step=step, proposal_id=reply, action="approve", by=by, took=dice.random() * 20)
        yield ev.CellStarted(step=step, cell_id=cell, code=code)
        share = sizes.calls * step // sizes.steps - sizes.calls * (step - 1) // sizes.steps
        for _ in range(share):
            call += 1
            asked = {"step": step, "call_id": f"w{call}", "model": "llama-3.1-8b"}
            prompt = words.text(sizes.chars)
            yield ev.WorkerCallStarted(**asked, cell_id=cell, prompt=prompt, params={"max_tokens": 512})
            yield ev.WorkerCallReturned(
                **asked, response=words.text(300), usage=Usage(sizes.chars // 4, 80, calls=1), elapsed=0.8
            )
        yield ev.CellOutput(step=step, cell_id=cell, stream="stdout", text=words.text(2000))
        status = "error" if dice.random() < 0.1 else "ok"
        yield ev.CellFinished(
            step=step, cell_id=cell, status=status, elapsed=5.0, active=0.2, worker_calls=share
        )
    answer = words.text(300)
    yield ev.SessionFinished(
        step=sizes.steps,
        status="finished",
        answer=ev.Final(value=answer, text=answer),
        partial=False,
        reason="FINAL",
        iterations=sizes.steps,
        supervisor_usage=Usage(80_000, 6000, calls=sizes.steps),
        worker_usage=Usage(200_000, 16_000, calls=sizes.calls),
        cost=round(dice.random(), 4),
        elapsed=600.0,
    )
    if dice.random() < 0.3:
        yield ev.Annotated(
            step=0,
            annotation_id="a1",
            target=ev.Target(kind="session"),
            by="ada",
            rating=dice.randint(1, 5),
            labels=(dice.choice(("good", "slow", "wrong")),),
            comment=words.text(120),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    for field in msgspec.structs.fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    options = vars(parser.parse_args())
    size = make(options.pop("folder"), Sizes(**options))
    print(f"{size / 1e6:.0f} MB of log")


if __name__ == "__main__":
    main()
