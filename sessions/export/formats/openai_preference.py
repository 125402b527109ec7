"""`openai-preference`: the same pairs for OpenAI's preference fine-tuning.

Shape: https://platform.openai.com/docs/guides/direct-preference-optimization,
`{input: {messages, tools?, parallel_tool_calls?}, preferred_output, non_preferred_output}`, one assistant message each.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat, pairs
from sessions.export.rows import Format, Left, Options, Row, Verdict
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a pair."""
    parallel = chat.in_parallel(trace)
    for pair in pairs.of_turns(trace, options):
        if isinstance(pair, Left):
            yield pair
            continue
        sides = pair.single()
        if isinstance(sides, Left):
            yield sides
            continue
        asked: dict[str, object] = {"messages": list(pair.prompt)}
        if trace.tools:
            asked |= {"tools": list(trace.tools), "parallel_tool_calls": parallel}
        columns = {
            "input": asked,
            "preferred_output": [sides[0]],
            "non_preferred_output": [sides[1]],
        }
        yield Row(key=pair.key, columns=columns, origin=pair.origin)


FORMAT = Format(
    name="openai-preference",
    help="OpenAI preference fine-tuning: the pairs of `preference`",
    rows=rows,
    reads=("turns",),
    columns={
        "input": {"messages": [chat.TOOLED], "tools": ["json"], "parallel_tool_calls": "bool"},
        "preferred_output": [chat.TOOLED],
        "non_preferred_output": [chat.TOOLED],
    },
    provenance="beside",
    compares=True,
    teaches="Upload a file of `data/` as it is. What each line came from stands in `provenance/`, line by line.",
)
