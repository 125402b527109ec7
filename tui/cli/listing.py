"""Sessions in words, for a terminal or a file: a line each, hits with their marks, one session in full."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import click

from distill_core.plurals import count
from tui.live.words import step_mark
from tui.text import clean

if TYPE_CHECKING:
    from distill_core.events import Preference
    from distill_core.state import Cell, SessionState, Step
    from sessions import Hit, SessionRow

_NUMBERS = ("STEPS", "CALLS", "ERRORS", "COST", "RATING")
HEADS = ("SESSION", "STARTED", "STATUS", *_NUMBERS, "LABELS", "DOCUMENT", "QUESTION")
DOCUMENT = 24
"""Cells that a document's name gets in a list."""

OUTPUT_LINES = 12
"""Lines of a cell's output that `sessions show` prints without `--full`."""


def table(rows: list[SessionRow]) -> Iterator[str]:
    """The lines of a list; the question is cut to what a terminal has room for."""
    lines = [HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADS) - 1)]
    room = _width() - sum(widths) - 2 * len(widths)
    for line in lines:
        head = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False))
        yield f"{head}  {_cut(line[-1], room)}".rstrip()


def _cells(row: SessionRow) -> tuple[str, ...]:
    return tuple(
        clean(cell)
        for cell in (
            row.session_id,
            when(row.started),
            row.status,
            str(row.steps),
            str(row.worker_calls),
            str(row.errors + row.failed_calls),
            money(row.cost),
            rating(row),
            ",".join(row.labels) or unsaid(row),
            _cut(" ".join(row.document_name.split()), DOCUMENT) or "-",
            " ".join(row.title.split()),
        )
    )


CLOSED = "·"
"""Stands for what others judged and the reader may not see yet; "-" for what nobody did."""


def unsaid(row: SessionRow) -> str:
    """What stands where no judgement is to be seen."""
    return CLOSED if row.closed else "-"


def closed(row: SessionRow) -> str:
    """Who judged a session and is not to be seen yet, in words; "" if nobody."""
    return f"what {' and '.join(row.closed)} said is shown once you are done" if row.closed else ""


def rating(row: SessionRow) -> str:
    """A session's rating, as far as the reader may see."""
    return unsaid(row) if row.rating is None else f"{row.rating:.3g}"


def left_out(examples: int) -> str:
    """That sessions which come with the program were left out, and how to have them."""
    are = "is" if examples == 1 else "are"
    return f"note: {count(examples, 'example session')} {are} left out (--examples takes them in)"


def when(moment: datetime | None) -> str:
    """A moment to the minute, in the person's own time."""
    if moment is None:
        return "-"
    with suppress(OverflowError, ValueError):  # on the first or last day that there is
        moment = moment.astimezone()
    return f"{moment:%Y-%m-%d %H:%M}"


def money(cost: float | None) -> str:
    """US dollars."""
    return "-" if cost is None else f"${cost:.4f}" if 0 < cost < 1 else f"${cost:.2f}"


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def _cut(text: str, room: int) -> str:
    room = max(room, 20)
    return text if len(text) <= room else text[: room - 1] + "…"


def hit_lines(hits: list[Hit]) -> Iterator[str]:
    """A heading a session, a line a hit; what was found is bold on a terminal."""
    session = ""
    for hit in hits:
        if hit.session_id != session:
            session = hit.session_id
            yield click.style(clean(session), fg="cyan")
        place = f"{hit.where}" + (f" in step {hit.step}" if hit.step else "")
        yield f"  {place:<22} {marked(hit)}"


def marked(hit: Hit) -> str:
    """The snippet on one line, its hits in bold."""
    text = clean(hit.snippet).replace("\n", " ").replace("\t", " ")
    pieces, at = [], 0
    for begin, end in hit.marks:
        pieces += [text[at:begin], click.style(text[begin:end], bold=True)]
        at = end
    return "".join([*pieces, text[at:]])


def session_lines(
    row: SessionRow, state: SessionState, *, full: bool, unseen: AbstractSet[int] = frozenset()
) -> Iterator[str]:
    """One session: the facts, each step with its code, output and decisions, the answer, what people said of it.

    Args:
        full: whole outputs.
        unseen: annotations that the reader may not see, by number.
    """
    yield from _facts(row)
    for step in state.steps:
        yield from _step(step, state, full=full)
    yield from _answer(row)
    yield from _judgements(row, state, unseen)


def _facts(row: SessionRow) -> Iterator[str]:
    facts = {
        "session": row.session_id,
        "question": row.question,
        "document": row.document_name or "-",
        "models": f"{row.supervisor} / {row.worker}",
        "started": when(row.started),
        "status": row.status + (f" ({row.reason})" if row.reason else ""),
        "spent": f"{count(row.steps, 'step')}, {count(row.worker_calls, 'worker call')}, "
        f"{count(row.tokens, 'token')}, {money(row.cost)}",
        "decided by": ", ".join(row.decided_by) or "-",
        "fork of": f"{row.parent} after step {row.parent_steps}" if row.parent else "",
        "judged by": ", ".join(row.reviewers),
        "rating": "" if row.rating is None else rating(row),
        "labels": ", ".join(row.labels),
        "problem": row.problem or "",
    }
    for name, value in facts.items():
        if value:
            # Further lines of a value stand under its first, where none can pass for a fact of its own.
            indented = clean(value).replace("\n", "\n" + " " * 11)
            yield f"{click.style(f'{name:<11}', fg='cyan')}{indented}"


def _step(step: Step, state: SessionState, *, full: bool) -> Iterator[str]:
    copied = " (copied from its parent)" if step.copied else ""
    yield ""
    how = step_mark(state, step, waiting=False).word
    yield click.style(f"step {step.number}: {how}{copied}", bold=True)
    for decision in step.decisions:
        who, words = clean(decision.by), clean(decision.guidance)
        yield f"  {decision.action} by {who} after {decision.took:.1f} s {words}".rstrip()
    for cell_id in step.cells:
        yield from _cell(state.cells[cell_id], full=full)


def _cell(cell: Cell, *, full: bool) -> Iterator[str]:
    yield from (f"  │ {clean(line)}" for line in cell.code.splitlines())
    output = (cell.text() + (cell.traceback or "")).splitlines()
    shown = output if full else output[:OUTPUT_LINES]
    yield from (f"    {clean(line)}" for line in shown)
    if len(shown) < len(output):
        yield f"    … {count(len(output) - len(shown), 'more line')} (--full)"
    if len(cell.calls):
        yield f"    {count(len(cell.calls), 'worker call')}"


def _answer(row: SessionRow) -> Iterator[str]:
    if row.answer is not None:
        yield ""
        yield click.style("answer" + (" (partial)" if row.partial else ""), bold=True)
        yield from (f"  {clean(line)}" for line in row.answer.splitlines())


def _preference(preference: Preference) -> str:
    if preference.winner == "neither":
        return f"neither better nor worse than {preference.other}"
    return f"{'better' if preference.winner == 'this' else 'worse'} than {preference.other}"


def _judgements(row: SessionRow, state: SessionState, unseen: AbstractSet[int]) -> Iterator[str]:
    annotations = [a for a in state.annotations() if a.seq not in unseen]
    if annotations or unseen:
        yield ""
        yield click.style("judgements", bold=True)
    for a in annotations:
        what = a.target.kind + (f" {a.target.id}" if a.target.id else "")
        parts = [
            f"rated {a.rating}" if a.rating is not None else "",
            f"marked {a.mark:+d}".replace("+0", "0") if a.mark is not None else "",
            ", ".join(a.labels),
            *(f"{name} {score:g}" for name, score in a.scores.items()),
            a.comment,
            f"should be: {a.correction}" if a.correction else "",
            _preference(a.preference) if a.preference is not None else "",
            f"because: {a.reason}" if a.reason else "",
            f"takes back {', '.join(a.cleared)}" if a.cleared else "",
            "done" if a.done else "",
        ]
        how = " settles" if a.settles else ""
        yield f"  {clean(a.by)}{how} on {clean(what)}: {clean('; '.join(p for p in parts if p))}"
    if unseen:
        yield f"  {CLOSED} {clean(closed(row))}"
