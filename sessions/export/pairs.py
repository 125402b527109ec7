"""What people preferred over what: the pairs that preference formats are made of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sessions.export.judging import fault
from sessions.export.rows import Left, Options, Origin, of_call, of_turn, turn_key
from sessions.export.trace import RAN, Call, Trace, Turn


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """`chosen` was preferred over `rejected` as the answer to `prompt`; `why` is how that came about."""

    key: str
    prompt: tuple[dict[str, object], ...]
    chosen: str
    rejected: str
    why: str
    origin: Origin


def of_turns(trace: Trace, options: Options) -> Iterator[Pair | Left]:
    """The pairs of a session's turns.

    - edited: the code as a person changed it, over the supervisor's own;
    - corrected: a reviewer's correction over what ran;
    - retried: the reply that was accepted in the end over each that was rejected before it, each with its own prompt;
    - candidates: the one that was chosen over the others of its turn.
    """
    waiting: list[Turn] = []
    others: dict[int, list[Turn]] = {}
    for turn in trace.turns:
        if turn.outcome == "superseded":
            others.setdefault(turn.step, []).append(turn)
    for turn in trace.turns:
        if turn.outcome == "superseded":
            continue
        if turn.outcome == "rejected" or turn.sent_back:
            if turn.copied and "copied" not in options.keep:
                yield _left(trace, turn, "copied", "the parent of the fork has it")
            else:
                waiting.append(turn)
            continue
        found = fault(turn, options.keep)
        if found is not None:
            yield _left(trace, turn, *found)
            continue
        pairs = list(_own(trace, turn))
        pairs += [_pair(trace, bad, turn, "retried", turn.text, bad.reply) for bad in waiting]
        pairs += [
            _pair(trace, turn, turn, f"candidate-{bad.call_id}", turn.text, bad.reply)
            for bad in others.get(turn.step, ())
            if bad.reply.strip()
        ]
        waiting = []
        told = [pair for pair in pairs if pair.chosen.strip() != pair.rejected.strip()]
        yield from told
        if not told:
            yield _left(trace, turn, "no_pair", "approved as it was, with nothing beside it")
    for turn in waiting:
        yield _left(trace, turn, "no_pair", "rejected, and nothing was accepted after it")


def _own(trace: Trace, turn: Turn) -> Iterator[Pair]:
    if turn.decided != turn.reply and turn.outcome in RAN:
        yield _pair(trace, turn, turn, "edited", turn.text, turn.reply)
    if turn.text != turn.decided:
        yield _pair(trace, turn, turn, "corrected", turn.text, turn.decided)


def _pair(trace: Trace, asked: Turn, turn: Turn, why: str, chosen: str, rejected: str) -> Pair:
    origin = of_turn(turn)
    if asked is not turn:
        origin = msgspec.structs.replace(origin, events=tuple(sorted({*turn.events, *asked.events})))
    from sessions.export.chat import prompt

    return Pair(
        key=turn_key(trace, asked, why),
        prompt=tuple(prompt(asked)),
        chosen=chosen,
        rejected=rejected,
        why=why.partition("-")[0],
        origin=origin,
    )


def _left(trace: Trace, turn: Turn, rule: str, why: str) -> Left:
    return Left(key=turn_key(trace, turn), rule=rule, why=why)


def of_calls(call: Call, key: str, retried: Call | None = None) -> Pair | Left:
    """What a person put in the place of a worker's reply, over that reply.

    Args:
        retried: the call by which a person asked again and had that reply used instead.
    """
    if retried is not None and call.response is not None and retried.text not in (None, call.response):
        return Pair(
            key=key,
            prompt=({"role": "user", "content": call.prompt},),
            chosen=retried.text or "",
            rejected=call.response,
            why="retried",
            origin=of_call(retried),
        )
    if call.response is None or call.text is None or call.text == call.response:
        return Left(key=key, rule="no_pair", why="nobody corrected it")
    return Pair(
        key=key,
        prompt=({"role": "user", "content": call.prompt},),
        chosen=call.text,
        rejected=call.response,
        why="corrected" if call.text != call.override else "overridden",
        origin=of_call(call),
    )
