"""`preference`: what people preferred over what, for TRL's DPOTrainer and RewardTrainer.

Shape: TRL's conversational preference type with an explicit prompt, `{prompt, chosen, rejected}`
(https://huggingface.co/docs/trl/dataset_formats).
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat, pairs
from sessions.export.rows import Format, Left, Options, Row, Verdict
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a pair."""
    tools = chat.tools(trace)
    for pair in pairs.of_turns(trace, options):
        if isinstance(pair, Left):
            yield pair
            continue
        columns = {
            "prompt": chat.with_objects(pair.prompt),
            "chosen": chat.with_objects(pair.chosen),
            "rejected": chat.with_objects(pair.rejected),
            "preferred_because": pair.why,
            **tools,
        }
        yield Row(key=pair.key, columns=columns, origin=pair.origin)


FORMAT = Format(
    name="preference",
    help="TRL: edited over original, accepted over rejected, chosen over others",
    rows=rows,
    reads=("turns",),
    columns={
        "prompt": [chat.MESSAGE],
        "chosen": [chat.MESSAGE],
        "rejected": [chat.MESSAGE],
        "preferred_because": "string",
        "tools": "string",
    },
    objects=True,
    compares=True,
    teaches="For `trl.DPOTrainer` and `trl.RewardTrainer`.",
)
