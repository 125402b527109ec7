"""Files of other programs' records to a file of targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from distill_core.errors import ExportError
from distill_core.text import SURROGATE
from sessions.process_steps.conversations import SHAPES, Turn, turns_of
from sessions.process_steps.rows import RowMaker
from sessions.process_steps.text import TooDeep, list_items, read_json


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


REMEDY = f"give a record a line, with {SHAPES}"


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
    read = 0
    garbled: Odd | None = None
    try:
        with source.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                if SURROGATE.search(line):
                    garbled = Odd(f"line {number}", "no text in UTF-8")
                    yield garbled
                    continue
                read += 1
                try:
                    record = read_json(line, strict=False)
                except ValueError as error:
                    if read == 1 and (whole := _one_value(source)) is not None:
                        yield from whole
                        return
                    yield _no_json(f"line {number}", error)
                else:
                    yield from _checked(f"line {number}", number, record)
    except OSError as error:
        raise ExportError(
            f"cannot read {source}", found=error.strerror or str(error), remedy="name a file of records"
        ) from error
    if garbled is not None and not read:
        raise ExportError(f"cannot read {source}", found=garbled.why, remedy="name a file of JSON lines")


def _one_value(source: Path) -> list[_Numbered | Odd] | None:
    """The records of a file that is one JSON value, a list maybe over several lines; None where it is not."""
    try:
        text = source.read_text(encoding="utf-8-sig")
        value = read_json(text, strict=False)
    except TooDeep:
        # One item must not take the others with it.
        items = list_items(text)
        return None if items is None else [_item(n, one) for n, one in enumerate(items, 1)]
    except ValueError:
        return None
    records = value if isinstance(value, list) else [value]
    return [_object(f"record {n}", n, one) for n, one in enumerate(records, 1)]


def _item(number: int, text: str) -> _Numbered | Odd:
    """The record that an item of a list is, from its text."""
    place = f"record {number}"
    try:
        return _object(place, number, read_json(text, strict=False))
    except ValueError as error:
        return _no_json(place, error)


def _no_json(place: str, error: ValueError) -> Odd:
    return Odd(place, str(error) if isinstance(error, TooDeep) else f"no JSON ({error})")


def _checked(place: str, number: int, record: object) -> Iterator[_Numbered | Odd]:
    if isinstance(record, list):  # a file of one line may be a list of records
        for index, inner in enumerate(record, 1):
            yield _object(f"record {index}", index, inner)
    else:
        yield _object(place, number, record)


def _object(place: str, number: int, record: object) -> _Numbered | Odd:
    if isinstance(record, dict):
        return _Numbered(number, place, record)
    return Odd(place, f"no object ({type(record).__name__})")
