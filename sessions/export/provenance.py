"""Where a row comes from, as it travels with the row."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sessions.export.rows import Row, Shape
from sessions.export.trace import Trace

COLUMN = "provenance"

SHAPE: dict[str, Shape] = {
    "row": "string",
    "session": "string",
    "family": "string",
    "step": "int64",
    "events": ["int64"],
    "models": ["string"],
    "params": "string",
    "decision": "string",
    "decided_by": "string",
    "annotators": ["string"],
    "labels": ["string"],
    "document": "string",
    "licence": "string",
    "tool": "string",
    "hash": "string",
}

_canonical = msgspec.json.Encoder(order="deterministic")


def content_hash(line: bytes) -> str:
    """A name for what a row holds, the same wherever it comes from.

    Args:
        line: its columns as JSON, in the order in which its format puts them.
    """
    return hashlib.sha256(line).hexdigest()[:32]


def provenance(trace: Trace, row: Row, digest: str, *, licence: str, tool: str) -> dict[str, Any]:
    """The provenance of `row`.

    Args:
        digest: hash of its columns.
        licence: a note on the document's licence.
        tool: name and version of this program.
    """
    origin = row.origin
    return {
        "row": row.key,
        "session": trace.session_id,
        "family": trace.family,
        "step": origin.step,
        "events": list(origin.events),
        "models": list(origin.models),
        "params": _canonical.encode(origin.params).decode() if origin.params else "{}",
        "decision": origin.decision,
        "decided_by": origin.decided_by,
        "annotators": list(origin.annotators),
        "labels": list(origin.labels),
        "document": trace.document.sha256,
        "licence": licence,
        "tool": tool,
        "hash": digest,
    }
