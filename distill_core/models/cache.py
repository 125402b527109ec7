"""The response cache: replies to equal calls, kept on disk, so that running an edited step again does not pay twice.

A call is equal to another when class of handler, model, endpoint, parameters and messages are; since the same
prompt may be asked twice on purpose, the nth equal call of a session gets the nth kept reply. The store is one
SQLite file: several processes may share it, a crash leaves either the whole reply or none of it, and nothing has
to be swept up.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from distill_core.errors import DistillError
from distill_core.models.base import LMResponse, Message, ModelHandler

T = TypeVar("T")
KEY_VERSION = 1
BUSY_SECONDS = 30.0
SCHEMA = """
create table if not exists replies (
    key text not null,
    occurrence integer not null,
    kept_at real not null,
    reply blob not null,
    primary key (key, occurrence)
) without rowid
"""


def cache_key(handler: ModelHandler, messages: Sequence[Message], params: Mapping[str, Any]) -> str:
    """What makes two calls equal, as a hash: kind of handler, model, endpoint, parameters, exact messages.

    The endpoint is the handler's `identity` where it has one (a server on a port that changes names its
    weights), else its `base_url`. Parameters are those of the handler under those of the call; None counts as
    not given.
    """
    kind = type(handler)
    sent = {**handler.sampling(), **params}
    asked = {
        "version": KEY_VERSION,
        "handler": f"{kind.__module__}.{kind.__qualname__}",
        "model": handler.model,
        "endpoint": str(getattr(handler, "identity", None) or getattr(handler, "base_url", "")),
        "params": {name: value for name, value in sent.items() if value is not None},
        "messages": list(messages),
    }
    encoded = msgspec.json.encode(asked, order="sorted", enc_hook=repr)
    return hashlib.sha256(encoded).hexdigest()


_REMEDIES = {
    sqlite3.SQLITE_FULL: "free some space, or choose another home with --home",
    sqlite3.SQLITE_READONLY: "choose a home you may write with --home",
    sqlite3.SQLITE_CANTOPEN: "choose a home you may write with --home",
}
"""What helps against what SQLite says."""


class ResponseCache:
    """Kept replies, as one session sees them.

    Args:
        path: the SQLite file; made with its folders where it is missing.

    Raises:
        DistillError: the file cannot be opened, or is something else.
    """

    def __init__(self, path: Path | str) -> None:
        self._store = _Store(Path(path).expanduser())
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._missed: defaultdict[str, list[int]] = defaultdict(list)

    def session(self) -> ResponseCache:
        """The same store for another session: its first call of a kind gets the first kept reply again."""
        fresh = ResponseCache.__new__(ResponseCache)
        fresh._store = self._store
        fresh._asked = defaultdict(int)
        fresh._missed = defaultdict(list)
        return fresh

    async def find(
        self, model: ModelHandler, messages: Sequence[Message], params: Mapping[str, Any]
    ) -> LMResponse | None:
        """The reply kept for this occurrence of the call, marked `cached`; None where there is none.

        Each call of this counts as one occurrence. For a handler that is not `cacheable`, or that has neither a
        `model` nor an `identity` of its own, there is never one.
        """
        if self._store.closed or not _may_keep(model):
            return None
        started = time.monotonic()
        key = cache_key(model, messages, params)
        occurrence = self._asked[key]
        self._asked[key] += 1
        kept = await self._store.soon(lambda: self._store.read(key, occurrence))
        if kept is None:
            self._missed[key].append(occurrence)
            return None
        return msgspec.structs.replace(kept, cached=True, elapsed=time.monotonic() - started, attempts=0)

    async def keep(
        self, model: ModelHandler, messages: Sequence[Message], params: Mapping[str, Any], reply: LMResponse
    ) -> None:
        """Keep `reply` for the first occurrence of the call that `find` had nothing for, if it may be kept."""
        if self._store.closed or not _may_keep(model):
            return
        key = cache_key(model, messages, params)
        missed = self._missed.get(key)
        if missed:
            occurrence = missed.pop(0)
        else:
            occurrence = self._asked[key]
            self._asked[key] += 1
        await self._store.soon(lambda: self._store.write(key, occurrence, reply))

    def __len__(self) -> int:
        return self._store.now(self._store.count)

    def clear(self) -> None:
        """Forget every reply, for all sessions."""
        self._store.now(self._store.empty)

    def close(self) -> None:
        """Close the file. Safe to call twice.

        Whoever did not wait for a session's end closes it under calls that are on their way: their replies are not
        kept, and nothing is wrong with the cache.
        """
        self._store.close()


def _may_keep(model: ModelHandler) -> bool:
    """Whether replies of `model` can be told from those of others of its class, and it lets them be kept."""
    known = model.model != ModelHandler.model or getattr(model, "identity", None) is not None
    return model.cacheable and known


class _Store:
    """The SQLite file, read and written on one thread of its own: an event loop must not wait for a disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="response-cache")
        self.closed = False
        try:
            self._connection = self.now(self._open)
        except DistillError:
            self._thread.shutdown()
            raise

    async def soon(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._told, work)

    def now(self, work: Callable[[], T]) -> T:
        return self._thread.submit(self._told, work).result()

    def read(self, key: str, occurrence: int) -> LMResponse | None:
        row = self._connection.execute(
            "select reply from replies where key = ? and occurrence = ?", (key, occurrence)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=LMResponse)

    def write(self, key: str, occurrence: int, reply: LMResponse) -> None:
        """Whoever kept a reply first is right: other sessions may have seen it."""
        with self._connection:
            self._connection.execute(
                "insert or ignore into replies values (?, ?, ?, ?)",
                (key, occurrence, time.time(), msgspec.json.encode(reply)),
            )

    def count(self) -> int:
        return int(self._connection.execute("select count(*) from replies").fetchone()[0])

    def empty(self) -> None:
        with self._connection:
            self._connection.execute("delete from replies")

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.now(self._connection.close)
            self._thread.shutdown()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)
        connection.execute("pragma journal_mode = wal")  # readers and a writer do not wait for each other
        connection.execute("pragma synchronous = normal")  # a power cut may lose replies, never the file
        with connection:
            connection.execute(SCHEMA)
        return connection

    def _told(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
            if not self.path.parent.is_dir():
                raise DistillError(
                    f"cannot make the folder {self.path.parent}",
                    found=getattr(error, "strerror", None) or str(error),
                    remedy="choose another with --home or DISTILL_HOME",
                ) from error
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            raise DistillError(
                f"the response cache {self.path} cannot be used",
                found=str(error),
                remedy=_REMEDIES.get(code, "delete the file, or switch the cache off"),
            ) from error
