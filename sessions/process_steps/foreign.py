"""Files of other programs' records to a file of targets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from distill_core.errors import ExportError
from sessions.process_steps.conversations import MESSAGE_KEYS, TEXT_KEYS, Turn, turns_of
from sessions.process_steps.rows import RowMaker


class Odd(msgspec.Struct, frozen=True):
    """A record that is none, by its line (or its number in a list), and what is wrong with it."""

    place: str
    why: str


def convert(
    source: Path, out: Path, maker: RowMaker, on_odd: Callable[[Odd], None] | None = None
) -> Counter[str]:
    """Write a row for every teacher's turn in `source` that decides something; returns what was counted.

    The rows stand under a name beside `out` until all are written: a file that is there is whole.

    Args:
        source: JSON lines, or one JSON value: a record or a list of them.
        out: JSON lines, new.
        on_odd: told of each record that is none, which is then left out; without it the first one ends all.

    Raises:
        ExportError: a file cannot be read or written, exists already, holds no record, or a record is none.
    """
    if out.exists():
        raise ExportError(f"{out} exists already", remedy="name another file, or remove it")
    aside = out.with_name(f".{out.name}.partial")
    records = 0
    try:
        with aside.open("wb") as file:
            for number, found in _turns_in(source):
                if isinstance(found, Odd):
                    if on_odd is None:
                        raise ExportError(
                            f"{source}, {found.place}: {found.why}",
                            remedy="leave --strict out to pass it over",
                        )
                    on_odd(found)
                    continue
                records += 1
                for turn in found:
                    row = maker.row(turn, {"source": source.name, "record": number, "message": turn.index})
                    if row is not None:
                        file.write(msgspec.json.encode(row) + b"\n")
        if not records:
            raise ExportError(f"{source} holds no record with a teacher's text", remedy=REMEDY)
        aside.replace(out)
    except OSError as error:
        raise ExportError(f"cannot write {out}", found=error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return maker.counts


REMEDY = f"give a record a line, with one of {', '.join(TEXT_KEYS[:3])}, or {', '.join(MESSAGE_KEYS[:2])}"


class _Numbered(msgspec.Struct, frozen=True):
    number: int
    place: str
    record: dict[str, object]


def _turns_in(source: Path) -> Iterator[tuple[int, list[Turn] | Odd]]:
    """The turns of each record with its number, or what is wrong with it."""
    for found in _records(source):
        if isinstance(found, Odd):
            yield 0, found
            continue
        try:
            yield found.number, list(turns_of(found.record))
        except ExportError as error:
            yield found.number, Odd(found.place, f"{error.what} ({error.found})")


def _records(source: Path) -> Iterator[_Numbered | Odd]:
    """The records of a file, numbered from 1: by lines, or of the one JSON value that the file is."""
    try:
        with source.open(encoding="utf-8-sig") as file:
            first = True
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    if first and (whole := _one_value(source)) is not None:
                        yield from whole
                        return
                    yield Odd(f"line {number}", f"no JSON ({error})")
                else:
                    yield from _checked(f"line {number}", number, record)
                first = False
    except OSError as error:
        raise ExportError(
            f"cannot read {source}", found=error.strerror or str(error), remedy="name a file of records"
        ) from error
    except UnicodeDecodeError as error:
        raise ExportError(
            f"cannot read {source}", found="no text in UTF-8", remedy="name a file of JSON lines"
        ) from error


def _one_value(source: Path) -> list[_Numbered | Odd] | None:
    """The records of a file that is one JSON value over several lines; None where it is not."""
    try:
        value = json.loads(source.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    records = value if isinstance(value, list) else [value]
    return [made for n, one in enumerate(records, 1) for made in _checked(f"record {n}", n, one)]


def _checked(place: str, number: int, record: object) -> Iterator[_Numbered | Odd]:
    if isinstance(record, list):  # a file of one line may be a list of records
        for index, inner in enumerate(record, 1):
            yield from _checked(f"record {index}", index, inner)
    elif isinstance(record, dict):
        yield _Numbered(number, place, record)
    else:
        yield Odd(place, f"no object ({type(record).__name__})")
