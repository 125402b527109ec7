"""Good or bad, turn by turn: what unpaired preference formats are made of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sessions.export.judging import fault
from sessions.export.rows import Left, Options, Origin, of_turn, turn_key
from sessions.export.trace import Trace, Turn


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A reply, the turn it answers, and whether it is good."""

    key: str
    turn: Turn
    text: str
    good: bool
    origin: Origin


_BAD = ("rejected", "sent_back", "marked_bad")


def of_turns(trace: Trace, options: Options) -> Iterator[Judged | Left]:
    """The replies that a person judged.

    Good: approved, edited or written by a person, or marked +1. Bad: rejected, sent back, marked −1, and what stood
    there before an edit. What only a policy let pass was judged by nobody.
    """
    for turn in trace.turns:
        yield from _judged(trace, turn, options)


def _judged(trace: Trace, turn: Turn, options: Options) -> Iterator[Judged | Left]:
    def judged(text: str, good: bool, variant: str = "") -> Judged:
        key = turn_key(trace, turn, variant)
        return Judged(key=key, turn=turn, text=text, good=good, origin=of_turn(turn))

    def left(rule: str, why: str) -> Left:
        return Left(key=turn_key(trace, turn), rule=rule, why=why)

    found = fault(turn, options.keep | set(_BAD))
    if found is not None:
        yield left(*found)
        return
    by_person = turn.decision is not None and not turn.decision.by.startswith("policy:")
    if turn.outcome == "rejected" or turn.sent_back or turn.mark == -1:
        yield judged(turn.decided, good=False)
    elif turn.mark == 0 and "neutral" not in options.keep:
        yield left("neutral", "marked 0")
    elif by_person or turn.mark == 1 or "no_judgement" in options.keep:
        yield judged(turn.text, good=True)
    else:
        yield left("no_judgement", turn.decision.by if turn.decision is not None else "no decision")
    if turn.decided != turn.reply and turn.reply.strip() and turn.outcome != "rejected":
        yield judged(turn.reply, good=False, variant="before")
