"""What an export came to, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from sessions.export.records import SessionRecord
from sessions.export.rows import RULES, Left


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers.

    Args:
        rows: by split; by "" for formats of files.
        left: by rule, how many were left out.
        examples: by rule, what was found in the first of them.
        redacted: by kind, how many things placeholders stand for.
        reused: sessions whose rows were taken from the export before.
        changed: whether anything was written.
    """

    format: str
    sessions: int
    rows: dict[str, int]
    left: dict[str, int]
    examples: dict[str, Left]
    redacted: dict[str, int]
    labels: dict[str, int]
    models: tuple[str, ...]
    annotators: tuple[str, ...]
    reused: int = 0
    changed: bool = True

    @property
    def total(self) -> int:
        """All rows that go out."""
        return sum(self.rows.values())


def report(
    name: str,
    records: Iterable[SessionRecord],
    *,
    examples: dict[str, Left] | None = None,
    reused: int = 0,
    changed: bool = True,
) -> Report:
    """Sum up what became of each session."""
    records = list(records)
    rows: Counter[str] = Counter()
    left: Counter[str] = Counter()
    redacted: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for record in records:
        if record.rows:
            rows[record.split] += record.rows
        left.update(record.left)
        redacted.update(record.redacted)
        labels.update(record.labels)
    return Report(
        format=name,
        sessions=len(records),
        rows=dict(sorted(rows.items())),
        left={rule: left[rule] for rule in RULES if left[rule]},
        examples=examples or {},
        redacted=dict(sorted(redacted.items())),
        labels=dict(sorted(labels.items())),
        models=tuple(sorted({model for record in records for model in record.models})),
        annotators=tuple(sorted({who for record in records for who in record.annotators})),
        reused=reused,
        changed=changed,
    )
