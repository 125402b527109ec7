"""Which kept sessions have no end, and the tree that a session and its forks make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.recorder import holds_session
from distill_core.stream_ends import read_end


def unfinished(home: Path) -> list[Path]:
    """The sessions of a home that have no end, newest first."""
    found = [f for f in _folders(home / "sessions") if not _has_ended(f)]
    return sorted(found, key=_began, reverse=True)


def _began(folder: Path) -> tuple[datetime, str]:
    started = opening(folder)
    return (started.timestamp if started is not None else ev.EPOCH), folder.name


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the tree of forks. `steps` of its parent's were copied; `depth` counts from the root, 0."""

    session_id: str
    folder: Path
    steps: int
    depth: int
    started: ev.SessionStarted


def family(folder: Path) -> list[Node]:
    """The tree that the session in `folder` belongs to, as far as it lies beside it: parents before children.

    Raises:
        LogError: there is no session there.
    """
    beside = {
        s.session_id: (f, s) for f in _folders(folder.absolute().parent) if (s := opening(f)) is not None
    }
    mine = opening(folder)
    if mine is None:
        raise LogError(f"no session in {folder}", remedy="name a session's folder")
    beside[mine.session_id] = (folder, mine)
    root = mine.session_id
    seen = {root}
    while (parent := beside[root][1].parent) is not None and parent.session_id in beside:
        if parent.session_id in seen:
            break
        root = parent.session_id
        seen.add(root)
    children: dict[str, list[str]] = {}
    for name, (_, started) in sorted(beside.items()):
        if started.parent is not None and name != root:
            children.setdefault(started.parent.session_id, []).append(name)
    return list(_walk(root, 0, beside, children))


def _walk(
    name: str, depth: int, beside: dict[str, tuple[Path, ev.SessionStarted]], children: dict[str, list[str]]
) -> Iterator[Node]:
    folder, started = beside[name]
    steps = started.parent.steps if started.parent is not None else 0
    yield Node(session_id=name, folder=folder, steps=steps, depth=depth, started=started)
    for child in children.get(name, ()):
        yield from _walk(child, depth + 1, beside, children)


def opening(folder: Path) -> ev.SessionStarted | None:
    """The first event of the session in `folder`; None where it cannot be read. Reads one line."""
    path = folder / "supervisor.jsonl"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as lines:
            first = ev.decode(lines.readline())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return first if isinstance(first, ev.SessionStarted) else None


def _folders(parent: Path) -> list[Path]:
    try:
        return [f for f in parent.iterdir() if holds_session(f)]
    except OSError:
        return []


_END = b'"type":"session_finished"'


def _has_ended(folder: Path) -> bool:
    """Whether the session has its last event: the last whole line of one file, however long, is looked at."""
    path = folder / "supervisor.jsonl"
    if not path.is_file():
        return True
    try:
        with path.open("rb") as file:
            lines, _ = read_end(file)
            return bool(lines) and _END in lines[-1]
    except OSError:
        return True
