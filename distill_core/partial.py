"""What a cell printed that may stand in for an answer that never came: findings, never a program's own reports."""

from __future__ import annotations

import json
from typing import Any

from distill_core.playbook.writing import REPORT
from distill_core.repl import CellResult

CHARS = 4000
"""Characters of printed output that stand in for an answer at most, the last ones."""

_FAILED = "a worker call failed:"
"""Begins the line by which a program of the playbook tells of a call that failed."""

_CUT = ("interrupted", "timeout", "killed")
"""How a cell ends whose calls failed because somebody ended it: what it had printed before is none the worse."""


def standing_in(result: CellResult) -> str:
    """What of the cell's output to hand back if no answer comes; empty where it holds no finding."""
    calls = result.worker_calls
    if calls and result.status not in _CUT and all(call.response is None for call in calls):
        return ""
    lines = result.stdout.splitlines()
    report = next((found for line in reversed(lines) if (found := _report(line))), {})
    # A probe looks at the document, not for an answer; and a reading that found nothing prints only that.
    if report.get("did") == "probe" or report.get("found") == 0:
        return ""
    kept = [line for line in lines if not _report(line) and not line.startswith(_FAILED)]
    return "\n".join(kept).strip()[-CHARS:]


def _report(line: str) -> dict[str, Any]:
    """What a program of the playbook tells in the line; empty for any other line."""
    name, _, told = line.partition(" ")
    if name != REPORT:
        return {}
    try:
        found = json.loads(told)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
