"""What an export remembers of itself: what was asked, and what became of each session. `export.json` in its folder.

While it is being written the same stands in a journal beside the shards, a line a session, so that an export that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from sessions.export.shards import Place

MANIFEST = "export.json"
CARD = "README.md"
JOURNAL = "journal.jsonl"


class SessionRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a session.

    Args:
        fingerprint: of its log then.
        rows: how many went to `split`.
        hashes: of what they hold.
        files: that were made of it.
        left: by rule, how many of its rows were left out.
        redacted: by kind, how many things.
        columns: which columns its rows had.
        beside: sessions whose content its rows depend on too.
    """

    session: str
    fingerprint: str
    family: str
    split: str = ""
    rows: int = 0
    hashes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    left: dict[str, int] = msgspec.field(default_factory=dict)
    redacted: dict[str, int] = msgspec.field(default_factory=dict)
    columns: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    labels: dict[str, int] = msgspec.field(default_factory=dict)
    models: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()


class Manifest(msgspec.Struct, kw_only=True):
    """An export.

    Args:
        settings: everything that decides on its content, sessions aside.
        files: that it is made of, with their bytes, but this one and the card.
    """

    settings: dict[str, Any]
    sessions: list[SessionRecord]
    files: dict[str, int] = msgspec.field(default_factory=dict)


class _Entry(msgspec.Struct, kw_only=True):
    record: SessionRecord
    places: dict[str, Place]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def write_manifest(folder: Path, settings: dict[str, Any], records: list[SessionRecord]) -> str:
    """Write a `Manifest` of what is in `folder`, a session a line, the same bytes for the same export.

    Gives their SHA-256.
    """
    encode = msgspec.json.Encoder(order="deterministic").encode
    lines = b",\n".join([encode(record) for record in records])
    files = encode(_sizes(folder))
    data = b'{"settings":%b,"files":%b,"sessions":[\n%b\n]}\n' % (encode(settings), files, lines)
    (folder / MANIFEST).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether the files of an export are there as it left them, by their sizes."""
    sizes = _sizes(folder)
    return all(sizes.get(name) == size for name, size in manifest.files.items())


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file in an export's folder but those that tell of it."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.stat().st_size for name, path in paths.items() if name not in (MANIFEST, CARD, JOURNAL)
    }


class Journal:
    """The journal of an export in the making.

    Args:
        folder: where the export is being written.
        settings: of this export; a journal of another one is not gone on with.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / JOURNAL
        self.records: list[SessionRecord] = []
        self.places: dict[str, Place] = {}
        self.usable = self._read(settings)
        if self.usable:
            self._file = self._path.open("ab")

    def _read(self, settings: dict[str, Any]) -> bool:
        try:
            written = self._path.read_bytes()
        except OSError:
            return False
        whole = written[: written.rfind(b"\n") + 1]
        first, *rest = whole.splitlines() or [b""]
        try:
            if msgspec.json.decode(first) != msgspec.to_builtins(settings):
                return False
            entries = [msgspec.json.decode(line, type=_Entry) for line in rest]
        except msgspec.DecodeError:
            return False
        if len(whole) < len(written):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        self.records = [entry.record for entry in entries]
        self.places = entries[-1].places if entries else {}
        return True

    def begin(self, settings: dict[str, Any]) -> None:
        """Start a journal."""
        self._file = self._path.open("wb")
        self._file.write(msgspec.json.encode(settings) + b"\n")
        self._file.flush()

    def add(self, record: SessionRecord, places: dict[str, Place]) -> None:
        """Note that a session is done, and how far the shards are written."""
        self.records.append(record)
        self._file.write(msgspec.json.encode(_Entry(record=record, places=places)) + b"\n")
        self._file.flush()

    def remove(self) -> None:
        """The export is whole: the journal goes."""
        self._file.close()
        self._path.unlink(missing_ok=True)
