"""The status lines: where the session stands, what is left of its budget, who approves."""

from __future__ import annotations

from datetime import datetime

from distill_core.plurals import count
from distill_core.state import SessionState
from tui.lines import Line, Span
from tui.live import words
from tui.live.model import LiveModel

SEPARATOR: Span = (" · ", "muted")


def mark(model: LiveModel) -> words.Mark:
    """The state of the whole session."""
    if model.ended is not None and model.ended.error is not None:
        return words.SESSION["failed"]
    if model.state.finished is not None:
        return words.SESSION[model.state.finished.status]
    if model.ended is not None:
        return words.Mark("■", "ended", "muted")
    if model.proposal is not None:
        return words.WAITING
    if model.paused:
        return words.PAUSED
    if model.state.started is None:
        return words.Mark("✎", "starting", "active")
    if model.again is not None:
        return words.RECONNECTING
    if model.running_cell is not None:
        return words.Mark("▸", "running", "active")
    return words.Mark("✎", "drafting" if model.phase == "drafting" else "working", "active")


def first(model: LiveModel, policy: str, now: datetime) -> Line:
    """State, turn, time, what is left, policy."""
    state = model.state
    at = mark(model)
    spans: list[Span] = [(at.text, at.role)]
    if model.again is not None and at is words.RECONNECTING:
        role, again = model.again
        spans += [SEPARATOR, (f"the {role} does not answer, retry {again.retry} of {again.most}", "warn")]
    for part in (_turn(state), _elapsed(model, now), *_budget(state, model.counts.total), _cost(model)):
        if part:
            spans += [SEPARATOR, (part, "")]
    if policy:
        spans += [SEPARATOR, ("policy ", "muted"), (policy, "")]
    if model.paused and at is not words.PAUSED and model.live:
        spans += [SEPARATOR, (words.PAUSED.text, words.PAUSED.role)]
    return tuple(spans)


def second(model: LiveModel) -> Line:
    """The question and what works on it."""
    started = model.state.started
    question = model.state.question
    if started is None:
        return (("the session is being prepared: document, models, REPL", "muted"),)
    parent = started.parent
    unwalled: Line = (
        ((words.NO_WALL.text, words.NO_WALL.role), SEPARATOR) if model.isolation == "none" else ()
    )
    fork: Line = () if parent is None else ((f"fork at step {parent.steps + 1}", "active"), SEPARATOR)
    return (
        *unwalled,
        *fork,
        (started.supervisor, ""),
        (" → ", "muted"),
        (started.worker, ""),
        SEPARATOR,
        (f"isolation {model.isolation}", ""),
        SEPARATOR,
        (started.document.name or "document", ""),
        (f" {started.document.chars:,} chars", "muted"),
        SEPARATOR,
        (" ".join(question.split()), "heading"),
    )


def _turn(state: SessionState) -> str:
    turn = len(state.steps)
    return f"turn {turn}/{state.limits.turns}" if state.limits.turns is not None else f"turn {turn}"


def _elapsed(model: LiveModel, now: datetime) -> str:
    state, span = model.state, model.elapsed(now)
    if state.started is None:
        return ""
    if state.finished is not None:
        return words.seconds(span)
    most = f"/{words.seconds(state.limits.seconds)}" if state.limits.seconds is not None else ""
    return (words.seconds(span // 1) if span >= 1 else "0s") + most


def _budget(state: SessionState, calls: int) -> list[str]:
    limits = state.limits
    used = state.supervisor_usage.total_tokens + state.worker_usage.total_tokens
    parts = [f"{words.tokens(used)}{_of(limits.tokens)} tok"]
    bound = limits.worker_calls
    parts.append(count(calls, "call") if bound is None else f"{calls:,}/{bound:,} calls")
    return parts


def _of(bound: int | None) -> str:
    return f"/{words.tokens(bound)}" if bound is not None else ""


def _cost(model: LiveModel) -> str:
    finished, limit = model.state.finished, model.state.limits.money
    cost = finished.cost if finished is not None else model.cost
    if cost is None:
        return f"{words.money(limit)} at most" if limit is not None else ""
    return words.money(cost) + (f"/{words.money(limit)}" if limit is not None else "")
