"""A sink that remembers."""

from __future__ import annotations

from typing import TypeVar

from distill_core import events as ev

E = TypeVar("E")


class Kept:
    """All events, in order."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []

    def write(self, event: ev.Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [e for e in self.events if isinstance(e, kind)]
