"""`prompt-completion`: one row a supervisor turn that was approved, the exact messages sent and the reply as decided.

Shape: TRL's conversational prompt-completion type (https://huggingface.co/docs/trl/dataset_formats). TRL has no weight
for single messages, so this teaches exactly the turns that a person let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_

import msgspec

from distill_core.models.base import Message
from sessions.export import chat
from sessions.export.alike import Gathering
from sessions.export.judging import teaches, worth
from sessions.export.rows import Alike, Format, Left, Options, Row, Verdict, of_turn, turn_key
from sessions.export.trace import Trace, Turn

_encoder = msgspec.json.Encoder()


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a turn."""
    tools = chat.tools(trace)
    for turn in worth(trace, options):
        if isinstance(turn, Left):
            yield turn
            continue
        columns = {
            "prompt": chat.with_objects(chat.prompt(turn)),
            "completion": chat.with_objects([chat.reply(turn)]),
            **tools,
        }
        yield Row(key=turn_key(trace, turn), columns=columns, origin=of_turn(turn))


_COLUMNS = ("prompt", "completion")
_COMPLETION = b'],"completion":[{"role":"assistant","content":'


def together(trace: Trace, options: Options) -> Iterator[Verdict | Alike]:
    """The same, turns against which nothing speaks in lines at once; the others one by one."""
    if chat.tools(trace):
        yield from rows(trace, options)
        return
    alike, prompts = Gathering(_COLUMNS), _Prompts()
    for turn in trace.turns:
        if not teaches(turn):
            for verdict in rows(msgspec.structs.replace(trace, turns=(turn,)), options):
                if isinstance(verdict, Row):
                    yield from alike.told()
                yield verdict
            continue
        by = turn.decision.by if turn.decision is not None else ""
        judges = tuple([made.by for made in turn.judgements]) if turn.judgements else ()
        # Parameters as text: numbers that are equal need not be told alike.
        common = turn.model, _encoder.encode(turn.params), turn.outcome, by, judges, turn.labels
        if not alike.takes(common):
            yield from alike.begin(common, of_turn(turn))
        line = b"%b%b}]}" % (_COMPLETION, _encoder.encode(turn.text))
        alike.add(turn_key(trace, turn), line, (turn.step, *turn.events), start=prompts.told(turn))
    yield from alike.told()


class _Prompts:
    """What was sent before each turn, as a row begins. What was said before that is encoded once."""

    def __init__(self) -> None:
        self._before: tuple[Message, ...] = ()
        self._told = b'{"prompt":['

    def told(self, turn: Turn) -> bytes:
        """The beginning of its row, up to the end of the last message."""
        messages, before = turn.prompt, self._before
        # The same objects, not equal ones: what is equal may be told otherwise, such as 1 and 1.0.
        if not before or len(messages) < len(before) or not all(map(is_, before, messages)):
            self._before, self._told, before = (), b'{"prompt":[', ()
        if len(messages) > len(before):
            more = [one for one in messages[len(before) :] if chat.PASSED_OVER not in one]
            told = _encoder.encode([chat.plainly(one) for one in more])[1:-1]
            self._told = b"".join((self._told, b"," if before and more else b"", told))
        self._before = messages
        return self._told


FORMAT = Format(
    name="prompt-completion",
    help="TRL: one row an approved turn, the messages sent and the reply as decided",
    rows=rows,
    together=together,
    reads=("turns",),
    columns={"prompt": [chat.MESSAGE], "completion": [chat.MESSAGE], "tools": "string"},
    objects=True,
    teaches="For `trl.SFTTrainer`; the loss is on the completion alone, which is TRL's default for this type.",
)
