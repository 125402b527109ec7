"""The store at size: rebuild beside a bare loop, list, filter, search, opening, memory, and the cost of live indexing.

    python benchmarks/store.py [--sessions 1000] [--home FOLDER] [--part rebuild|ask|open|live ...]

Without --home one is made (about 1 GB for 1,000 sessions) and deleted again. The bare loop reads the same files with
orjson and writes the same text into SQLite with executemany, full-text search included, and nothing else: no state, no
checks, no summaries.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store_homes import Sizes, make

from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.state import fold
from sessions import LiveIndex, Store, parse
from sessions.home import Home

HERE = Path(__file__).parent
QUERIES = (
    "",
    "model:llama",
    "label:good rating:>=4",
    "errors:>0 date:2026-01",
    "unreviewed by:ada",
    "cost:<0.2 -label:wrong",
    "worker_batch",
    "COMMON",
    "RARE",
    '"COMMON RARE"',
    "LETTER*",
    "model:qwen COMMON",
)


def log_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("sessions/*/*.jsonl"))


def bare(home: Path) -> float:
    """What a rebuild cannot do without: decode every line, insert every text, index it.

    Returns:
        Seconds of CPU that the full-text index took.
    """
    import orjson

    path = home / "bare.db"
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    db.execute("pragma cache_size = -262144")
    db.execute("create table texts (id integer primary key, session text, kind text, a text, b text)")
    db.execute(
        "create virtual table texts_fts using fts5 (a, b, content='texts', content_rowid='id', "
        """tokenize="unicode61 tokenchars '_'")"""
    )
    number, searched = 0, 0.0
    for folder in sorted((home / "sessions").iterdir()):
        rows: list[tuple[Any, ...]] = []
        prompts: dict[str, str] = {}
        for stream in sorted(folder.iterdir()):
            with stream.open("rb") as lines:
                for line in lines:
                    event = orjson.loads(line)
                    kind = event["type"]
                    if kind == "worker_call_started":
                        prompts[event["call_id"]] = event["prompt"]
                        continue
                    text = event.get("text") or event.get("code") or event.get("response") or ""
                    number += 1
                    rows.append((number, folder.name, kind, prompts.get(event.get("call_id"), ""), text))
        db.execute("begin")
        db.executemany("insert into texts values (?, ?, ?, ?, ?)", rows)
        started = time.process_time()
        db.executemany("insert into texts_fts (rowid, a, b) values (?, ?, ?)", [(r[0], *r[3:]) for r in rows])
        db.execute("commit")
        searched += time.process_time() - started
    db.close()
    path.unlink()
    return searched


def alone(home: Path, what: str) -> tuple[float, float, float, float]:
    """Seconds, seconds of CPU, peak memory (MB), seconds of CPU for full text: of a part, in a process of its own."""
    code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import store; store.alone_main({what!r}, {str(home)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, cpu, peak, searched = map(float, done.stdout.split())
    return seconds, cpu, peak, searched


def alone_main(what: str, home: str) -> None:
    from sessions.rebuilding import rebuild

    started = time.perf_counter()
    searched = 0.0
    if what == "bare":
        searched = bare(Path(home))
    else:
        rebuild(Home(Path(home)))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(time.perf_counter() - started, cpu, sum(one.ru_maxrss for one in used) / 1024, searched)


def rebuilding(home: Path) -> None:
    size = log_bytes(home) / 1e6
    took = {what: alone(home, what) for what in ("bare", "rebuild")}
    for what, (seconds, cpu, peak, _) in took.items():
        speed = f"{size / seconds:6.1f} MB/s, {size / cpu:6.1f} MB a second of CPU"
        print(f"  {what:<8} {seconds:7.1f} s  {speed}  peak memory {peak:5.0f} MB")
    (bare_time, bare_cpu, _, searched), (time_, cpu, _, _) = took["bare"], took["rebuild"]
    print(f"  rebuild takes {time_ / bare_time:.2f} times the bare loop, {cpu / bare_cpu:.2f} times its CPU")
    print(f"  SQLite's full-text index alone takes {searched / bare_cpu:.0%} of the bare loop's CPU")


def timed(work: Callable[[], object], rounds: int = 7) -> float:
    """The median of several runs, in ms."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def asking(home: Path) -> None:
    with Store(home) as store:
        print(f"  {'look at the folders':<28} {timed(store.catch_up):7.1f} ms")
        common, rare = words_of(store)
        for query in QUERIES:
            words = query.replace("COMMON", common).replace("RARE", rare).replace("LETTER", common[0])
            filter = parse(words)
            found = len(store.list(filter))
            print(f"  list    {words:<28} {timed(lambda f=filter: store.list(f)):7.1f} ms  {found} sessions")
            if filter.text:
                hits = len(store.search(filter))
                print(f"  search  {words:<28} {timed(lambda f=filter: store.search(f)):7.1f} ms  {hits} hits")


def words_of(store: Store) -> tuple[str, str]:
    """A word that is everywhere and one that is almost nowhere."""
    store.connection.execute("create virtual table temp.words using fts5vocab(main, worker_calls_fts, row)")
    longer = "length(term) > 3 and term not in ('worker_batch')"
    common = store.connection.execute(
        f"select term from temp.words where {longer} order by doc desc limit 1"
    ).fetchone()[0]
    rare = store.connection.execute(
        f"select term from temp.words where {longer} order by doc limit 1"
    ).fetchone()[0]
    return common, rare


def opening(place: Path) -> None:
    make(place, Sizes(sessions=1, steps=20, calls=10_000, chars=1000))
    with Store(place) as store:
        (row,) = store.list()
        took = timed(lambda: store.open(row.session_id).state, rounds=3)
        print(f"  a session of {row.worker_calls} calls opens in {took:.0f} ms")


def living(place: Path) -> None:
    """A session's own time, and what the index adds: the CPU time of its thread, and of the whole process."""
    make(place / "made", Sizes(sessions=1, steps=20, calls=2000))
    events = read_session(next((place / "made" / "sessions").iterdir())).events
    seconds = sum(getattr(event, "elapsed", 0.0) for event in events if event.step) / 64

    def run(name: str, indexed: bool) -> float:
        folder = place / "sessions" / name
        log = SessionLog(folder)
        live = LiveIndex(place / "sessions.db", folder) if indexed else None
        recorder = Recorder([log, live] if live else [log])
        started = time.process_time()
        for event in events:
            recorder.emit(event)
        log.close()
        if live:
            live.close()
        return time.process_time() - started

    without = statistics.median(run(f"a{n}", False) for n in range(3))
    with_it = statistics.median(run(f"b{n}", True) for n in range(3))
    added = with_it - without
    print(f"  2,000 calls in {len(events)} events: {added * 1000:.0f} ms of CPU added in all,")
    print(f"  {added / len(events) * 1e6:.0f} µs an event; the calls alone, 64 at once, take {seconds:.0f} s")
    print(f"  that is {added / seconds:.1%} of the session's time")
    assert fold(events).finished is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--part", action="append", choices=["rebuild", "ask", "open", "live"])
    options = parser.parse_args()
    parts = options.part or ["rebuild", "ask", "open", "live"]
    place = Path(tempfile.mkdtemp(prefix="store-bench-"))
    try:
        home = options.home or place / "home"
        if {"rebuild", "ask"} & set(parts) and not (home / "sessions").exists():
            size = make(home, Sizes(sessions=options.sessions))
            print(f"{options.sessions} sessions, {size / 1e6:.0f} MB of log")
        if "rebuild" in parts:
            print("rebuild")
            rebuilding(home)
        if "ask" in parts:
            print("list and search (ms, median)")
            asking(home)
        if "open" in parts:
            print("open")
            opening(place / "big")
        if "live" in parts:
            print("live indexing")
            living(place / "live")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
