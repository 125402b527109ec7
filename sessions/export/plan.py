"""What a person asks of an export, and the settings that decide on its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from distill_core.errors import ExportError
from sessions.export.redact import KINDS, Redactor, make_finders
from sessions.export.rows import FIXED, RULES, Format, Options
from sessions.export.selecting import Source
from sessions.export.splits import Splits

SHARD_SIZE = 500_000_000
"""Bytes of a shard, before compression."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An export.

    Args:
        selection: how the sessions were chosen, in words, for the card.
        examples: how many sessions that come with the program were found and left out, since nobody asked for them.
        storage: Parquet or JSON Lines, one of them in a folder.
        redact: kinds of things that do not leave; none at all is possible, and said on the card.
        keys: the configured keys themselves.
        homes: home folders of this machine.
        reasoning: False drops the supervisor's prose and keeps its code.
        near: similarity from which a row counts as a near-duplicate; None: only equal ones do.
        labels: only rows that bear one of these.
        vouched: only rows that a person, not a policy, decided on or judged.
        sample: the share of rows to take, by a hash of their keys.
        licence: a note on the documents' licence.
        tool: name and version of this program.
        definitions: what labels mean, for the card.
    """

    format: Format
    sources: tuple[Source, ...]
    selection: str = "all sessions"
    examples: int = 0
    options: Options = Options()
    splits: Splits = Splits()
    storage: Literal["jsonl", "parquet"] = "jsonl"
    shard_size: int = SHARD_SIZE
    redact: tuple[str, ...] = KINDS
    keys: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    reasoning: bool = True
    near: float | None = None
    labels: tuple[str, ...] = ()
    vouched: bool = False
    sample: float | None = None
    licence: str = "unknown"
    tool: str = "distill-tui"
    definitions: dict[str, str] = msgspec.field(default_factory=dict)

    def check(self) -> None:
        """Raise what can be seen to be wrong before anything is read.

        Raises:
            ExportError: with what to do about it.
        """
        if not self.sources:
            raise ExportError(
                "no session to export", found=self.selection, remedy="ask for less, or name a folder"
            )
        if self.storage == "parquet" and self.format.storage != "rows":
            raise ExportError(f"{self.format.name} has no Parquet form", remedy="leave --storage out")
        if self.format.tokenizer and not self.options.tokenizer:
            raise ExportError(
                f"{self.format.name} needs a tokenizer", remedy="name one with --tokenizer PATH"
            )
        self.check_wishes()

    def check_wishes(self) -> None:
        """Raise what is wrong whichever sessions and format are chosen.

        Raises:
            ExportError: with what to do about it.
        """
        unknown = sorted(self.options.keep - set(RULES))
        if unknown:
            lifted = ", ".join(rule for rule in RULES if rule not in FIXED)
            raise ExportError("no such rule", found=unknown[0], remedy=f"one of {lifted}")
        fixed = sorted(self.options.keep & set(FIXED))
        if fixed:
            raise ExportError("a rule that cannot be lifted", found=fixed[0], remedy=FIXED[fixed[0]])
        if self.sample is not None and not 0 < self.sample <= 1:
            raise ExportError("not a share", found=f"{self.sample:g}", remedy="a number over 0, at most 1")
        if self.shard_size < 1:
            raise ExportError("not a shard size", found=str(self.shard_size), remedy="such as 500MB")

    def told(self, words: str) -> str:
        """Words of the person who exports as they may leave."""
        finders = make_finders(self.redact, keys=self.keys, homes=self.homes)
        return Redactor(finders).text(words)

    def settings(self) -> dict[str, Any]:
        """All that decides on the content, sessions aside. Keys are there as a short digest only."""
        keys = hashlib.sha256("\n".join(sorted(self.keys)).encode()).hexdigest()[:8] if self.keys else ""
        return {
            "format": self.format.name,
            "storage": self.storage,
            "selection": self.told(self.selection),
            "keep": sorted(self.options.keep),
            "evidence": self.options.evidence,
            "best": self.options.best,
            "scales": {name: list(scale or ()) for name, scale in sorted(self.options.scales.items())},
            "tokenizer": _digest(Path(self.options.tokenizer)) if self.options.tokenizer else "",
            "splits": dict(self.splits.shares),
            "seed": self.splits.seed,
            "shard_size": self.shard_size,
            "redact": sorted(self.redact),
            "keys": keys,
            "reasoning": self.reasoning,
            "near": self.near,
            "labels": sorted(self.labels),
            "vouched": self.vouched,
            "sample": self.sample,
            "licence": self.licence,
            "tool": self.tool,
        }


def _digest(tokenizer: Path) -> str:
    """What a tokenizer is known by wherever it lies; its name where it cannot be read."""
    file = tokenizer / "tokenizer.json" if tokenizer.is_dir() else tokenizer
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError:
        return file.name
