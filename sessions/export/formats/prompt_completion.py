"""`prompt-completion`: one row a supervisor turn that was approved, the exact messages sent and the reply as decided.

Shape: TRL's conversational prompt-completion type (https://huggingface.co/docs/trl/dataset_formats). TRL has no weight
for single messages, so this teaches exactly the turns that a person let pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat
from sessions.export.judging import worth
from sessions.export.rows import Format, Left, Options, Row, Verdict, of_turn, turn_key
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a turn."""
    for turn in worth(trace, options):
        if isinstance(turn, Left):
            yield turn
            continue
        columns = {"prompt": chat.prompt(turn), "completion": [chat.assistant(turn.text)]}
        yield Row(key=turn_key(trace, turn), columns=columns, origin=of_turn(turn))


FORMAT = Format(
    name="prompt-completion",
    help="TRL: one row an approved turn, the messages sent and the reply as decided",
    rows=rows,
    reads=("turns",),
    columns={"prompt": [chat.MESSAGE], "completion": [chat.MESSAGE]},
    teaches="For `trl.SFTTrainer`; the loss is on the completion alone, which is TRL's default for this type.",
)
