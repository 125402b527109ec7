"""Which kept session is meant, which have no end, and the tree that a session and its forks make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.recorder import holds_session


def find(home: Path, name: str) -> Path:
    """The folder of the session called `name`: a folder, an id, the only beginning of one, or "last".

    Raises:
        LogError: there is none, or several.
    """
    path = Path(name).expanduser()
    if holds_session(path):
        return path
    kept = sorted(f for f in _folders(home / "sessions"))
    if name == "last" and kept:
        return max(kept, key=lambda folder: (folder / "supervisor.jsonl").stat().st_mtime)
    fitting = [f for f in kept if f.name == name] or [f for f in kept if f.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    found = f"{len(fitting)} begin so: {', '.join(f.name for f in fitting[:3])}" if fitting else None
    raise LogError(
        f"no session {name}" if not fitting else f"which session is {name}",
        found=found,
        remedy="name a session's folder, its id, or last",
    )


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
    try:
        with (folder / "supervisor.jsonl").open("rb") as lines:
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
_PIECE = 1 << 16


def _has_ended(folder: Path) -> bool:
    """Whether the session has its last event: the last whole line of one file, however long, is looked at."""
    try:
        with (folder / "supervisor.jsonl").open("rb") as file:
            return _END in _last_line(file)
    except OSError:
        return True


def _last_line(file: BinaryIO) -> bytes:
    """The last line that has its end; b"" where there is none."""
    size = at = file.seek(0, 2)
    tail = b""
    while at > 0 and tail.count(b"\n") < 2:
        at = max(0, at - max(_PIECE, len(tail)))
        file.seek(at)
        tail = file.read(size - at)
    return tail[: tail.rfind(b"\n") + 1].rstrip(b"\n").rpartition(b"\n")[2]
