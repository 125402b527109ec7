"""Which replies are worth learning from: rules of several formats, each with a name by which it can be lifted."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export.rows import Left, Options, Row, call_key, turn_key
from sessions.export.trace import RAN, Call, Plain, Trace, Turn


def fault(turn: Turn, keep: frozenset[str] = frozenset()) -> tuple[str, str] | None:
    """The first rule that speaks against learning `turn`, and what was found; None if nothing does.

    Args:
        keep: rules that are not applied. "failed" always is: there is nothing to learn.
    """
    for rule, why in _faults(turn):
        if rule not in keep or rule == "failed":
            return rule, why
    return None


def _faults(turn: Turn) -> Iterator[tuple[str, str]]:
    by = f" by {turn.decision.by}" if turn.decision is not None else ""
    if turn.outcome not in RAN:
        yield turn.outcome, turn.error or turn.problem or f"{turn.outcome}{by}"
    if turn.sent_back:
        yield "sent_back", turn.guidance
    if turn.copied:
        yield "copied", "the parent of the fork has it"
    if turn.finish_reason == "length":
        yield "truncated", "the model stopped at its token limit"
    if turn.erred:
        yield "error", ", ".join(str(c.status) for c in turn.cells if c.status not in ("ok", "final"))
    if turn.mark == -1:
        yield "marked_bad", "by " + ", ".join(sorted({a.by for a in turn.judgements if a.mark is not None}))
    if not turn.text.strip() and not turn.tool_calls:
        yield "nothing_left", "the reply is empty"
    if turn.gap:
        yield "nothing_left", "a reply before it is empty"


def teaches(turn: Turn) -> bool:
    """Whether no rule at all speaks against learning `turn`: then `fault` finds none."""
    return not (
        turn.outcome not in RAN
        or turn.sent_back
        or turn.copied
        or turn.finish_reason == "length"
        or turn.erred
        or turn.mark == -1
        or turn.text.isspace()
        or not turn.text
        or turn.gap
    )


def worth(trace: Trace, options: Options) -> Iterator[Turn | Left]:
    """Every turn that may be learned, and a `Left` in the place of each other."""
    for turn in trace.turns:
        found = fault(turn, options.keep)
        if found is None:
            yield turn
        else:
            yield Left(key=turn_key(trace, turn), rule=found[0], why=found[1])


def whole(trace: Trace, options: Options, *, weighted: bool) -> Left | None:
    """Why a session as a whole is no example; None where it is one.

    Args:
        weighted: the format can leave single turns out of the loss, so that they may stand in it.
    """
    key = trace.session_id
    turns = trace.conversation()
    if not turns:
        return Left(key=key, rule="failed", why="the supervisor never replied")
    if (trace.status != "finished" or trace.partial) and "unfinished" not in options.keep:
        return Left(key=key, rule="unfinished", why=trace.status or "it never finished")
    found = [(turn, fault(turn, options.keep)) for turn in turns]
    faults = [(turn, rule) for turn, rule in found if rule is not None]
    if weighted:
        if len(faults) == len(found):
            turn, rule = faults[0]
            return Left(key=key, rule=rule[0], why=f"no turn can be learned; step {turn.step}: {rule[1]}")
        return None
    # Errors that the supervisor then mends are part of a whole conversation; what a person refused is not.
    hard = [(turn, rule) for turn, rule in faults if rule[0] != "error"]
    if hard:
        turn, rule = hard[0]
        return Left(key=key, rule=rule[0], why=f"step {turn.step}: {rule[1]}")
    return None


def call_fault(call: Call, options: Options) -> tuple[str, str] | None:
    """The first rule that speaks against learning a worker call."""
    for rule, why in _call_faults(call):
        if rule == "failed" or rule not in options.keep:
            return rule, why
    return None


def _call_faults(call: Call) -> Iterator[tuple[str, str]]:
    if call.text is None:
        yield "failed", call.error or "no reply"
    if call.copied:
        yield "copied", "the parent of the fork has it"
    if call.replaced_by is not None:
        yield "superseded", f"a person asked again: {call.replaced_by}"
    if call.purpose != "answer":
        yield "purpose", call.purpose
    if call.finish_reason == "length":
        yield "truncated", "the worker stopped at its token limit"
    if call.mark == -1 and call.text == call.response:
        yield "marked_bad", "marked −1 and not corrected"


def is_worth_it(call: Plain) -> bool:
    """Whether no rule at all speaks against learning a plain call."""
    started, returned = call.started, call.returned
    return not (
        started.copied or returned.copied or started.purpose != "answer" or returned.finish_reason == "length"
    )


def calls(trace: Trace, options: Options) -> Iterator[Call | Left]:
    """Every worker call that may be learned, and a `Left` in the place of each other."""
    for call in trace.calls:
        found = call_fault(call, options)
        if found is None:
            yield call
        else:
            yield Left(key=call_key(trace, call), rule=found[0], why=found[1])


__all__ = ["Row", "call_fault", "calls", "fault", "is_worth_it", "teaches", "whole", "worth"]
