"""A difference between what is on record and what came out now, in lines: what is the same is left out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from distill_core.plurals import count
from distill_core.rerunning import KINDS, Divergence

MOST = 24
"""Lines shown of one difference."""


def lines(difference: Divergence) -> Iterator[str]:
    """One difference: where, what, and the lines on both sides (- recorded, + now)."""
    yield f"step {difference.step}, cell {difference.cell_id}: {KINDS[difference.kind]}"
    changed = list(
        difflib.unified_diff(
            difference.recorded.splitlines(),
            difference.found.splitlines(),
            "recorded",
            "now",
            lineterm="",
            n=1,
        )
    )
    for line in changed[:MOST]:
        yield f"  {line}"
    if len(changed) > MOST:
        yield f"  … {count(len(changed) - MOST, 'more line')}"
