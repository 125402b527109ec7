"""Which sessions: their folders, what can be told of each without reading it whole, and who is related to whom."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import ExportError, LogError
from distill_core.reading import Ends, ends_of
from distill_core.recorder import holds_session
from sessions.export.hashing import ALGORITHM

_HEAD = 8192
"""Bytes in which a log's first line mostly ends."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A session to export.

    Args:
        family: the oldest ancestor that is known; forks and their parents share it.
        document: hash of the document that it read.
        trouble: why it cannot be read; "" if it can.
    """

    session_id: str
    folder: Path
    family: str
    document: str = ""
    trouble: str = ""


def sources(folders: Iterable[Path], parents: Mapping[str, str] | None = None) -> list[Source]:
    """The sessions in `folders`, by id. A session that is there twice stands there twice.

    Args:
        parents: of forks that are known, those not to be exported too, so that relatives are told as such.

    Raises:
        ExportError: a folder cannot be read.
    """
    found = sorted(
        ((folder, *_beginning(folder)) for folder in folders),
        key=lambda one: (_id(one[0], one[1]), str(one[0])),
    )
    forks = [one for _, one, _ in found if one is not None and one.parent is not None]
    # What is told of a parent counts where the parent does not tell of itself.
    known = {one.parent.session_id: one.parent.family for one in forks if one.parent and one.parent.family}
    known |= parents or {}
    known |= {one.session_id: one.parent.session_id for one in forks if one.parent}
    return [
        Source(
            session_id=_id(folder, started),
            folder=folder,
            family=_oldest(_id(folder, started), known),
            document=started.document.sha256 if started is not None else "",
            trouble=trouble,
        )
        for folder, started, trouble in found
    ]


def _id(folder: Path, started: ev.SessionStarted | None) -> str:
    return started.session_id if started is not None else folder.name


def _oldest(session_id: str, parents: dict[str, str]) -> str:
    seen = {session_id}
    while (parent := parents.get(session_id)) is not None and parent not in seen:
        seen.add(parent)
        session_id = parent
    return session_id


def _beginning(folder: Path) -> tuple[ev.SessionStarted | None, str]:
    path = f"{folder}/supervisor.jsonl"
    try:
        line = _first_line(path)
    except FileNotFoundError:
        if holds_session(folder):
            return None, "it has no supervisor.jsonl"
        raise ExportError(f"no session in {folder}", remedy="name a session's folder") from None
    except OSError as error:
        raise ExportError(f"cannot read {path}", found=error.strerror or str(error)) from error
    if line is None:
        return None, "its supervisor.jsonl is no file"
    try:
        event = ev.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, _unreadable(line, str(error))
    if not isinstance(event, ev.SessionStarted):
        return None, "it does not begin with session_started"
    # What a newer version says may be read, and may mean something else.
    return event, _newer(event.v) if event.v > ev.SCHEMA_VERSION else ""


def _newer(version: int) -> str:
    return f"written by a newer version (schema {version}, this program reads {ev.SCHEMA_VERSION})"


def _first_line(path: str) -> bytes | None:
    """The first line; None where there is no file, but something that may have no end."""
    # Who opens a pipe of that name does not wait for who writes to it.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        read = [os.read(fd, _HEAD)]
        while read[-1] and b"\n" not in read[-1]:
            read.append(os.read(fd, _HEAD))
    finally:
        os.close(fd)
    line = b"".join(read)
    return line[: line.find(b"\n") + 1] or line


def _unreadable(line: bytes, error: str) -> str:
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "its first line is torn or damaged"
    version = raw.get("v") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > ev.SCHEMA_VERSION:
        return _newer(version)
    return error


def fingerprint(ends: Ends) -> str:
    """Changes when a log does, given the ends of its streams, or when rows get other names than before."""
    digest = hashlib.sha256(ALGORITHM)
    for name in ev.STREAMS:
        if name in ends:
            size, tail = ends[name]
            digest.update(b"%b %d\n%b" % (name.encode(), size, tail))
    return digest.hexdigest()[:24]


def fingerprint_of(folder: Path) -> str:
    """That of the log in `folder`; "" where it cannot be read, whatever the reason."""
    try:
        return fingerprint(ends_of(folder))
    except LogError:
        return ""
