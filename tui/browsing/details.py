"""One kept session in full: where the words were found, then its facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from distill_core.plurals import count
from tui.cli.listing import closed, money, unsaid, when
from tui.lines import Line, Span, roled, wrap

if TYPE_CHECKING:
    from sessions import Hit, SessionRow

INDENT = 12


def wrap_details(line: Line, width: int) -> list[Line]:
    """Lay a line out, what is left of it under its text."""
    indent = INDENT if line and line[0][1] == "muted" else 2 if line and not line[0][0].strip() else 0
    return wrap(line, width, words=True, indent=indent)


def details(row: SessionRow, hits: Sequence[Hit]) -> list[Line]:
    """The lines of the pane."""
    return [*_found(hits), *_facts(row), *_answer(row)]


def _found(hits: Sequence[Hit]) -> Iterator[Line]:
    if not hits:
        return
    yield (("Found", "heading"),)
    for hit in hits:
        place = hit.where + (f", step {hit.step}" if hit.step else "")
        yield ((place, "muted"),)
        yield hit_line(hit)
    yield ()


def hit_line(hit: Hit) -> Line:
    """A snippet on one line, what was found standing out."""
    text = hit.snippet.replace("\n", " ").replace("\t", " ")
    spans: list[Span] = [("  ", "")]
    at = len(text) - len(text.lstrip())
    for begin, end in hit.marks:
        spans += [(text[at:begin], ""), (text[begin:end], "warn")]
        at = end
    return (*spans, (text[at:], ""))


def _facts(row: SessionRow) -> Iterator[Line]:
    yield (("Question", "heading"),)
    yield from roled(row.question)
    yield ()
    facts = (
        ("name", row.session_id),
        ("document", row.document_name or "-"),
        ("supervisor", row.supervisor),
        ("worker", row.worker),
        ("started", when(row.started)),
        ("took", "-" if row.elapsed is None else f"{row.elapsed:.0f} s"),
        ("spent", f"{count(row.tokens, 'token')}, {money(row.cost)}"),
        ("steps", f"{row.steps}, {row.edits} edited, {count(row.errors, 'cell')} failed"),
        ("calls", f"{row.worker_calls}, {row.failed_calls} failed"),
        ("decided by", ", ".join(row.decided_by) or "-"),
        ("judged by", ", ".join(row.reviewers) or "nobody yet"),
        ("labels", ", ".join(row.labels) or unsaid(row)),
        ("closed", closed(row)),
        ("fork of", f"{row.parent}, step {row.parent_steps}" if row.parent else ""),
        ("ended", row.status + (f": {row.reason}" if row.reason else "")),
        ("damage", row.problem or ""),
    )
    for name, value in facts:
        if value:
            text = " ".join(value.split())
            yield ((f"{name:<{INDENT}}", "muted"), (text, "error" if name == "damage" else ""))


def _answer(row: SessionRow) -> Iterator[Line]:
    if row.answer is not None:
        yield ()
        yield (("Answer" + (" (partial)" if row.partial else ""), "heading"),)
        yield from roled(row.answer)
