"""Reading a session's folder back: four streams merged by number, damage reported instead of hidden.

A torn last line (power loss, a killed program) is skipped and told; the rest is kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong in a log. A `torn` one is what a killed program leaves; any other is damage."""

    where: str
    what: str
    torn: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A session as read: its events in order, and what was wrong."""

    folder: Path
    events: tuple[ev.Event, ...]
    problems: tuple[Problem, ...]

    @property
    def damaged(self) -> bool:
        """Whether something is wrong beyond a torn last line."""
        return any(not p.torn for p in self.problems)


def read_session(folder: Path) -> Reading:
    """Read the session in `folder`.

    Raises:
        LogError: there is no session there, or it cannot be read.
    """
    problems: list[Problem] = []
    streams = [
        read_stream(folder, name, problems) for name in ev.STREAMS if (folder / f"{name}.jsonl").exists()
    ]
    if not streams:
        raise LogError(
            f"no session in {folder}",
            found="none of " + ", ".join(f"{s}.jsonl" for s in ev.STREAMS),
            remedy="name a session's folder",
        )
    merged = tuple(heapq.merge(*streams, key=attrgetter("seq")))
    problems.extend(_numbering(folder, merged))
    return Reading(folder=folder, events=merged, problems=tuple(problems))


def read_stream(folder: Path, name: str, problems: list[Problem]) -> Iterator[ev.Event]:
    """The events of one stream file; what cannot be read goes to `problems`."""
    path = folder / f"{name}.jsonl"
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                where = f"{path.name} line {number}"
                if not line.endswith(b"\n"):
                    problems.append(Problem(where=where, what="the last line is torn; skipped", torn=True))
                    continue
                try:
                    event = ev.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    problems.append(Problem(where=where, what=_unreadable(line, error)))
                    continue
                if ev.STREAM[type(event)] != name:
                    problems.append(
                        Problem(where=where, what=f"a {_kind(event)} does not belong in this file")
                    )
                yield event
    except OSError as error:
        raise LogError(f"cannot read {path}", found=error.strerror or str(error)) from error


def _kind(event: ev.Event) -> str:
    return str(type(event).__struct_config__.tag)


def _unreadable(line: bytes, error: Exception) -> str:
    """Why a line cannot be read; one of a newer program is told apart from a damaged one."""
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"not JSON: {error}"
    version = raw.get("v") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > ev.SCHEMA_VERSION:
        return f"written by a newer version (schema {version}, this program reads {ev.SCHEMA_VERSION})"
    return f"not an event of this schema: {error}"


def _numbering(folder: Path, events: tuple[ev.Event, ...]) -> Iterator[Problem]:
    expected = 1
    for event in events:
        if event.seq != expected:
            what = (
                f"event {event.seq} stands twice"
                if event.seq < expected
                else f"events {expected} to {event.seq - 1} are missing"
            )
            yield Problem(where=folder.name, what=what)
        expected = event.seq + 1
