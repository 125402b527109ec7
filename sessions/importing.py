"""Taking sessions into a home: copied folders, other homes, logs of the three-file form, exported files.

Idempotent by content.

A session that is there already stays; one that has grown elsewhere grows here; judgements that people made on two
copies are brought together. Nothing is ever overwritten.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from distill_core import document_store
from distill_core import events as ev
from distill_core.errors import DistillError, LogError, StoreError
from distill_core.reading import read_session
from distill_core.recorder import SessionLog, encode_line, holds_session, no_file
from distill_core.reopening import last_number
from sessions import exported, three_files
from sessions.appending import opened
from sessions.arriving import arriving
from sessions.home import Home
from sessions.verify import documents_folders

NAME_BYTES = 200
"""Bytes of a folder's name; file systems take 255, of which a number behind it needs some."""

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""What a file system says where a folder of that name is there already."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a session that was brought.

    Args:
        outcome: "new"; "there" already, with all that it holds; "grown" by what the copy had more.
        notes: what is worth knowing: a document that did not come with it, events that could not be read.
    """

    source: Path
    session_id: str
    outcome: Literal["new", "there", "grown"]
    notes: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A session that could not be taken in, and why."""

    source: Path
    why: str


def take(home: Home, path: Path) -> Iterator[Imported | Refused]:
    """Take every session at `path` into `home`: a folder of one, a folder of such, or a file that was exported.

    A folder that cannot be taken keeps no other from being taken; of an exported file that is damaged none is.

    Raises:
        LogError: the file cannot be read, or the home cannot be written.
        StoreError: there is no session, or the file is damaged.
    """
    if exported.holds_export(path):
        yield from _exported(home, path)
        return
    for folder in find(path):
        try:
            yield bring(home, folder)
        except DistillError as error:
            yield Refused(source=folder, why=str(error))


def _exported(home: Home, path: Path) -> Iterator[Imported]:
    for _ in exported.stories(path):
        pass  # what cannot be read is found before anything is taken
    for _, story in exported.stories(path):
        with _telling(path):
            brought = _bring_story(home, path, story)
        yield brought


def find(path: Path) -> list[Path]:
    """The session folders that `path` stands for: itself, or those inside it (a home, its `sessions`, any folder).

    Raises:
        StoreError: there is none.
    """
    if holds_session(path):
        return [path]
    for place in (path / "sessions", path):
        if place.is_dir():
            found = [p for p in sorted(place.iterdir()) if not p.name.startswith(".") and holds_session(p)]
            if found:
                return found
    raise StoreError(
        f"no session in {path}", remedy="name a session's folder, a folder of such, or an exported file"
    )


def bring(home: Home, folder: Path) -> Imported:
    """Take the session in `folder` into `home`.

    Raises:
        LogError: it cannot be read, or the home cannot be written.
        StoreError: it is damaged.
    """
    if (odd := no_file(folder)) is not None:
        raise LogError(f"cannot read {odd}", found="it is no file")
    with _telling(folder):
        home.sessions.mkdir(parents=True, exist_ok=True)
        if three_files.is_three_files(folder):
            return _bring_three_files(home, folder)
        return _bring(home, folder)


def _bring_three_files(home: Home, folder: Path) -> Imported:
    name = three_files.identity(folder)
    if holds_session(home.sessions / name):
        return Imported(source=folder, session_id=name, outcome="there")
    events = three_files.read(folder)
    try:
        with _becoming(home, name) as place:
            log = SessionLog(place)
            try:
                for event in events:
                    log.write(event)
            finally:
                log.close()
            document_store.keep("", home.documents)
    except OSError as error:
        if error.errno not in _TAKEN or not holds_session(home.sessions / name):
            raise
        return Imported(source=folder, session_id=name, outcome="there")
    return Imported(
        source=folder, session_id=name, outcome="new", notes=("its log holds neither document nor answer",)
    )


def _bring_story(home: Home, path: Path, story: exported.Story) -> Imported:
    home.sessions.mkdir(parents=True, exist_ok=True)
    place = home.sessions / _plain(story.session_id)
    if holds_session(place) and not _imported(place):
        notes = (*story.notes, "the session itself is here, nothing is taken from the file")
        return Imported(source=path, session_id=place.name, outcome="there", notes=notes)
    with arriving(home.sessions) as folder:
        _copy(story.events, folder / "session")
        brought = _bring(home, folder / "session")
    return msgspec.structs.replace(brought, source=path, notes=(*story.notes, *brought.notes))


def _imported(place: Path) -> bool:
    started = next(iter(read_session(place).events), None)
    return isinstance(started, ev.SessionStarted) and "imported" in started.config


def _bring(home: Home, folder: Path) -> Imported:
    reading = read_session(folder)
    started = next((e for e in reading.events if isinstance(e, ev.SessionStarted)), None)
    if started is None or reading.damaged:
        what = next((str(p) for p in reading.problems if not p.torn), "it has no beginning")
        raise StoreError(f"the session in {folder} is damaged", found=what, remedy="see sessions verify")
    notes = [str(p) for p in reading.problems]
    document = _document(home, folder, started.document)
    if document is not None:
        notes.append(document)
    name, number = _plain(started.session_id), 1
    while True:
        candidate = name if number == 1 else f"{name}.{number}"
        place = home.sessions / candidate
        if place.resolve() == folder.resolve():
            return Imported(source=folder, session_id=candidate, outcome="there", notes=tuple(notes))
        if not holds_session(place):
            try:
                with _becoming(home, candidate) as coming:
                    _copy(reading.events, coming)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
            else:
                return Imported(source=folder, session_id=candidate, outcome="new", notes=tuple(notes))
        # It is there, or another program was faster.
        grown = _grow(place, reading.events) if holds_session(place) else None
        if grown is not None:
            outcome: Literal["there", "grown"] = "grown" if grown else "there"
            return Imported(source=folder, session_id=candidate, outcome=outcome, notes=tuple(notes))
        number += 1


def missing(ours: tuple[ev.Event, ...], theirs: tuple[ev.Event, ...]) -> list[ev.Event] | None:
    """What `ours` lacks of `theirs`, numbered to go behind it; None where they are not the same session.

    Two copies of a session share their beginning. Where both went on, only judgements can be brought together.
    """
    shared = 0
    for a, b in zip(ours, theirs, strict=False):
        if a != b:
            break
        shared += 1
    if shared == 0 or not isinstance(ours[0], ev.SessionStarted):
        return None
    more = theirs[shared:]
    if not more or shared == len(ours):
        return list(more)
    if not all(isinstance(e, ev.Annotated | ev.Retracted) for e in (*ours[shared:], *more)):
        return None
    return list(_renumbered(ours, more, shared))


def _renumbered(ours: tuple[ev.Event, ...], more: Iterable[ev.Event], shared: int) -> Iterator[ev.Event]:
    """The judgements in `more` that `ours` lacks, with the numbers that they get there."""
    there = {_content(event): event.seq for event in ours[shared:]}
    numbers: dict[int, int] = {}
    last = ours[-1].seq
    for event in more:
        known = event
        if isinstance(event, ev.Retracted):
            known = msgspec.structs.replace(event, retracts=numbers.get(event.retracts, event.retracts))
        seq = there.get(_content(known))
        if seq is None:
            last += 1
            seq = last
            yield msgspec.structs.replace(known, seq=seq)
        numbers[event.seq] = seq


def _content(event: ev.Event) -> bytes:
    return ev.encode(msgspec.structs.replace(event, seq=0))


def _grow(place: Path, theirs: tuple[ev.Event, ...]) -> bool | None:
    """Add to the session in `place` what it lacks of `theirs`; whether that was anything, None where it is another.

    Raises:
        LogError: it cannot be read or written, or a program still runs it.
    """
    new = missing(read_session(place).events, theirs)
    if not new:
        return None if new is None else False
    log = opened(place)
    try:
        last_number(place)
        # As it stands now that no other program adds to it.
        new = missing(read_session(place).events, theirs)
        for event in new or ():
            log.write(event)
    finally:
        log.close()
    return None if new is None else bool(new)


def _copy(events: Iterable[ev.Event], place: Path) -> None:
    """Write the events as they are; a torn line stays behind."""
    place.mkdir(parents=True, exist_ok=True)
    files = {stream: (place / f"{stream}.jsonl").open("wb") for stream in ev.STREAMS}
    try:
        for event in events:
            files[ev.STREAM[type(event)]].write(encode_line(event))
    finally:
        for file in files.values():
            file.close()


def _document(home: Home, folder: Path, reference: ev.DocumentRef) -> str | None:
    """Keep the session's document in the home; what to say where it did not come with it."""
    if document_store.renewed(document_store.document_path(home.documents, reference)):
        return None
    for place in documents_folders(folder):
        if document_store.document_path(place, reference).exists():
            context = document_store.fetch(place, reference)
            document_store.keep(context, home.documents, name=reference.name)
            return None
    return "its document did not come with it"


def _plain(session_id: str) -> str:
    """The session's id as a folder's name that commands take, whatever a log from elsewhere says."""
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in session_id).lstrip("-.")
    name = name[:100].encode()[:NAME_BYTES].decode(errors="ignore")
    return "imported" if name in ("", "last") else name


@contextlib.contextmanager
def _becoming(home: Home, name: str) -> Iterator[Path]:
    """A folder that becomes the session `name` of the home when it is whole, and is nothing before."""
    with arriving(home.sessions) as folder:
        yield folder / "session"
        (folder / "session").rename(home.sessions / name)


@contextlib.contextmanager
def _telling(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename and Path(error.filename) != source else ""
        raise LogError(f"cannot import {source}", found=f"{error.strerror or error}{where}") from error
