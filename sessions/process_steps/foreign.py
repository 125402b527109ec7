"""Files of other programs' records to a file of targets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from distill_core.errors import ExportError
from sessions.process_steps.conversations import turns_of
from sessions.process_steps.rows import RowMaker


def convert(source: Path, out: Path, maker: RowMaker) -> Counter[str]:
    """Write a row for every teacher's turn in `source` that decides something; returns what was counted.

    The rows stand under a name beside `out` until all are written: a file that is there is whole.

    Args:
        source: JSON lines, or one JSON value: a record or a list of them.
        out: JSON lines, new.

    Raises:
        ExportError: a file cannot be read or written, exists already, or a record is none.
    """
    if out.exists():
        raise ExportError(f"{out} exists already", remedy="name another file, or remove it")
    aside = out.with_name(f".{out.name}.partial")
    try:
        with aside.open("wb") as file:
            for number, record in _records(source):
                try:
                    turns = list(turns_of(record))
                except ExportError as error:
                    raise ExportError(
                        f"{source}, record {number}: {error.what}", found=error.found, remedy=error.remedy
                    ) from error
                for turn in turns:
                    row = maker.row(turn, {"source": source.name, "record": number, "message": turn.index})
                    if row is not None:
                        file.write(msgspec.json.encode(row) + b"\n")
        aside.replace(out)
    except OSError as error:
        raise ExportError(f"cannot write {out}", found=error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return maker.counts


def _records(source: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """The records of a file, numbered from 1: by lines, or of the one JSON value that the file is."""
    try:
        with source.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except ValueError as error:
                    if number == 1:
                        yield from _one_value(source)
                        return
                    raise ExportError(f"{source}, line {number} is no JSON", found=str(error)) from error
                yield from _checked(source, number, record)
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"cannot read {source}", found=str(error)) from error


def _one_value(source: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        value = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExportError(f"{source} is neither JSON lines nor JSON", found=str(error)) from error
    for number, record in enumerate(value if isinstance(value, list) else [value], 1):
        yield from _checked(source, number, record)


def _checked(source: Path, number: int, record: object) -> Iterator[tuple[int, dict[str, object]]]:
    if isinstance(record, list):  # a file of one line may be a list of records
        for index, inner in enumerate(record, 1):
            yield from _checked(source, index, inner)
    elif isinstance(record, dict):
        yield number, record
    else:
        raise ExportError(f"{source}, record {number} is no object", found=type(record).__name__)
