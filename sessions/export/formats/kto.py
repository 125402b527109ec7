"""`kto`: replies that people called good or bad, for TRL's KTOTrainer.

Shape: TRL's conversational unpaired preference type, `{prompt, completion, label}`
(https://huggingface.co/docs/trl/dataset_formats).
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat, verdicts
from sessions.export.rows import Format, Left, Options, Row, Verdict
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a judged reply."""
    tools = chat.tools(trace)
    for judged in verdicts.of_turns(trace, options):
        if isinstance(judged, Left):
            yield judged
            continue
        columns = {
            "prompt": chat.with_objects(chat.prompt(judged.turn)),
            "completion": chat.with_objects([chat.reply(judged.turn, judged.text)]),
            "label": judged.good,
            **tools,
        }
        yield Row(key=judged.key, columns=columns, origin=judged.origin)


FORMAT = Format(
    name="kto",
    help="TRL: replies that people called good or bad",
    rows=rows,
    reads=("turns",),
    columns={"prompt": [chat.MESSAGE], "completion": [chat.MESSAGE], "label": "bool", "tools": "string"},
    objects=True,
    teaches="For `trl.KTOTrainer`.",
)
