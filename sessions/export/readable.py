"""A session as something to read: headings, facts, text, code and tables, before it is Markdown or HTML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.plurals import count
from sessions.export.trace import RAN, Call, Cell, Trace, Turn


class Heading(msgspec.Struct, frozen=True):
    """A heading of `level` 1 to 3; `tone` says whether what follows is good, bad, or neither."""

    level: int
    text: str
    tone: str = ""


class Facts(msgspec.Struct, frozen=True):
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


class Words(msgspec.Struct, frozen=True):
    """What somebody wrote, line by line as it stands."""

    text: str


class Note(msgspec.Struct, frozen=True):
    """One line that the report says itself, about somebody's doing."""

    text: str
    tone: str = ""


class Source(msgspec.Struct, frozen=True):
    """Code or output, letter by letter. With a `title` it is folded away where that can be done."""

    text: str
    language: str = ""
    title: str = ""


Piece: TypeAlias = Heading | Facts | Words | Note | Source

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Marks, letters and free places of Unicode without a look of their own, in which words can be hidden."""


def visible(text: str) -> str:
    """`text` in which nothing acts: control, direction and other invisible characters are spelled out."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(f"\\u{{{ord(c):x}}}" if _hidden(c) else c for c in text.replace("\r\n", "\n"))


def _hidden(c: str) -> bool:
    if c in "\n\t\u200d":
        return False
    return unicodedata.category(c) in _HIDDEN or _UNSEEN.match(c) is not None


def pieces(trace: Trace) -> Iterator[Piece]:
    """The report of a session, in order."""
    yield Heading(1, trace.query)
    yield Facts(tuple(_facts(trace)))
    yield from _notes(trace.judgements)
    if trace.given is not None:
        yield Heading(
            2, "Answer" if not trace.partial else "Best partial answer", "good" if not trace.partial else ""
        )
        yield Words(trace.given)
    calls = {call.call_id: call for call in trace.calls}
    for turn in trace.turns:
        yield from _turn(turn, calls)


def _facts(trace: Trace) -> Iterator[tuple[str, str]]:
    tokens = trace.supervisor_usage.total_tokens, trace.worker_usage.total_tokens
    yield "Session", trace.session_id
    yield (
        "Document",
        f"{trace.document.name or trace.document.sha256[:12]} ({trace.document.chars} characters)",
    )
    yield "Supervisor", trace.supervisor
    yield "Worker", trace.worker
    yield "Began", trace.started.strftime("%Y-%m-%d %H:%M UTC")
    yield "Ended", f"{trace.status or 'never'}: {trace.reason}"
    yield "Steps", str(len({turn.step for turn in trace.turns}))
    yield "Worker calls", str(len(trace.calls))
    yield "Tokens", f"supervisor {tokens[0]}, worker {tokens[1]}"
    yield "Cost", "not known" if trace.cost is None else f"${trace.cost:.4f}"
    yield "Isolation", trace.isolation
    if trace.parent is not None:
        yield (
            "Fork of",
            f"{trace.parent.session_id}, after {count(trace.parent.steps, 'step')}",
        )
    for number, question in enumerate(trace.questions[1:], 2):
        yield f"Question {number}", question


def _turn(turn: Turn, calls: dict[str, Call]) -> Iterator[Piece]:
    by = f" by {turn.decision.by}" if turn.decision is not None else ""
    tone = "bad" if turn.outcome == "rejected" or turn.sent_back else "good" if turn.outcome in RAN else ""
    copied = ", copied from the parent" if turn.copied else ""
    yield Heading(2, f"Step {turn.step}: {turn.outcome.replace('_', ' ')}{by}{copied}", tone)
    if turn.sent_back:
        yield Note("Its answer was sent back.", "bad")
    if turn.guidance:
        yield Note(f"Told the supervisor: {turn.guidance}")
    if turn.problem is not None:
        yield Note(f"Nothing to run: {turn.problem}", "bad")
    if turn.error is not None:
        yield Note(turn.error, "bad")
    yield from _notes(turn.judgements)
    if turn.reasoning:
        yield Source(turn.reasoning, title="Reasoning")
    yield Source(turn.text, language="markdown")
    if turn.text != turn.reply:
        yield Source(turn.reply, language="markdown", title="As the supervisor wrote it")
    for cell in turn.cells:
        yield from _cell(cell, calls)


def _cell(cell: Cell, calls: dict[str, Call]) -> Iterator[Piece]:
    failed = cell.status not in (None, "ok", "final")
    yield Note(
        f"Cell {cell.cell_id}: {cell.status or 'not ended'}, {cell.elapsed:.1f} s", "bad" if failed else ""
    )
    output = cell.output + (cell.traceback or "")
    if output.strip():
        yield Source(output, title="Output" if len(output) > 2000 else "")
    made = [calls[name] for name in cell.calls if name in calls]
    if made:
        yield Source("\n".join(_call(call) for call in made), title=count(len(made), "worker call"))
    for call in made:
        yield from _notes(call.judgements, f"Worker call {call.call_id}")


def _call(call: Call) -> str:
    said = call.text if call.text is not None else f"failed: {call.error}"
    changed = f"\n--- instead of ---\n{call.response}" if call.text != call.response and call.response else ""
    return f"── {call.call_id} ({call.model}, {call.elapsed:.1f} s)\n{call.prompt}\n--- reply ---\n{said}{changed}\n"


def _notes(judgements: Iterable[ev.Annotated], about: str = "") -> Iterator[Note]:
    for made in judgements:
        said = []
        if made.rating is not None:
            said.append(f"rating {made.rating}")
        if made.mark is not None:
            said.append(f"mark {made.mark:+d}" if made.mark else "mark 0")
        said += [f"{name} {value:g}" for name, value in made.scores.items()]
        said += list(made.labels)
        if made.comment:
            said.append(made.comment)
        if made.correction is not None:
            said.append(f"correction: {made.correction}" + (f" ({made.reason})" if made.reason else ""))
        where = f"{about}, " if about else ""
        tone = "bad" if made.mark == -1 else "good" if made.mark == 1 else ""
        yield Note(f"{where}{made.by}: {'; '.join(said)}", tone)
