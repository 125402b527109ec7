"""Rows of a session that are handed on and written together: what they have in common is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from sessions.export.rows import Origin, Row
from sessions.export.sifting import Kept


class Kind(msgspec.Struct, frozen=True, array_like=True):
    """What is counted of a row."""

    columns: tuple[str, ...]
    models: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]


class Several(msgspec.Struct, frozen=True, array_like=True):
    """Rows that go to one split, in order.

    Args:
        kinds: what is counted of them, each once.
        kind: of each row, its place among `kinds`.
        beside: their provenance, where it does not stand in them; else empty.
    """

    split: str
    keys: list[str]
    digests: list[str]
    lines: list[bytes]
    beside: list[bytes]
    kinds: list[Kind]
    kind: list[int]

    def counted(self) -> Iterator[tuple[Kind, int]]:
        """The kinds of rows, and how many there are of each."""
        for place, count in Counter(self.kind).items():
            yield self.kinds[place], count

    def each(self) -> Iterator[Kept]:
        """One row after the other, with as much of each as is needed to write it."""
        for place, key in enumerate(self.keys):
            kind = self.kinds[self.kind[place]]
            origin = Origin(models=kind.models, annotators=kind.annotators, labels=kind.labels)
            yield Kept(
                row=Row(key=key, columns=dict.fromkeys(kind.columns), origin=origin),
                split=self.split,
                digest=self.digests[place],
                line=self.lines[place],
                beside=self.beside[place] if self.beside else None,
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
        rows[0].split if rows else "",
        [one.row.key for one in rows],
        [one.digest for one in rows],
        [one.line for one in rows],
        [one.beside for one in rows if one.beside is not None],
        [Kind(*found) for found in places],
        kind,
    )
