"""What people preferred over what: the pairs that preference formats are made of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sessions.export.chat import assistant, conversation, plain, prompt, reply
from sessions.export.judging import fault
from sessions.export.rows import Left, Options, Origin, of_call, of_session, of_turn, turn_key
from sessions.export.trace import RAN, Call, Trace, Turn


class Pair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`chosen` was preferred over `rejected` as the answer to `prompt`; `why` is how that came about."""

    key: str
    prompt: tuple[dict[str, object], ...]
    chosen: tuple[dict[str, object], ...]
    rejected: tuple[dict[str, object], ...]
    why: str
    origin: Origin

    def single(self) -> tuple[dict[str, object], dict[str, object]] | Left:
        """The one reply of each side, for formats that take no more."""
        if len(self.chosen) == len(self.rejected) == 1:
            return self.chosen[0], self.rejected[0]
        return Left(key=self.key, rule="several_messages", why=f"{len(self.chosen)} and {len(self.rejected)}")


def of_turns(trace: Trace, options: Options) -> Iterator[Pair | Left]:
    """The pairs of a session's turns.

    - edited: the code as a person changed it, over the supervisor's own;
    - corrected: a reviewer's correction over what ran;
    - retried: the reply that was accepted in the end over each that was rejected before it, each with its own prompt;
    - candidates: the one that was chosen over the others of its turn;
    - compared: the whole session over another of the same question, from where they part.
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
        pairs += [_pair(trace, bad, turn, "retried", reply(turn), reply(bad, bad.reply)) for bad in waiting]
        pairs += [
            _pair(trace, turn, turn, f"candidate-{bad.call_id}", reply(turn), reply(bad, bad.reply))
            for bad in others.get(turn.step, ())
            if bad.reply.strip()
        ]
        waiting = []
        told = [pair for pair in pairs if _differ(pair)]
        for at, pair in enumerate(told):
            yield _once(pair, told[:at])
        if not told:
            yield _left(trace, turn, "no_pair", "approved as it was, with nothing beside it")
    for turn in waiting:
        yield _left(trace, turn, "no_pair", "rejected, and nothing was accepted after it")
    yield from _of_sessions(trace)


def _of_sessions(trace: Trace) -> Iterator[Pair | Left]:
    """This session over each that a reviewer found worse, from where the two conversations part."""
    said = [plain(one.message) for one in conversation(trace)]
    for rival in trace.rivals:
        key = f"{trace.session_id}/over/{rival.session_id}"
        other = [plain(message) for message in rival.messages]
        shared = _shared(said, other)
        if rival.split_apart or not shared:
            why = rival.split_apart or "they do not begin alike"
            yield Left(key=key, rule="no_pair", why=f"{rival.session_id}: {why}")
            continue
        origin = of_session(trace)
        pair = Pair(
            key=key,
            prompt=tuple(said[:shared]),
            chosen=tuple(said[shared:]),
            rejected=tuple(other[shared:]),
            why="compared",
            origin=msgspec.structs.replace(
                origin,
                events=tuple(sorted({*origin.events, rival.seq})),
                annotators=tuple(sorted({*origin.annotators, rival.by})),
            ),
        )
        # Where the two part at a person's edit and end with it, the edit itself is a pair already.
        edits = (own for turn in trace.turns if turn.text == _only(pair.chosen) for own in _own(trace, turn))
        yield _once(pair, [own for own in edits if _only(pair.rejected) == _only(own.rejected)])


def _only(messages: tuple[dict[str, object], ...]) -> str | None:
    return str(messages[0]["content"]) if len(messages) == 1 else None


def _once(pair: Pair, before: list[Pair]) -> Pair | Left:
    """`pair`, unless one before it prefers the same over the same, for whatever reason."""
    for one in before:
        if (one.prompt, one.chosen, one.rejected) == (pair.prompt, pair.chosen, pair.rejected):
            return Left(key=pair.key, rule="duplicate", why=one.key)
    return pair


def _shared(one: list[dict[str, object]], other: list[dict[str, object]]) -> int:
    """How many messages both begin with, up to the last before a reply; 0 where nothing, or nothing else, follows."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    while same and one[same - 1]["role"] not in ("user", "tool"):
        same -= 1
    return same if same < len(one) and same < len(other) and one[same:] != other[same:] else 0


def _differ(pair: Pair) -> bool:
    chosen, rejected = pair.chosen[0], pair.rejected[0]
    words = str(chosen["content"]).strip() != str(rejected["content"]).strip()
    return words or chosen.get("tool_calls") != rejected.get("tool_calls")


def _own(trace: Trace, turn: Turn) -> Iterator[Pair]:
    if turn.decided != turn.reply and turn.outcome in RAN:
        yield _pair(trace, turn, turn, "edited", reply(turn), reply(turn, turn.reply))
    if turn.text != turn.decided:
        yield _pair(trace, turn, turn, "corrected", reply(turn), reply(turn, turn.decided))


def _pair(
    trace: Trace, asked: Turn, turn: Turn, why: str, chosen: dict[str, object], rejected: dict[str, object]
) -> Pair:
    origin = of_turn(turn)
    if asked is not turn:
        origin = msgspec.structs.replace(origin, events=tuple(sorted({*turn.events, *asked.events})))
    return Pair(
        key=turn_key(trace, asked, why),
        prompt=tuple(prompt(asked)),
        chosen=(chosen,),
        rejected=(rejected,),
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
            chosen=(assistant(retried.text or ""),),
            rejected=(assistant(call.response),),
            why="retried",
            origin=of_call(retried),
        )
    if call.response is None or call.text is None or call.text == call.response:
        return Left(key=key, rule="no_pair", why="nobody corrected it")
    return Pair(
        key=key,
        prompt=({"role": "user", "content": call.prompt},),
        chosen=(assistant(call.text),),
        rejected=(assistant(call.response),),
        why="corrected" if call.text != call.override else "overridden",
        origin=of_call(call),
    )
