"""What a person has put together on the export screen, and what would come of it. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from distill_core.config import Settings
from distill_core.version import program_version
from sessions.export import Options, Plan, Splits, rehearse
from sessions.export.choosing import choose
from sessions.export.configured import definitions, homes, keys, scales
from sessions.export.formats import find
from sessions.export.pipeline import Progress
from sessions.export.redact import KINDS
from sessions.export.report import Report
from sessions.export.several import Kept
from sessions.export.sifting import Sifted
from sessions.export.splits import parse_shares

MOST = 200
"""Rows that are shown; all of them are counted."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An export in the making, in the words in which a person gives it."""

    format: str = "prompt-completion"
    sessions: str = ""
    folder: str = "dataset"
    storage: Literal["jsonl", "parquet"] = "jsonl"
    splits: str = ""
    prose: bool = True
    redact: bool = True
    keep: frozenset[str] = frozenset()


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it would be written: its columns, or the text of its file."""

    key: str
    split: str
    columns: dict[str, Any]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would come of a draft: its numbers, the first of its rows, and how many example sessions are not in it."""

    report: Report
    rows: tuple[Shown, ...]
    examples: int = 0


_EXAMPLES_ASKED = "the filter kind:example, or their names"


def plan_of(draft: Draft, settings: Settings, home: Path) -> Plan:
    """The plan that a draft says.

    Raises:
        DistillError: something in it is not right.
    """
    chosen = choose(_words(draft.sessions, home), home, asked=_EXAMPLES_ASKED)
    return Plan(
        format=find(draft.format),
        sources=chosen.sources,
        selection=chosen.words,
        examples=chosen.examples,
        options=Options(keep=draft.keep, best=settings.annotation.best, scales=scales(settings)),
        splits=Splits(shares=parse_shares(draft.splits.split())),
        storage=draft.storage if find(draft.format).storage == "rows" else "jsonl",
        redact=KINDS if draft.redact else (),
        keys=keys(settings),
        homes=homes(),
        reasoning=draft.prose,
        tool=program_version(),
        definitions=definitions(settings),
    )


def _words(sessions: str, home: Path) -> list[str]:
    """Names of sessions each by itself, anything else as one filter."""
    words = sessions.split()
    if words and all((home / "sessions" / word).is_dir() for word in words):
        return words
    return [sessions] if words else []


def preview_of(plan: Plan, on_progress: Callable[[Progress], None]) -> Preview:
    """Rehearse the plan, and keep its first rows.

    Raises:
        DistillError: the plan is not right.
    """
    rows: list[Shown] = []

    def note(verdict: Sifted) -> None:
        if isinstance(verdict, Kept) and len(rows) < MOST:
            columns = {"": verdict.text} if verdict.text else msgspec.json.decode(verdict.line)
            rows.append(Shown(key=verdict.row.key, split=verdict.split, columns=columns))

    report = rehearse(plan, on_progress=on_progress, on_verdict=note)
    return Preview(report=report, rows=tuple(rows), examples=plan.examples)
