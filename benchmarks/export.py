"""Export beside a bare loop that reads the same rows from SQLite and writes them with orjson.

python -m benchmarks.export [--sessions 1000] [--turns 10] [--calls 10] [--times 4]

Sessions are made by a generator (the same ones each time) and indexed. Each export is run once, and its rows are put
into a database; the loop reads them there and writes the same file, which is checked. So there is one loop for the rows
as they are, and one for the redacted ones.

Beside it stands a script that a person would write for this one home: it selects worker calls, or the messages,
replies and decisions of each session, from `sessions.db`, puts each row together with as much provenance as the columns
there give, and writes it. Its rows hold less: no numbers of events, parameters of worker calls, hash, or whether a
quote stands in its prompt. It takes what was approved and knows no other rule.

The export reads the logs: what its format needs is checked event by event, the lines of the rest are counted. It
curates, looks for repetitions and redacts. Each export runs in a process of its own; the peak of its memory is told,
and that of the largest of those that it starts. Loops and script run in this one. All are run in turn, so often as
`--times` says, and the fastest of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks import export_rows
from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.models.base import Usage

LINE = (
    "the clause fee party notice term liability section agreement service shall month year of and to in for"
)
WORDS = LINE.split()
SPRINKLED = [
    *(
        "Section 7.2",
        "Clause",
        "Acme Ltd.",
        "2024",
        "EUR 1,250,000",
        "(a)",
        "Party's",
        "well-known",
        "§ 12",
        "30 June 2025",
    ),
    *(
        '"Fees"',
        "Notices:",
        "responsibilities",
        "https://example.org/terms",
        "[12]",
        "12/2023",
        "TERM",
        "e.g.",
    ),
]
"""What a contract holds besides words, one in ten; each five hundredth is an address that must not leave."""
START = datetime(2026, 3, 1, tzinfo=UTC)
FORMATS = ("worker", "prompt-completion")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=10, help="of a session")
    parser.add_argument("--calls", type=int, default=10, help="of a turn")
    parser.add_argument("--times", type=int, default=4, help="that each is run")
    parser.add_argument("--one", nargs=3, metavar=("FORMAT", "HOME", "REDACT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one(*args.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        size = sum(make(home, number, args.turns, args.calls) for number in range(args.sessions))
        turns, calls = args.sessions * args.turns, args.sessions * args.turns * args.calls
        print(f"{args.sessions} sessions, {turns} turns, {calls} worker calls, {size / 1e6:.0f} MB of logs")
        index(home)
        both(home, args.times)


def index(home: Path) -> None:
    """Make the index of the home."""
    from sessions.store import Store

    with Store(home) as store:
        store.list()


WAYS = {"0": "as it is", "1": "redacted"}


class Taken(NamedTuple):
    """Seconds that a format took: the script's, and by way the loop's and the export's."""

    script: float
    loops: dict[str, float]
    exports: dict[str, float]


def both(home: Path, times: int) -> None:
    """Compare each format, then tell of both together."""
    all_taken = [compare(home, name, times) for name in FORMATS]
    print("\nboth")
    tell(
        Taken(
            sum(taken.script for taken in all_taken),
            {way: sum(taken.loops[way] for taken in all_taken) for way in WAYS},
            {way: sum(taken.exports[way] for taken in all_taken) for way in WAYS},
        )
    )


def tell(taken: Taken) -> None:
    """Print how each way of the export compares with the loop over its rows, and with the script."""
    for way, words in WAYS.items():
        loop, export = taken.loops[way], taken.exports[way]
        print(
            f"  {words}: bare loop {loop:.2f} s, export {export:.2f} s, {loop / export:.2f} of its speed "
            f"(script {taken.script:.2f} s, {taken.script / export:.2f})"
        )


def compare(home: Path, name: str, times: int) -> Taken:
    """Run the script, the loops and the exports of a format in turn; the fastest seconds of each."""
    data = {way: home.parent / f"{name}-{way}" / "data" for way in WAYS}
    rows = {way: home.parent / f"{name}-{way}.db" for way in WAYS}
    out = home.parent / "loop.jsonl"
    for way in WAYS:
        _run(name, home, way)
        export_rows.load(data[way], name, rows[way])
        export_rows.loop(name, rows[way], out)
        export_rows.check(data[way], out)
    scripts, loops, runs = [], defaultdict(list), defaultdict(list)
    for _ in range(times):
        scripts.append(script(home, name))
        for way in WAYS:
            loops[way].append(export_rows.loop(name, rows[way], out))
            runs[way].append(_run(name, home, way))
    told = {way: min(runs[way], key=lambda one: one["seconds"]) for way in WAYS}
    most = {what: max(run[what] for way in WAYS for run in runs[way]) for what in ("bytes", "peak", "other")}
    print(
        f"\n{name}: {told['0']['rows']} rows, {most['bytes'] / 1e6:.0f} MB; {most['peak']:.0f} MB of memory at most, "
        f"{most['other']:.0f} MB another process"
    )
    taken = Taken(min(scripts), {w: min(loops[w]) for w in WAYS}, {w: told[w]["seconds"] for w in WAYS})
    tell(taken)
    return taken


def _run(name: str, home: Path, way: str) -> dict[str, float]:
    shutil.rmtree(home.parent / f"{name}-{way}", ignore_errors=True)
    # From the second time on modules are there as bytecode, as those of an installed program are.
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(home.parent / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.export", "--one", name, str(home), way],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def one(name: str, home: str, redact: str) -> None:
    """Export once and tell how long it took, and the most memory."""
    import resource

    from sessions.export import Plan, export, sources
    from sessions.export.formats import find
    from sessions.export.redact import KINDS
    from sessions.home import Home

    out = Path(home).parent / f"{name}-{redact}"
    started = time.perf_counter()
    found = tuple(sources(Home(Path(home)).folders()))
    made = export(Plan(format=find(name), sources=found, redact=KINDS if redact == "1" else ()), str(out))
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (out / "data").rglob("*.jsonl"))
    # Not `ru_maxrss`, in which the memory of whoever started this process counts too.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1000
    other = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    told = {"seconds": seconds, "rows": made.total, "bytes": size, "peak": peak, "other": other}
    print(json.dumps(told))


def script(home: Path, name: str) -> float:
    """Seconds that a person's script takes, from `sessions.db` to its own, thinner rows."""
    started = time.perf_counter()
    with (
        closing(sqlite3.connect(home / "sessions.db")) as database,
        (home.parent / f"{name}.script").open("wb", buffering=1 << 20) as file,
    ):
        for row in SCRIPT[name](database):
            file.write(orjson.dumps(row) + b"\n")
    return time.perf_counter() - started


def _bare_calls(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for (
        session,
        parent,
        document,
        program,
        step,
        call_id,
        prompt,
        response,
        override,
        model,
    ) in database.execute(
        "select s.session_id, s.parent, s.document, s.program, c.step, c.call_id, c.prompt, c.response, c.override,"
        " c.model from worker_calls c join sessions s on s.id = c.session"
        " where c.phase = 'done' and c.purpose = 'answer' order by c.id"
    ):
        text = response if override is None else override
        yield {
            "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}],
            "corrected": override is not None,
            "provenance": {
                "row": f"{session}/{step}/{call_id}",
                "session": session,
                "family": parent or session,
                "step": step,
                "models": [model],
                "decision": "" if override is None else "overridden",
                "document": document,
                "licence": "unknown",
                "tool": program,
            },
        }


def _bare_turns(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    sessions = database.execute("select id, session_id, parent, document, program from sessions order by id")
    for number, session, parent, document, program in sessions.fetchall():
        # The rows of a session have ids of their own block, so that none of another is looked at.
        mine = (number * 10**9, (number + 1) * 10**9)
        told = database.execute(
            "select message_id, role, content from messages where id between ? and ?", mine
        )
        messages = {name: {"role": role, "content": content} for name, role, content in told}
        told = database.execute(
            "select proposal_id, action, by from decisions where id between ? and ?", mine
        )
        decisions = {name: (action, by) for name, action, by in told}
        prompts: dict[str, list[dict[str, str]]] = {}
        for step, call_id, model, text, extends, names, params in database.execute(
            "select step, call_id, model, text, extends, message_ids, params from replies"
            " where id between ? and ? order by id",
            mine,
        ):
            prompt = [*prompts.get(extends, ()), *(messages[name] for name in orjson.loads(names))]
            prompts[call_id] = prompt
            action, by = decisions.get(call_id, ("", ""))
            if action != "approve":
                continue
            yield {
                "prompt": prompt,
                "completion": [{"role": "assistant", "content": text}],
                "provenance": {
                    "row": f"{session}/{step}/{call_id}",
                    "session": session,
                    "family": parent or session,
                    "step": step,
                    "models": [model],
                    "params": params,
                    "decision": action,
                    "decided_by": by,
                    "document": document,
                    "licence": "unknown",
                    "tool": program,
                },
            }


SCRIPT: dict[str, Callable[[sqlite3.Connection], Iterator[dict[str, Any]]]] = {
    "worker": _bare_calls,
    "prompt-completion": _bare_turns,
}


# ---------------------------------------------------------------- sessions


def make(home: Path, number: int, turns: int, calls: int) -> int:
    """Write a session; its bytes."""
    folder = home / "sessions" / f"{number:05d}"
    folder.mkdir(parents=True)
    streams: dict[str, list[bytes]] = {name: [] for name in ev.STREAMS}
    for seq, event in enumerate(_events(number, turns, calls), 1):
        event = ev_stamped(event, seq)
        streams[ev.STREAM[type(event)]].append(ev.encode(event) + b"\n")
    size = 0
    for name, lines in streams.items():
        data = b"".join(lines)
        (folder / f"{name}.jsonl").write_bytes(data)
        size += len(data)
    return size


def ev_stamped(event: ev.Event, seq: int) -> ev.Event:
    """The event with its number and time."""
    import msgspec

    return msgspec.structs.replace(event, seq=seq, timestamp=START + timedelta(milliseconds=40 * seq))


def _prose(source: random.Random, words: int) -> str:
    told = source.choices(WORDS, k=words)
    for place in range(source.randrange(10), words, 10):
        told[place] = source.choice(SPRINKLED)
        if source.randrange(50) == 0:
            told[place] = f"ask person{source.randrange(99)}@example.org"
    return " ".join(told)


def _events(number: int, turns: int, calls: int) -> Iterator[ev.Event]:
    source = random.Random(number)
    usage = Usage(prompt_tokens=900, completion_tokens=60, calls=1)
    yield ev.SessionStarted(
        step=0,
        session_id=f"{number:05d}",
        kind="research",
        query=f"Question {number}?",
        document=ev.DocumentRef(sha256=f"{number:064x}", kind="str", chars=10**6, name="agreement.pdf"),
        supervisor="big",
        worker="small",
        limits=ev.Limits(),
        isolation="strong",
        program="distill-tui 0.1.0",
        python="3.11.7",
    )
    waiting = [
        {"role": "system", "content": "You answer questions of a long document by writing Python. " * 40},
        {"role": "user", "content": f"Question {number}? {_prose(source, 80)}"},
    ]
    extends = None
    worker = 0
    for step in range(1, turns + 1):
        ids = []
        for message in waiting:
            ids.append(message_id(message))
            yield ev.MessageAdded(step=step, message_id=ids[-1], message=message)
        call_id = f"s{step}"
        yield ev.SupervisorCalled(
            step=step,
            call_id=call_id,
            model="big",
            extends=extends,
            message_ids=tuple(ids),
            params={"temperature": 0.7},
        )
        code = f"replies = worker_batch([p + 'step {step}' for p in pieces])\nprint(replies[:{step}])"
        reply = f"{_prose(source, 60)}\n\n```repl\n{code}\n```\n"
        yield ev.SupervisorReplied(
            step=step, call_id=call_id, text=reply, model="big", usage=usage, elapsed=4.0
        )
        cell = f"c{step}"
        yield ev.CellProposed(step=step, cell_id=cell, call_id=call_id, index=0, code=code)
        yield ev.DecisionMade(
            step=step, proposal_id=call_id, action="approve", by="ada", took=2.0, before=(code,)
        )
        yield ev.CellStarted(step=step, cell_id=cell, code=code)
        for index in range(calls):
            worker += 1
            yield ev.WorkerCallStarted(
                step=step,
                cell_id=cell,
                call_id=f"w{worker}",
                prompt=f"{_prose(source, 250)}\n\nDoes this cap liability?",
                model="small",
                params={"temperature": 0.0},
                batch_id=f"b{step}",
                index=index,
            )
            yield ev.WorkerCallReturned(
                step=step,
                call_id=f"w{worker}",
                response=_prose(source, 30),
                model="small",
                usage=usage,
                elapsed=0.3,
            )
        printed = _prose(source, 120)
        yield ev.CellOutput(step=step, cell_id=cell, stream="stdout", text=printed + "\n")
        yield ev.CellFinished(
            step=step, cell_id=cell, status="ok", elapsed=3.0, active=0.1, worker_calls=calls
        )
        waiting = [
            {"role": "assistant", "content": reply},
            {"role": "user", "content": f"Output:\n{printed}"},
        ]
        extends = call_id
    yield ev.SessionFinished(
        step=turns,
        status="finished",
        answer=ev.Final(value="yes", text="yes"),
        partial=False,
        reason="accepted by ada",
        iterations=turns,
        supervisor_usage=usage,
        worker_usage=usage,
        cost=0.1,
        elapsed=60.0,
    )


if __name__ == "__main__":
    main()
