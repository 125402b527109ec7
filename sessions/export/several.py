"""Rows that go out: one, as it was made, or several of a session, to be handed on and written together.

What several have in common is told once, and their lines stand one behind the other as they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from sessions.export.rows import Origin, Row


class Kept(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row that goes out.

    Args:
        split: where it goes.
        digest: the hash of its columns.
        line: the row as JSON.
        beside: its provenance, where that does not stand in the row.
        text: the file's, for formats of files.
    """

    row: Row
    split: str
    digest: str
    line: bytes
    beside: bytes | None = None
    text: str = ""


class Kind(msgspec.Struct, frozen=True, array_like=True):
    """What is counted of a row."""

    columns: tuple[str, ...]
    models: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]


class Several(msgspec.Struct, frozen=True, array_like=True):
    """Rows that go to one split, in order.

    Args:
        lines: of all of them, each with its newline; they may stand there only until the next rows come.
        beside: the lines of their provenance, where it does not stand in them; else empty.
        kinds: what is counted of them, each once.
        kind: of each row, its place among `kinds`.
    """

    split: str
    keys: list[str]
    digests: list[str]
    lines: memoryview
    beside: bytes
    kinds: list[Kind]
    kind: list[int]

    def counted(self) -> Iterator[tuple[Kind, int]]:
        """The kinds of rows, and how many there are of each."""
        if len(self.kinds) == 1:
            yield self.kinds[0], len(self.kind)
            return
        for place, count in Counter(self.kind).items():
            yield self.kinds[place], count

    def each(self) -> Iterator[Kept]:
        """One row after the other, with as much of each as is needed to write it."""
        lines, beside = bytes(self.lines).split(b"\n"), self.beside.split(b"\n")
        for place, key in enumerate(self.keys):
            kind = self.kinds[self.kind[place]]
            origin = Origin(models=kind.models, annotators=kind.annotators, labels=kind.labels)
            yield Kept(
                row=Row(key=key, columns=dict.fromkeys(kind.columns), origin=origin),
                split=self.split,
                digest=self.digests[place],
                line=lines[place],
                beside=beside[place] if self.beside else None,
            )


def several(rows: Sequence[Kept]) -> Several:
    """Rows of one session together."""
    places: dict[tuple[tuple[str, ...], ...], int] = {}
    kind = [
        places.setdefault(
            (tuple(one.row.columns), one.row.origin.models, one.row.origin.annotators, one.row.origin.labels),
            len(places),
        )
        for one in rows
    ]
    return Several(
        rows[0].split,
        [one.row.key for one in rows],
        [one.digest for one in rows],
        memoryview(joined([one.line for one in rows])),
        joined([one.beside for one in rows if one.beside is not None]),
        [Kind(*found) for found in places],
        kind,
    )


def joined(lines: Sequence[bytes]) -> bytes:
    """Lines one behind the other, each with its newline."""
    return b"\n".join([*lines, b""])
