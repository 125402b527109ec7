"""An immutable sequence with cheap append and replace, so that a fold over n events costs O(n log n), not O(n²)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from immutables import Map

T = TypeVar("T")


class Sequence(Generic[T]):
    """Items in order; every change returns a new sequence that shares its structure with the old one."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items: Map[int, T] = Map(enumerate(items))

    @classmethod
    def _of(cls, items: Map[int, T]) -> Sequence[T]:
        new: Sequence[T] = cls.__new__(cls)
        new._items = items
        return new

    def append(self, item: T) -> Sequence[T]:
        """The sequence with `item` at its end."""
        return self._of(self._items.set(len(self._items), item))

    def replace(self, index: int, item: T) -> Sequence[T]:
        """The sequence with `item` at `index` (negative counts from the end)."""
        return self._of(self._items.set(self._at(index), item))

    def _at(self, index: int) -> int:
        place = index + len(self._items) if index < 0 else index
        if not 0 <= place < len(self._items):
            raise IndexError(index)
        return place

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> T:
        if index >= 0:
            try:
                return self._items[index]
            except KeyError:
                raise IndexError(index) from None
        return self._items[self._at(index)]

    def __iter__(self) -> Iterator[T]:
        return map(self._items.__getitem__, range(len(self._items)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._items == other._items

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return f"Sequence({list(self)!r})"
