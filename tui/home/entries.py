"""The entries of the home screen: a new session, recent sessions, examples; each as a row and in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from distill_core.examples import Example
from distill_core.plurals import count
from tui.cli.listing import closed, when
from tui.lines import Line, Span, pad, roled, wrap
from tui.live import words

if TYPE_CHECKING:
    from sessions import SessionRow

STATE, WHEN = 20, 17
"""Cells of the columns before the question."""


class NewEntry(msgspec.Struct, frozen=True):
    """Start a session."""


class SessionEntry(msgspec.Struct, frozen=True):
    """A kept session. `open_ended` is one without an end, which can be resumed."""

    row: SessionRow

    @property
    def open_ended(self) -> bool:
        """Whether it can be gone on with."""
        return words.session_mark(self.row.status) is words.UNFINISHED


class ExampleEntry(msgspec.Struct, frozen=True):
    """A question that comes with the program."""

    example: Example


class KeptExamplesEntry(msgspec.Struct, frozen=True):
    """The sessions that come with the program, to be taken in."""


Entry: TypeAlias = NewEntry | SessionEntry | ExampleEntry | KeptExamplesEntry


class Listing:
    """The rows of the home screen, and among them the entries that the cursor moves over."""

    def __init__(self) -> None:
        self._rows: list[Line] = []
        self._places: list[int] = []
        self.entries: list[Entry] = []

    def fill(self, sessions: Sequence[SessionRow], examples: Sequence[Example], trouble: str = "") -> None:
        """Show these."""
        self._rows, self._places, self.entries = [], [], []
        self._add(
            NewEntry(),
            (("+ ", "ok"), ("New session", "heading"), ("   ask a question of a document", "muted")),
        )
        self._head("Recent sessions")
        for row in sessions:
            entry = SessionEntry(row)
            self._add(entry, session_row(entry))
        if trouble:
            self._rows += [((f"  ✗ {trouble}", "error"),)]
        elif not sessions:
            self._rows += [(("  None yet. Press n to start one, or open an example below.", "muted"),)]
        self._head("Examples")
        for example in examples:
            title: Line = (
                ("▷ ", "active"),
                (pad(example.title, STATE + WHEN - 3) + " ", ""),
                (example.question, "muted"),
            )
            self._add(ExampleEntry(example), title)
        ready: Line = (
            ("▷ ", "active"),
            (pad("Ten sessions that were made", STATE + WHEN - 2), ""),
            ("to look at, play, judge and compare", "muted"),
        )
        self._add(KeptExamplesEntry(), ready)

    def _head(self, title: str) -> None:
        self._rows += [(), ((title, "heading"),)]

    def _add(self, entry: Entry, row: Line) -> None:
        self._places.append(len(self._rows))
        self._rows.append(row)
        self.entries.append(entry)

    def height(self, width: int) -> int:
        """Rows in all."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """Row `y`."""
        return self._rows[y] if 0 <= y < len(self._rows) else ()

    def count(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    def span(self, index: int) -> tuple[int, int]:
        """The row of an entry."""
        return self._places[index], 1

    def at(self, y: int) -> int:
        """The entry in row `y`, or the nearest one above."""
        return max((i for i, place in enumerate(self._places) if place <= y), default=0)


def session_row(entry: SessionEntry) -> Line:
    """A session in one line."""
    row = entry.row
    mark = words.session_mark(row.status)
    return (
        (pad(mark.text, STATE), mark.role),
        (pad(_when(row.started), WHEN), "muted"),
        (" ".join(row.question.split()), ""),
    )


def _when(moment: datetime | None) -> str:
    return when(moment) if moment is not None else ""


FACT = 11
"""Cells of a fact's name, under which its value goes on."""


def wrap_details(line: Line, width: int) -> list[Line]:
    """Prose to its full width; a fact goes on under itself."""
    fact = bool(line) and line[0][1] == "muted" and len(line[0][0]) == FACT
    return wrap(line, width, words=True, indent=FACT if fact else 0)


def details(entry: Entry) -> list[Line]:
    """An entry in full, and what can be done with it."""
    match entry:
        case NewEntry():
            return [
                (("A new session", "heading"),),
                (),
                (
                    (
                        "Name documents and a question, choose the models and the budget. What you filled in last is "
                        "there again.",
                        "",
                    ),
                ),
                (),
                (("enter", "key"), (" fills in the form", "")),
            ]
        case ExampleEntry(example):
            return [
                (("An example", "heading"),),
                (),
                (("document   ", "muted"), (example.title, "")),
                (("question   ", "muted"), (example.question, "")),
                (("licence    ", "muted"), (example.licence, "")),
                (),
                (("enter", "key"), (" fills in the form of a new session with it", "")),
            ]
        case KeptExamplesEntry():
            return [
                (("Ten sessions that were made", "heading"),),
                (),
                (
                    (
                        "With edits, rejections, an error, a fork, a corrected worker, and what two people thought "
                        "of them. Documents in the public domain.",
                        "",
                    ),
                ),
                (),
                (
                    ("enter", "key"),
                    (" takes them in among your sessions; distill-tui sessions rm takes them out", ""),
                ),
            ]
        case SessionEntry():
            return _session_details(entry)


def _session_details(entry: SessionEntry) -> list[Line]:
    row = entry.row
    mark = words.session_mark(row.status)
    facts = (
        ("started", _when(row.started)),
        ("document", row.document_name),
        ("models", f"{row.supervisor} → {row.worker}"),
        ("steps", f"{row.steps}, {count(row.worker_calls, 'worker call')}"),
        ("took", ", ".join(_took(row))),
        ("decided by", ", ".join(row.decided_by)),
        ("rating", f"{row.rating:.3g}" if row.rating is not None else ""),
        ("labels", ", ".join(row.labels)),
        ("closed", closed(row)),
        ("session", row.session_id),
    )
    lines: list[Line] = [((mark.text, mark.role), (f" · {row.reason}" if row.reason else "", "muted")), ()]
    lines += [((f"{name:<{FACT}}", "muted"), (value, "")) for name, value in facts if value]
    lines += [(), (("question", "heading"),), *roled(row.question)]
    if row.answer is not None:
        lines += [(), (("answer" + (", partial" if row.partial else ""), "heading"),), *roled(row.answer)]
    if row.problem is not None:
        lines += [(), *roled(f"✗ its log: {row.problem}", "error")]
    does = " goes on with it where it stood" if entry.open_ended else " reads it here"
    keys: list[Span] = [("enter", "key"), (does + "   ", ""), ("a", "key"), (" asks again", "")]
    return [*lines, (), tuple(keys)]


def _took(row: SessionRow) -> list[str]:
    parts = [words.seconds(row.elapsed)] if row.elapsed is not None else []
    parts.append(f"{words.tokens(row.tokens)} tok")
    return [*parts, words.money(row.cost)] if row.cost is not None else parts
