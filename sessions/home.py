"""Where things are in a home: session folders, documents, the trash, the index. Nothing here opens any of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from pathlib import Path

import msgspec

from distill_core.errors import StoreError
from distill_core.events import EPOCH, STREAMS
from distill_core.recorder import holds_session
from sessions.bundled import is_example
from sessions.forking import opening


class Home(msgspec.Struct, frozen=True):
    """The folder that holds every session of a person.

    Args:
        path: the folder; it need not exist yet.
    """

    path: Path

    @property
    def sessions(self) -> Path:
        """The folder of session folders."""
        return self.path / "sessions"

    @property
    def documents(self) -> Path:
        """Documents, once by content hash."""
        return self.path / "documents"

    @property
    def trash(self) -> Path:
        """Session folders that were removed and can be restored."""
        return self.path / "trash"

    @property
    def index(self) -> Path:
        """The SQLite index, which can be made again from the folders."""
        return self.path / "sessions.db"

    def there(self) -> Home:
        """The home itself, for whoever only reads: looking at what is not there makes none.

        Raises:
            StoreError: there is no such folder.
        """
        if not self.path.is_dir():
            raise StoreError(
                f"there is no home {self.path}",
                remedy="name another with --home, or begin one: distill-tui demo",
            )
        return self

    def folder(self, session_id: str) -> Path:
        """The folder of the session called `session_id`.

        Raises:
            StoreError: that is no name of a folder.
        """
        if session_id in ("", ".", "..") or "/" in session_id or "\0" in session_id:
            raise StoreError(
                "no such session", found=repr(session_id), remedy="list them: distill-tui sessions list"
            )
        return self.sessions / session_id

    def folders(self) -> Iterator[Path]:
        """The folders that hold a session, sorted by name.

        Raises:
            StoreError: the folder of sessions cannot be read.
        """
        try:
            found = sorted(self.sessions.iterdir(), key=attrgetter("name"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(
                f"cannot read {self.sessions}",
                found=error.strerror or str(error),
                remedy="choose another home with --home",
            ) from error
        yield from (folder for folder in found if not folder.name.startswith(".") and holds_session(folder))

    def find(self, name: str) -> Path:
        """The folder of the session that a person means.

        Args:
            name: a folder anywhere, a session's id, the only beginning of one, or "last" for the newest by its start;
                sessions that come with the program count as that where there are no others.

        Raises:
            StoreError: there is none, or several begin so.
        """
        path = Path(name).expanduser()
        if name and holds_session(path):
            return path
        kept = list(self.folders())
        if name == "last" and not kept:
            raise StoreError("no session is kept here yet", remedy="begin one: distill-tui demo")
        if name == "last":
            return _newest([f for f in kept if not is_example(f.name)] or kept)
        return the_one(kept, name)


def _newest(folders: Sequence[Path]) -> Path:
    """The session that began last: the first of the list of sessions.

    No log was written to before its session began, so those are read first that were written to last, and the rest
    need not be.
    """
    written = sorted(((_written(folder), folder) for folder in folders), reverse=True)
    newest = _began(written[0][1])
    for at, folder in written[1:]:
        if at + _CLOCK < newest[0].timestamp():
            break
        newest = max(newest, _began(folder))
    return newest[2]


_CLOCK = 60.0
"""Seconds by which the clock of a file system may be behind."""


def _began(folder: Path) -> tuple[datetime, str, Path]:
    started = opening(folder)
    return (started.timestamp if started is not None else EPOCH), folder.name, folder


def _written(folder: Path) -> float:
    return max((folder / f"{s}.jsonl").stat().st_mtime for s in STREAMS if (folder / f"{s}.jsonl").exists())


def the_one(
    folders: Iterable[Path], name: str, where: str = "", listed: str = "distill-tui sessions list"
) -> Path:
    """The folder called `name`, or the only one whose name begins so.

    Args:
        where: they lie, for people; `listed` says how they are listed.

    Raises:
        StoreError: there is none, or several begin so.
    """
    among = list(folders)
    fitting = [f for f in among if f.name == name] or [f for f in among if name and f.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = ", ".join(folder.name for folder in fitting[:3])
        raise StoreError(
            f"several sessions{where} begin with {name!r}",
            found=several + (", …" if len(fitting) > 3 else ""),
            remedy="name more of it",
        )
    raise StoreError(
        f"no session{where} is called {name!r}",
        remedy=f"name a folder, an id, the beginning of one, or last; list them: {listed}",
    )


def sizes(folder: Path) -> tuple[int, ...]:
    """Bytes of each stream of the session in `folder`; 0 for one that is not there, or a link that leads nowhere."""
    return tuple([_size(f"{folder}/{stream}.jsonl") for stream in STREAMS])


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - asked of every session, often
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return 0
        raise
