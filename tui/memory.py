"""What the screens remember from run to run: layout, theme, what a new session was made with last.

One JSON file in the person's home for sessions. It is a convenience: where it cannot be read or written, the program
goes on without it and says so.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from tui.live.layout import Layout

PLACES = 50
"""Filters of the review queue whose place is remembered."""


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """What a person filled in for a session: as the fields stand, so text throughout."""

    documents: str = ""
    question: str = ""
    supervisor: str = ""
    worker: str = ""
    base_url: str = ""
    policy: str = "ask"
    turns: str = ""
    worker_calls: str = ""
    tokens: str = ""
    money: str = ""


class Reviewed(msgspec.Struct, frozen=True):
    """Where a person left the review queue.

    Args:
        words: the filter it had last.
        places: the session at which each filter was left, the last one last.
    """

    words: str = ""
    places: dict[str, str] = msgspec.field(default_factory=dict)

    def stand(self, words: str, session_id: str) -> Reviewed:
        """At this session under this filter."""
        others = {key: place for key, place in self.places.items() if key != words}
        return Reviewed(words, dict(list({**others, words: session_id}.items())[-PLACES:]))


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered; `reviewing` by person, since several may review in one home."""

    layout: Layout = Layout()
    theme: str | None = None
    new: NewSession = NewSession()
    reviewing: dict[str, Reviewed] = msgspec.field(default_factory=dict)


class Memory:
    """The file and what was in it.

    Args:
        path: the file; None remembers nothing beyond this run.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.value, self.trouble = _read(path)

    def keep(self, **changes: object) -> None:
        """Remember fields of `Remembered` from now on."""
        if all(getattr(self.value, name) == value for name, value in changes.items()):
            return
        self._refresh()
        self.value = msgspec.structs.replace(self.value, **changes)
        self._save()

    def reviewed(self, who: str) -> Reviewed:
        """Where `who` left the review queue."""
        return self.value.reviewing.get(who, Reviewed())

    def stand(self, who: str, words: str, session_id: str) -> None:
        """`who` is at this session of the review queue, under this filter."""
        left = self.reviewed(who).stand(words, session_id)
        if left == self.reviewed(who):
            return
        self._refresh()
        self.value = msgspec.structs.replace(self.value, reviewing={**self.value.reviewing, who: left})
        self._save()

    def _refresh(self) -> None:
        """Take in what another program has written meanwhile."""
        found, trouble = _read(self._path)
        if self._path is not None and not trouble and self._path.exists():
            self.value = found

    def _save(self) -> None:
        try:
            self._write()
        except OSError as error:
            self.trouble = f"cannot write {self._path}: {error.strerror}"

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(self.value)))
            fresh.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise


def _read(path: Path | None) -> tuple[Remembered, str]:
    """What is in the file, and what is wrong with it."""
    if path is None:
        return Remembered(), ""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Remembered), ""
    except FileNotFoundError:
        return Remembered(), ""
    except (OSError, msgspec.DecodeError) as error:
        return Remembered(), f"starting afresh, {path} cannot be read: {error}"
