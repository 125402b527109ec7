"""What a session quotes: the quotations of its answer and of its worker replies, looked up in the document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from distill_core.evidence import Evidence, Finding, Status
from distill_core.state import SessionState
from tui.document.source import Mark
from tui.lines import Line

SHOWN: dict[Status, tuple[str, str]] = {
    "found": ("✓ found", "ok"),
    "near": ("≈ near", "warn"),
    "missing": ("✗ not found", "error"),
}
ROLES: dict[Status, str] = {"found": "quote", "near": "quote-near", "missing": ""}

_WORDS = 300
"""Characters of a quotation that a list shows."""

INDENT = 25
"""Where the words of a quotation begin in a list."""


class Saying(NamedTuple):
    """A text that may quote: who says it, and what."""

    who: str
    text: str


class Cited(msgspec.Struct, frozen=True):
    """A quotation: in whose words it stands, and what became of looking it up."""

    who: str
    finding: Finding


def sayings(state: SessionState) -> Iterator[Saying]:
    """The answer, then every worker reply, as they stand now."""
    final = state.finished.answer if state.finished is not None else None
    if final is None and state.final_proposed is not None:
        final = state.final_proposed.answer
    if final is not None:
        yield Saying("the answer", final.text)
    for call_id in state.call_order:
        call = state.calls[call_id]
        reply = call.override if call.override is not None else call.response
        if reply:
            yield Saying(call_id, reply)


class Quotations:
    """Looks up what is quoted, each text once.

    Args:
        evidence: of the document.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._known: dict[Saying, list[Cited]] = {}

    def of(self, texts: Iterable[Saying]) -> list[Cited]:
        """The quotations in `texts`, in order. The first look at a text may take a while; any thread may ask."""
        found: list[Cited] = []
        for saying in texts:
            known = self._known.get(saying)
            if known is None:
                known = [Cited(saying.who, finding) for finding in self._evidence.of(saying.text)]
                self._known[saying] = known
            found += known
        return found


def marks(cited: Iterable[Cited]) -> list[Mark]:
    """The passages to mark in the document."""
    return [
        Mark(one.finding.start, one.finding.end, ROLES[one.finding.status])
        for one in cited
        if one.finding.start is not None and one.finding.end is not None
    ]


def summary(cited: Iterable[Cited]) -> Line:
    """All of them in one line."""
    counts: dict[Status, int] = {"found": 0, "near": 0, "missing": 0}
    for one in cited:
        counts[one.finding.status] += 1
    if not any(counts.values()):
        return (("nothing is quoted yet", "muted"),)
    spans: list[tuple[str, str]] = [("quoted: ", "muted")]
    for status, count in counts.items():
        if count:
            glyph, _, word = SHOWN[status][0].partition(" ")
            spans += [(f"{glyph} {count:,} {word}", SHOWN[status][1]), (" · ", "muted")]
    return tuple(spans[:-1])


def entry(one: Cited) -> Line:
    """A quotation in a list."""
    finding = one.finding
    text, role = SHOWN[finding.status]
    score = f" {finding.score:.0f}%" if finding.status == "near" else ""
    words = " ".join(finding.quote[:_WORDS].split())
    return ((f"{text + score:<12} ", role), (f"{one.who:<11.11} ", "muted"), (f"“{words}”", ""))
