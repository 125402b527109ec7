"""The worker calls: one row a call, drawn from the state when it is looked at, and a line that sums them up."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len

from distill_core.plurals import count
from distill_core.state import SessionState, WorkerCall
from tui.lines import Line, Span, pad, plain, roled
from tui.live import words
from tui.live.model import LiveModel

STATE, PLACE, TOKENS, TIME = 9, 7, 5, 7
"""Cells of the columns; the first words of the reply get what is left."""

SEPARATOR = (" · ", "muted")


def summary(model: LiveModel, width: int, now: datetime) -> list[Line]:
    """All calls in a line, or in two where one has not the room: how many, what became of them, what they take."""
    counts, left = model.counts, model.left(now)
    if not counts.total:
        return [(("no worker calls yet", "muted"),)]
    parts: list[list[Span]] = [
        [(f"{counts.done + counts.failed:,}/{counts.total:,} done", "")],
        [(f"▸{counts.running:,} run", "active")] if counts.running else [],
        [(f"◌{counts.waiting:,} wait", "muted")] if counts.waiting else [],
        [(f"✗{counts.failed:,} failed", "error")] if counts.failed else [],
        [(f"{counts.cached:,} cached", "muted")] if counts.cached else [],
    ]
    takes: list[list[Span]] = [
        [(f"{words.tokens(model.state.worker_usage.total_tokens)} tok", "muted")],
        [(words.money(model.worker_cost), "muted")] if model.worker_cost is not None else [],
        [(words.rate(model.rate), "muted")] if model.rate else [],
        [(f"about {words.seconds(left)} left", "muted")] if left is not None else [],
    ]
    whole = _joined([*parts, *takes])
    if cell_len(plain(whole)) <= width:
        return [whole]
    return [_joined(parts), _joined(takes)]


def _joined(parts: list[list[Span]]) -> Line:
    spans: list[Span] = []
    for part in filter(None, parts):
        spans += [SEPARATOR, *part] if spans else part
    return tuple(spans)


HEADER: Line = (
    (
        pad("state", STATE)
        + pad("piece", PLACE)
        + pad("tok", TOKENS, right=True)
        + pad("time", TIME, right=True)
        + "  first words",
        "muted",
    ),
)


def row(call: WorkerCall, *, age: float | None = None, waits: bool = False) -> Line:
    """One call; the pane cuts it to its width.

    Args:
        call: the call.
        age: seconds since it was made, while it has no reply.
        waits: it has not been sent: as many are on their way as the worker takes at once.
    """
    mark = words.WAITS if waits else words.call_mark(call)
    place = f"{call.batch_id}.{call.index}" if call.batch_id else call.call_id
    used = words.tokens(call.usage.total_tokens) if call.usage.total_tokens else ""
    if call.phase == "running":
        took = "" if age is None or age < 1 else words.seconds(age // 1)
    else:
        took = "cached" if call.cached else words.seconds(call.elapsed)
    return (
        (pad(mark.text, STATE), mark.role),
        (pad(place, PLACE), "muted"),
        (pad(used, TOKENS, right=True), "muted"),
        (pad(took, TIME, right=True), "muted"),
        ("  ", ""),
        *_words(call),
    )


def _words(call: WorkerCall) -> Line:
    if call.override is not None:
        return ((_first_words(call.override), ""),)
    if call.error is not None:
        return ((_first_words(call.error), "error"),)
    if call.response is not None:
        flags = [call.purpose] if call.purpose != "answer" else []
        flags += [f"{call.retry_of} again"] if call.retry_of is not None else []
        prefix = ((f"({', '.join(flags)}) ", "muted"),) if flags else ()
        return (*prefix, (_first_words(call.response), ""))
    return ((_first_words(call.prompt), "muted"),)


def _first_words(text: str) -> str:
    return " ".join(text[:400].split())


def detail_lines(state: SessionState, call_id: str) -> list[Line]:
    """Everything kept about a call: the exact prompt, the exact reply, what a person did about it."""
    call = state.calls[call_id]
    mark = words.call_mark(call)
    lines: list[Line] = [
        (
            (mark.text, mark.role),
            (f" · {call.model} · step {call.step} · {call.cell_id} · {call.purpose}", "muted"),
        ),
        (
            (
                f"{count(call.usage.prompt_tokens, 'token')} read, {call.usage.completion_tokens:,} written",
                "muted",
            ),
            (f" · {words.seconds(call.elapsed)} · attempt {call.attempt}", "muted"),
            (" · cached" if call.cached else "", "muted"),
        ),
        *_told_again(call),
    ]
    reached = (
        "the code got it" if call.given == call.override else "for the record, the code had the worker's"
    )
    texts: list[tuple[str, str | None, str]] = [
        (f"reply as changed by a person · {reached}", call.override, ""),
        ("reply", call.response, ""),
        ("error", call.error, "error"),
    ]
    for name in call.retries:
        again = state.calls[name]
        told = again.response or again.error or "on its way"
        texts.append((f"sent again as {name}", told, "error" if again.error else ""))
    for title, text, role in (*texts, ("prompt", call.prompt, "")):
        if text is not None:
            lines += [(), ((title, "heading"),), *roled(text, role)]
    return lines


def _told_again(call: WorkerCall) -> list[Line]:
    """Whose prompt a person sent again by it, and for whom."""
    if call.retry_of is None:
        return []
    whom = "the code gets its reply" if call.reaches_cell else "for the record"
    return [((f"{call.retry_of} sent again · {whom}", "warn"),)]
