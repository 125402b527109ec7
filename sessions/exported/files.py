"""The rows and trajectories of a file or of an export's folder, one after the other, as stories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from distill_core.errors import StoreError
from sessions.exported import conversation, trajectory
from sessions.exported.story import Story

SUFFIXES = (".jsonl", ".json", ".parquet")
MANIFEST = "export.json"
_FORMS = ("sft", "atif")


def holds_export(path: Path) -> bool:
    """Whether `path` is a file of a kind that is read here, or the folder of an export."""
    return (path.suffix in SUFFIXES and path.is_file()) or (path / MANIFEST).is_file()


def stories(path: Path) -> Iterator[tuple[str, Story]]:
    """Each session of the file or folder at `path`, with where it stands.

    Raises:
        StoreError: it holds something else, or cannot be read.
    """
    files = [path] if path.is_file() else _of_export(path)
    for file in files:
        try:
            for where, told in _values(file):
                yield where, _story(where, told)
        except OSError as error:
            raise StoreError(f"cannot read {file}", found=error.strerror or str(error)) from error


def _of_export(folder: Path) -> list[Path]:
    try:
        settings = msgspec.json.decode((folder / MANIFEST).read_bytes())["settings"]
        name = settings["format"]
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise StoreError(f"cannot read {folder / MANIFEST}", found=str(error)) from error
    if name not in _FORMS:
        raise StoreError(
            f"cannot import {folder}", found=f"an export as {name}", remedy="export as atif, or as sft"
        )
    places = ("trajectories",) if name == "atif" else ("data",)
    return sorted(p for place in places for p in (folder / place).rglob("*") if p.suffix in SUFFIXES)


def _values(file: Path) -> Iterator[tuple[str, Any]]:
    if file.suffix == ".parquet":
        yield from _parquet(file)
        return
    if file.suffix == ".json":
        told = _decoded(str(file), file.read_bytes())
        if isinstance(told, list):
            yield from ((f"{file} row {number}", row) for number, row in enumerate(told, 1))
        else:
            yield str(file), told
        return
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{file} line {number}", _decoded(f"{file} line {number}", line)


def _decoded(where: str, data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(f"cannot read {where}", found=str(error)) from error


def _parquet(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StoreError("Parquet needs pyarrow", remedy='pip install "distill-tui[export]"') from error
    number = 0
    try:
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{file} row {number}", row
    except pa.ArrowException as error:
        raise StoreError(f"cannot read {file}", found=str(error).splitlines()[0]) from error


def _story(where: str, told: Any) -> Story:
    try:
        if trajectory.is_trajectory(told):
            return trajectory.story(told)
        if conversation.is_conversation(told):
            return conversation.story(told)
    except StoreError as error:
        raise StoreError(f"{where}: {error.what}", found=error.found, remedy=error.remedy) from error
    raise StoreError(
        f"cannot import {where}",
        found="neither a conversation with messages nor an ATIF trajectory",
        remedy="export as sft or atif, or name a session's folder",
    )
