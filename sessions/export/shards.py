"""Lines into shards, a folder a split: `data/train/00000.jsonl`, and `provenance/…` where that lies beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

_BUFFER = 1 << 16
"""Bytes that wait until there are more; rows that come together are mostly more than that, and do not."""
DATA, BESIDE = "data", "provenance"


class Place(msgspec.Struct, kw_only=True):
    """How far a split is written: `shard` its last file, `size` and `beside` the bytes in it, `rows` in all of it."""

    shard: int = 0
    size: int = 0
    beside: int = 0
    rows: int = 0


class Shards:
    """Appends lines.

    Args:
        root: the folder of the export.
        shard_size: bytes after which a new file is begun.
        places: where to go on; the files are cut to that.
    """

    def __init__(self, root: Path, shard_size: int, places: dict[str, Place] | None = None) -> None:
        self._root = root
        self._shard_size = shard_size
        self.places = places or {}
        self._open: dict[tuple[str, str], BinaryIO] = {}
        for split, place in self.places.items():
            self._cut(split, place)

    def write(self, split: str, line: bytes, beside: bytes | None = None) -> None:
        """Append one row to `split`; neither line ends with a newline."""
        place = self.places.setdefault(split, Place())
        if place.size and place.size + len(line) + 1 > self._shard_size:
            self._close(split)
            place.shard, place.size, place.beside = place.shard + 1, 0, 0
        self._file(DATA, split, place.shard).write(line + b"\n")
        place.size += len(line) + 1
        if beside is not None:
            self._file(BESIDE, split, place.shard).write(beside + b"\n")
            place.beside += len(beside) + 1
        place.rows += 1

    def write_all(self, split: str, rows: int, lines: memoryview, beside: bytes) -> None:
        """Append several rows: their lines, each with its newline; `beside` is empty where nothing goes there."""
        place = self.places.setdefault(split, Place())
        if place.size + len(lines) > self._shard_size:
            told = beside.split(b"\n")
            for number, line in enumerate(bytes(lines).split(b"\n")[:rows]):
                self.write(split, line, told[number] if beside else None)
            return
        self._file(DATA, split, place.shard).write(lines)
        place.size += len(lines)
        place.rows += rows
        if beside:
            self._file(BESIDE, split, place.shard).write(beside)
            place.beside += len(beside)

    def flush(self) -> None:
        """Hand everything to the system."""
        for file in self._open.values():
            file.flush()

    def close(self) -> None:
        """Write everything and close."""
        for file in self._open.values():
            file.close()
        self._open = {}

    def _file(self, kind: str, split: str, shard: int) -> BinaryIO:
        file = self._open.get((kind, split))
        if file is None:
            path = shard_path(self._root, kind, split, shard)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._open[kind, split] = path.open("ab", buffering=_BUFFER)
        return file

    def _close(self, split: str) -> None:
        for kind in (DATA, BESIDE):
            file = self._open.pop((kind, split), None)
            if file is not None:
                file.close()

    def _cut(self, split: str, place: Place) -> None:
        for kind, size in ((DATA, place.size), (BESIDE, place.beside)):
            path = shard_path(self._root, kind, split, place.shard)
            if path.exists():
                with path.open("r+b") as file:
                    file.truncate(size)
            for later in (self._root / kind / split).glob("*.jsonl"):
                if later.name > path.name:
                    later.unlink()


def shard_path(root: Path, kind: str, split: str, shard: int, suffix: str = "jsonl") -> Path:
    """Where a shard lies."""
    return root / kind / split / f"{shard:05d}.{suffix}"


def lines(root: Path, kind: str, split: str) -> Iterator[bytes]:
    """The lines of a split's shards in order, without their newlines."""
    for path in sorted((root / kind / split).glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                yield line[:-1] if line.endswith(b"\n") else line
