"""The rows of an export in SQLite, and a bare loop that reads them there and writes them again, letter for letter.

Nothing is left for the loop to find out: each row stands there as it was exported, its hash and where it comes from
too. Lists stand there as JSON text. What was said before a turn stands there once a session, as in `sessions.db`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from sessions.export.provenance import SHAPE

_LISTS = frozenset(name for name, shape in SHAPE.items() if isinstance(shape, list))
_WHENCE = ", ".join(f"p_{name}" for name in SHAPE)


def load(data: Path, name: str, path: Path) -> None:
    """Put rows into a new database.

    Args:
        data: the export's folder of shards.
        name: its format.
        path: the database.
    """
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"create table rows (id integer primary key, {_OWN[name]}, {_WHENCE})")
        database.execute("create table messages (id integer primary key, session, role, content)")
        database.execute("create index of_session on messages (session)")
        width = _OWN[name].count(",") + 1 + len(SHAPE)
        insert = f"insert into rows values (null{', ?' * width})"
        session, said = "", 0
        for row in map(orjson.loads, _lines(data)):
            whence = row["provenance"]
            told = [orjson.dumps(v).decode() if n in _LISTS else v for n, v in whence.items()]
            if name == "worker":
                words = [message["content"] for message in row["messages"]]
                database.execute(insert, (*words, row["corrected"], row["evidence"], *told))
                continue
            if whence["session"] != session:
                session, said = whence["session"], 0
            prompt = row["prompt"]
            database.executemany(
                "insert into messages values (null, ?, ?, ?)",
                [(session, message["role"], message["content"]) for message in prompt[said:]],
            )
            said = len(prompt)
            database.execute(insert, (said, row["completion"][0]["content"], *told))
        database.commit()


def loop(name: str, path: Path, out: Path) -> float:
    """Seconds that it takes to read the rows from the database at `path` and to write them to `out` with orjson."""
    started = time.perf_counter()
    with closing(sqlite3.connect(path)) as database, out.open("wb", buffering=1 << 20) as file:
        for row in _ROWS[name](database):
            file.write(orjson.dumps(row) + b"\n")
    return time.perf_counter() - started


def check(data: Path, out: Path) -> None:
    """Raise where `out` does not hold the rows of the export, each letter and in order."""
    with out.open("rb") as file:
        if any(line != file.readline() for line in _lines(data)) or file.readline():
            raise ValueError(f"the loop wrote other rows than the export has in {data}")


def _lines(data: Path) -> Iterator[bytes]:
    for shard in sorted(data.rglob("*.jsonl")):
        with shard.open("rb") as file:
            yield from file


def _calls(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for _, prompt, response, corrected, evidence, *whence in database.execute(
        "select * from rows order by id"
    ):
        yield {
            "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}],
            "corrected": bool(corrected),
            "evidence": evidence,
            "provenance": _provenance(*whence),
        }


def _turns(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    session, messages = "", []
    for _, said, text, *whence in database.execute("select * from rows order by id"):
        if whence[1] != session:
            session = whence[1]
            messages = [
                {"role": role, "content": content}
                for role, content in database.execute(
                    "select role, content from messages where session = ? order by id", (session,)
                )
            ]
        yield {
            "prompt": messages[:said],
            "completion": [{"role": "assistant", "content": text}],
            "provenance": _provenance(*whence),
        }


def _provenance(
    row: str,
    session: str,
    family: str,
    step: int,
    events: str,
    models: str,
    params: str,
    decision: str,
    decided_by: str,
    annotators: str,
    labels: str,
    document: str,
    licence: str,
    tool: str,
    digest: str,
) -> dict[str, Any]:
    return {
        "row": row,
        "session": session,
        "family": family,
        "step": step,
        "events": orjson.loads(events),
        "models": orjson.loads(models),
        "params": params,
        "decision": decision,
        "decided_by": decided_by,
        "annotators": orjson.loads(annotators),
        "labels": orjson.loads(labels),
        "document": document,
        "licence": licence,
        "tool": tool,
        "hash": digest,
    }


_OWN = {"worker": "prompt, response, corrected, evidence", "prompt-completion": "said, response"}
"""By format, the columns beside those that tell where a row comes from."""
_ROWS: dict[str, Callable[[sqlite3.Connection], Iterator[dict[str, Any]]]] = {
    "worker": _calls,
    "prompt-completion": _turns,
}
