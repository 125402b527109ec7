"""Rows of a session that differ in little, gathered: what they have in common is told once for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from sessions.export.rows import Alike, Origin

_AT_ONCE = 4 << 20
"""Bytes of lines that are gathered before they are told."""


class Gathering:
    """Such rows in the making, of a session.

    Args:
        columns: the names of theirs.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._start()

    def _start(self) -> None:
        self._common: Hashable = None
        self._origin = Origin()
        self._size = 0
        self._keys: list[str] = []
        self._starts: list[bytes] = []
        self._lines: list[bytes] = []
        self._places: list[tuple[int, ...]] = []

    def takes(self, common: Hashable) -> bool:
        """Whether a row that has this in common with others can be added to what was gathered."""
        return common == self._common and self._size < _AT_ONCE

    def begin(self, common: Hashable, origin: Origin) -> Iterator[Alike]:
        """Gather rows that have something else in common; what was gathered is told.

        Args:
            common: by which it is known.
            origin: where they come from, but for step and events.
        """
        yield from self.told()
        self._common, self._origin = common, origin

    def add(self, key: str, line: bytes, place: tuple[int, ...], start: bytes = b"") -> None:
        """Take a row.

        Args:
            line: its columns as JSON, without the `start` that the next row's is likely to begin with too.
            place: its step, and the numbers of the events it was made from.
        """
        self._keys.append(key)
        self._starts.append(start)
        self._lines.append(line)
        self._places.append(place)
        self._size += len(start) + len(line)

    def told(self) -> Iterator[Alike]:
        """What was gathered, if anything was."""
        if self._keys:
            yield Alike(
                columns=self._columns,
                origin=self._origin,
                keys=self._keys,
                starts=self._starts,
                lines=self._lines,
                places=self._places,
            )
        self._start()
