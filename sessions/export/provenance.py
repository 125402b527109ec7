"""Where a row comes from, as it travels with the row."""

from __future__ import annotations

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


class Provenance(msgspec.Struct, frozen=True, gc=False):
    """What `SHAPE` says; `params` are JSON text, since parameters differ in their types."""

    row: str
    session: str
    family: str
    step: int
    events: tuple[int, ...]
    models: tuple[str, ...]
    params: str
    decision: str
    decided_by: str
    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    document: str
    licence: str
    tool: str
    hash: str


def provenance(trace: Trace, row: Row, digest: str, *, licence: str, tool: str) -> Provenance:
    """The provenance of `row`.

    Args:
        digest: hash of its columns.
        licence: a note on the document's licence.
        tool: name and version of this program.
    """
    origin = row.origin
    return Provenance(
        row.key,
        trace.session_id,
        trace.family,
        origin.step,
        origin.events,
        origin.models,
        _canonical.encode(origin.params).decode() if origin.params else "{}",
        origin.decision,
        origin.decided_by,
        origin.annotators,
        origin.labels,
        trace.document.sha256,
        licence,
        tool,
        digest,
    )
