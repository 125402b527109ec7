"""Removing sessions: into the trash first, from where they come back; and sweeping up what nothing refers to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import StoreError
from distill_core.liveness import is_live
from distill_core.reading import read_stream
from distill_core.recorder import holds_session
from sessions.arriving import left_behind
from sessions.home import Home, the_one

YOUNG = 3600.0
"""Seconds for which what nothing refers to is left alone: its session may just be starting, or arriving."""


class Swept(msgspec.Struct, frozen=True):
    """What was (or would be) swept up: files and folders, and their bytes."""

    paths: tuple[Path, ...]
    bytes: int


def remove(home: Home, session_id: str) -> Path:
    """Move a session into the trash; gives its place there.

    Raises:
        StoreError: there is no such session, a program is writing it, or it cannot be moved.
    """
    folder = home.folder(session_id)
    if not holds_session(folder):
        raise StoreError(
            f"no session is called {session_id!r}", remedy="list them: distill-tui sessions list"
        )
    if is_live(folder):
        raise StoreError(f"session {session_id} is still running", remedy="end it first")
    return _move(folder, home.trash)


def restore(home: Home, session_id: str) -> Path:
    """Move a session back from the trash.

    Args:
        session_id: its name there, or the only beginning of one.

    Raises:
        StoreError: it is not there, several begin so, or another one has its place.
    """
    home.folder(session_id)
    folder = the_one(trashed(home), session_id, " in the trash", "distill-tui sessions restore")
    session_id = folder.name
    place = home.sessions / session_id
    if place.exists():
        raise StoreError(f"cannot restore {session_id}", found="a session of that name is kept already")
    try:
        home.sessions.mkdir(parents=True, exist_ok=True)
        return folder.rename(place)
    except OSError as error:
        raise StoreError(f"cannot restore {session_id}", found=error.strerror or str(error)) from error


def trashed(home: Home) -> list[Path]:
    """The sessions in the trash."""
    return sorted(p for p in home.trash.iterdir() if holds_session(p)) if home.trash.is_dir() else []


def sweep(home: Home, *, trash: bool = False, dry: bool = False, young: float = YOUNG) -> Swept:
    """Delete documents that no session reads, kept or trashed, and what a killed program left behind.

    Args:
        trash: empty the trash as well.
        dry: only say what would go.
        young: seconds for which a document, or a folder in which a session arrives, is left alone.

    Raises:
        StoreError: a session cannot be read, so that nobody knows which document it needs; nothing is deleted.
    """
    doomed = [*(trashed(home) if trash else ()), *left_behind(home.sessions, young)]
    needed = set(_needed(home, skip_trash=trash))
    now = time.time()
    if home.documents.is_dir():
        for path in sorted(home.documents.iterdir()):
            if path.stem not in needed and now - path.stat().st_mtime > young:
                doomed.append(path)
    size = sum(_size(path) for path in doomed)
    try:
        for path in () if dry else doomed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise StoreError(f"cannot delete {error.filename}", found=error.strerror or str(error)) from error
    return Swept(tuple(doomed), size)


def _needed(home: Home, *, skip_trash: bool) -> Iterator[str]:
    for folder in (*home.folders(), *(() if skip_trash else trashed(home))):
        started = next(
            (e for e in read_stream(folder, "supervisor", []) if isinstance(e, ev.SessionStarted)), None
        )
        if started is not None:
            yield started.document.sha256
        elif (folder / "supervisor.jsonl").stat().st_size:
            raise StoreError(
                f"cannot tell which document session {folder.name} reads",
                remedy="see sessions verify; remove the session or leave the documents as they are",
            )


def _move(folder: Path, trash: Path) -> Path:
    try:
        trash.mkdir(parents=True, exist_ok=True)
        place, number = trash / folder.name, 1
        while place.exists():
            number += 1
            place = trash / f"{folder.name}.{number}"
        return folder.rename(place)
    except OSError as error:
        raise StoreError(f"cannot move {folder} to the trash", found=error.strerror or str(error)) from error


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size
