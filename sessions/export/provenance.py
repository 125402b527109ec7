"""Where a row comes from, as it travels with the row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sessions.export.rows import Origin, Row, Shape
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

_encoder = msgspec.json.Encoder()
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


_BEGINS = b',"%b":{"row":' % COLUMN.encode()


def without(line: bytes) -> bytes:
    """A row in which its provenance stands, without it: what its hash is of."""
    columns, found, _ = line.rpartition(_BEGINS)  # in a value a quote would have a backslash before it
    return columns + b"}" if found else line


class Alikes:
    """The provenance of rows that differ in little, as `provenance` encoded would tell it of each.

    Args:
        origin: what they have in common; its step and events are passed over.
        licence: as for `provenance`.
        tool: the same.
    """

    def __init__(self, trace: Trace, origin: Origin, *, licence: str, tool: str) -> None:
        common = msgspec.structs.replace(origin, step=0, events=())
        row = Row(key="", columns={}, origin=common)
        told = _encoder.encode(provenance(trace, row, "", licence=licence, tool=tool))
        # None of these can stand in a value: a quote in one would have a backslash before it.
        whose, rest = told.removeprefix(b'{"row":""').split(b'"step":0,"events":[]', 1)
        what = rest.removesuffix(b'""}')
        self._before, self._after = whose.replace(b"%", b"%%"), what.replace(b"%", b"%%")
        self._forms: dict[int, bytes] = {}

    def added(
        self,
        starts: Sequence[bytes],
        lines: Sequence[bytes],
        keys: Sequence[str],
        places: Sequence[tuple[int, ...]],
        digests: Sequence[str],
    ) -> bytes:
        """The rows one behind the other, each with its provenance in it and its newline.

        Args:
            starts: with what their columns begin.
            lines: the rest of their columns.
            keys: their names.
            places: of each, its step and the numbers of its events.
            digests: the hashes of their columns.
        """
        forms = self._forms
        parts: list[bytes] = []
        for start, line, key, place, digest in zip(starts, lines, keys, places, digests, strict=True):
            form = forms.get(len(place)) or self._form(len(place))
            # Lines are long, and copied only as often as they must be.
            parts += start, line[:-1], form % (_encoder.encode(key), *place, digest.encode())
        return b"".join(parts)

    def _form(self, numbers: int) -> bytes:
        """How a row ends that was made from so many events, its step one more number."""
        events = b",".join([b"%d"] * (numbers - 1))
        parts = COLUMN.encode(), self._before, events, self._after
        form = b',"%b":{"row":%%b%b"step":%%d,"events":[%b]%b"%%b"}}\n' % parts
        return self._forms.setdefault(numbers, form)
