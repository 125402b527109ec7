"""The worker calls: one row a call, drawn from the state when it is looked at, and a line that sums them up."""

from __future__ import annotations

from distill_core.state import SessionState, WorkerCall
from tui.lines import Line, pad, roled
from tui.live import words
from tui.live.model import CallCounts

STATE, PLACE, TOKENS, TIME = 9, 6, 4, 6


SEPARATOR = (" · ", "muted")


def summary(state: SessionState, counts: CallCounts) -> Line:
    """All calls in one line."""
    if not counts.total:
        return (("no worker calls yet", "muted"),)
    spans: list[tuple[str, str]] = [(f"{counts.done + counts.failed:,}/{counts.total:,} done", "")]
    if counts.running:
        spans += [SEPARATOR, (f"▸{counts.running:,} run", "active")]
    if counts.failed:
        spans += [SEPARATOR, (f"✗{counts.failed:,} failed", "error")]
    spans += [SEPARATOR, (f"{words.tokens(state.worker_usage.total_tokens)} tok", "muted")]
    if counts.cached:
        spans += [SEPARATOR, (f"{counts.cached:,} cached", "muted")]
    return tuple(spans)


HEADER: Line = (
    (
        pad("state", STATE)
        + pad("call", PLACE)
        + pad("tok", TOKENS, right=True)
        + pad("time", TIME, right=True)
        + " reply",
        "muted",
    ),
)


def row(call: WorkerCall) -> Line:
    """One call; the pane cuts it to its width."""
    mark = words.call_mark(call)
    place = f"{call.batch_id}.{call.index}" if call.batch_id else call.call_id
    used = words.tokens(call.usage.total_tokens) if call.usage.total_tokens else ""
    took = words.seconds(call.elapsed) if call.phase != "running" else ""
    return (
        (pad(mark.text, STATE), mark.role),
        (pad(place, PLACE), "muted"),
        (pad(used, TOKENS, right=True), "muted"),
        (pad(took, TIME, right=True), "muted"),
        (" ", ""),
        *_words(call),
    )


def _words(call: WorkerCall) -> Line:
    if call.override is not None:
        return ((_first_words(call.override), ""),)
    if call.error is not None:
        return ((_first_words(call.error), "error"),)
    if call.response is not None:
        flags = [
            flag for flag, on in (("cached", call.cached), (call.purpose, call.purpose != "answer")) if on
        ]
        prefix = ((f"({', '.join(flags)}) ", "muted"),) if flags else ()
        return (*prefix, (_first_words(call.response), ""))
    return ((_first_words(call.prompt), "muted"),)


def _first_words(text: str) -> str:
    return " ".join(text[:400].split())


def detail_lines(call: WorkerCall) -> list[Line]:
    """Everything kept about a call: the exact prompt, the exact reply."""
    mark = words.call_mark(call)
    lines: list[Line] = [
        (
            (mark.text, mark.role),
            (f" · {call.model} · step {call.step} · {call.cell_id} · {call.purpose}", "muted"),
        ),
        (
            (f"{call.usage.prompt_tokens:,} tokens read, {call.usage.completion_tokens:,} written", "muted"),
            (f" · {words.seconds(call.elapsed)} · attempt {call.attempt}", "muted"),
            (" · cached" if call.cached else "", "muted"),
        ),
    ]
    texts = (
        ("reply as changed by a person", call.override, ""),
        ("reply", call.response, ""),
        ("error", call.error, "error"),
        ("prompt", call.prompt, ""),
    )
    for title, text, role in texts:
        if text is not None:
            lines += [(), ((title, "heading"),), *roled(text, role)]
    return lines
