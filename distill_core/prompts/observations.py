"""What a turn's code did, as the supervisor is told it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from distill_core.prompts.cutting import cut
from distill_core.text import encodable

CellOutcome: TypeAlias = Literal["ok", "error", "final", "interrupted", "timeout", "killed", "skipped"]

_ENDINGS: dict[str, str] = {
    "ok": "ran.",
    "error": "failed with an exception.",
    "final": "ran and called FINAL.",
    "interrupted": "was interrupted by a person. What it had assigned by then is kept.",
    "timeout": "ran longer than a block may and was stopped. Do less in one block, and make sure loops end.",
    "killed": "was killed. The last line says why, and which variables there are now.",
    "skipped": "was not run, because of what happened before it.",
}


class CellReport(msgspec.Struct, frozen=True):
    """One cell, as far as the supervisor is concerned.

    Args:
        status: how it ended; "skipped" if it never started.
        output: what it printed, stdout and stderr in the order written.
        traceback: the exception that ended it, formatted.
        dropped: characters of output that were lost because the cell printed more than is kept.
    """

    status: CellOutcome
    output: str = ""
    traceback: str | None = None
    dropped: int = 0


def observation(reports: Sequence[CellReport], output_limit: int = 2000) -> str:
    """The message that follows a turn whose code ran: one paragraph a cell.

    Output and traceback of a cell count together against `output_limit` characters; what is longer keeps its
    head and its tail, and says how long it was.
    """
    return "\n\n".join(
        _of_cell(number, len(reports), report, output_limit) for number, report in enumerate(reports, 1)
    )


def _of_cell(number: int, total: int, report: CellReport, limit: int) -> str:
    name = "The block" if total == 1 else f"Block {number} of {total}"
    heading = f"{name} {_ENDINGS[report.status]}"
    if report.status == "skipped":
        return heading
    shown = encodable(report.output)
    if report.traceback:
        shown += ("" if not shown or shown.endswith("\n") else "\n") + encodable(report.traceback)
    shown = shown.rstrip("\n")
    lost = (
        f" ({report.dropped:,} further characters were printed and lost: print less.)"
        if report.dropped
        else ""
    )
    if not shown:
        return f"{heading} It printed nothing; use print() to see values.{lost}"
    length = (
        f" Its output has {len(shown):,} characters, of which {limit:,} are shown."
        if len(shown) > limit
        else ""
    )
    return f"{heading}{length}{lost} Output:\n{cut(shown, limit)}"
