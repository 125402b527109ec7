"""`sft`: a whole session as one conversation, for TRL's SFTTrainer.

Shape: TRL's conversational language modelling type, `{messages, tools?}`
(https://huggingface.co/docs/trl/dataset_formats).
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat
from sessions.export.judging import whole
from sessions.export.rows import Format, Options, Row, Verdict, of_session
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session."""
    left = whole(trace, options, weighted=False)
    if left is not None:
        yield left
        return
    messages = [chat.plain(said.message) for said in chat.conversation(trace)]
    columns = {"messages": chat.with_objects(messages), **chat.tools(trace)}
    yield Row(key=trace.session_id, columns=columns, origin=of_session(trace))


FORMAT = Format(
    name="sft",
    help="TRL: a whole session as one conversation",
    rows=rows,
    reads=("turns",),
    columns={"messages": [chat.MESSAGE], "tools": "string"},
    objects=True,
    teaches=(
        "For `trl.SFTTrainer` with `assistant_only_loss=True` and a chat template that has `{% generation %}`. TRL "
        "weighs every reply of a conversation alike; `prompt-completion` teaches single turns."
    ),
)
