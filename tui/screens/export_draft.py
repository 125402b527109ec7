"""What a person has put together on the export screen, and what would come of it. Knows no screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from distill_core.config import Settings
from distill_core.errors import ExportError
from distill_core.version import program_version
from sessions.export import Options, Plan, Splits, parquet, rehearse
from sessions.export.choosing import Chosen, choose
from sessions.export.configured import definitions, homes, keys, scales
from sessions.export.formats import find
from sessions.export.pipeline import Progress
from sessions.export.plan import SHARD_SIZE
from sessions.export.redact import KINDS
from sessions.export.report import Report
from sessions.export.several import Kept
from sessions.export.sifting import Sieve, Sifted
from sessions.export.splits import parse_shares
from sessions.process_steps.targets import SpanTokenizer

MOST = 200
"""Rows that are shown; all of them are counted."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An export in the making, in the words in which a person gives it.

    Args:
        redact: whether what `kinds` names is redacted.
        tokenizer: a `tokenizer.json` or its folder; "" for none.

    What the rest means stands at `sessions.export.Plan`.
    """

    format: str = "prompt-completion"
    sessions: str = ""
    examples: bool = False
    folder: str = "dataset"
    storage: Literal["jsonl", "parquet"] = "jsonl"
    shard_size: int = SHARD_SIZE
    splits: str = ""
    seed: int = 0
    labels: tuple[str, ...] = ()
    vouched: bool = False
    evidence: bool = False
    sample: float | None = None
    near: float | None = None
    prose: bool = True
    redact: bool = True
    kinds: tuple[str, ...] = KINDS
    keep: frozenset[str] = frozenset()
    tokenizer: str = ""
    licence: str = "unknown"

    @property
    def stored(self) -> Literal["jsonl", "parquet"]:
        """The storage that its format has of what is asked for."""
        return self.storage if find(self.format).storage == "rows" else "jsonl"


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


def plan_of(draft: Draft, settings: Settings, home: Path, *, named: str = "name one") -> Plan:
    """The plan that a draft says.

    Args:
        named: how a person names a tokenizer where they are now, for the error that says so.

    Raises:
        DistillError: something in it is not right.
    """
    if find(draft.format).tokenizer and not draft.tokenizer:
        raise ExportError(f"{draft.format} needs a tokenizer", remedy=named)
    words = words_of(draft.sessions, home)
    return planned(draft, settings, choose(words, home, examples=draft.examples, asked=_EXAMPLES_ASKED))


def check(draft: Draft, settings: Settings) -> None:
    """Raise what is wrong with a draft whichever sessions and format are chosen.

    Raises:
        DistillError: with what to do about it.
    """
    plan = planned(draft, settings, Chosen(sources=(), words=""))
    plan.check_wishes()
    Sieve(plan)
    if draft.storage == "parquet":
        parquet.check()
    if draft.tokenizer:
        SpanTokenizer(plan.options.tokenizer)


def planned(draft: Draft, settings: Settings, chosen: Chosen) -> Plan:
    """The plan that a draft says of the sessions that were chosen.

    Raises:
        ExportError: there is no such format, or its splits are none.
    """
    tool = program_version()
    return Plan(
        format=find(draft.format),
        sources=chosen.sources,
        selection=chosen.words + (", examples too" if draft.examples else ""),
        examples=chosen.examples,
        options=Options(
            keep=draft.keep,
            evidence=draft.evidence,
            best=settings.annotation.best,
            scales=scales(settings),
            tokenizer=draft.tokenizer and str(Path(draft.tokenizer).expanduser()),
            tool=tool,
        ),
        splits=Splits(shares=parse_shares(draft.splits.split()), seed=draft.seed),
        storage=draft.stored,
        shard_size=draft.shard_size,
        redact=draft.kinds if draft.redact else (),
        keys=keys(settings),
        homes=homes(),
        reasoning=draft.prose,
        near=draft.near,
        labels=draft.labels,
        vouched=draft.vouched,
        sample=draft.sample,
        licence=draft.licence,
        tool=tool,
        definitions=definitions(settings),
    )


_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')


def words_of(sessions: str, home: Path) -> list[str]:
    """The words of a line, as a command line has them; only names and folders of sessions lose their quotes."""
    return [_bare(word, home) for word in _WORD.findall(sessions)]


def line_of(words: Sequence[str]) -> str:
    """Words of a command line as a line, of which `words_of` makes what means the same."""
    return " ".join(f'"{w}"' if " " in w and '"' not in w and not _holds_terms(w) else w for w in words)


def _holds_terms(word: str) -> bool:
    return ":" in word and not (Path(word) / "supervisor.jsonl").exists()


def _bare(word: str, home: Path) -> str:
    inner = word[1:-1]
    if f'"{inner}"' != word or not inner:
        return word
    there = "/" not in inner and (home / "sessions" / inner).is_dir()
    return inner if there or (Path(inner) / "supervisor.jsonl").exists() else word


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
