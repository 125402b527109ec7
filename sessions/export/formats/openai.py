"""`openai`: chat fine-tuning, a conversation a session with a `weight` on each reply.

Shape: https://platform.openai.com/docs/guides/supervised-fine-tuning, `{messages, tools?, parallel_tool_calls?}`.
Weight 0 keeps a reply as context and out of the loss: rejected, copied and erroneous turns. A file may hold no other
keys, so the provenance lies beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat
from sessions.export.judging import fault, whole
from sessions.export.rows import Format, Options, Row, Verdict, of_session
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session."""
    left = whole(trace, options, weighted=True)
    if left is not None:
        yield left
        return
    messages = []
    for said in chat.conversation(trace):
        message = chat.plain(said.message)
        if said.turn is not None:
            message["weight"] = 0 if fault(said.turn, options.keep) else 1
        elif message["role"] == "assistant":
            message["weight"] = 0
        messages.append(message)
    columns: dict[str, object] = {"messages": messages}
    if trace.tools:
        columns |= {"tools": list(trace.tools), "parallel_tool_calls": chat.in_parallel(trace)}
    yield Row(key=trace.session_id, columns=columns, origin=of_session(trace))


FORMAT = Format(
    name="openai",
    help="OpenAI chat fine-tuning: a session with a weight on each reply",
    rows=rows,
    reads=("turns",),
    columns={
        "messages": [
            {
                **chat.MESSAGE,
                "weight": "int64",
                "tool_calls": chat.TOOL_CALLS,
                "tool_call_id": "string",
                "name": "string",
            }
        ],
        "tools": ["json"],
        "parallel_tool_calls": "bool",
    },
    provenance="beside",
    teaches="Upload a file of `data/` as it is. What each line came from stands in `provenance/`, line by line.",
)
