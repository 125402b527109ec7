"""`sharegpt`: a session as LLaMA-Factory's `conversations`, a person and the model in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sessions.export import chat, llama_factory
from sessions.export.judging import whole
from sessions.export.rows import Format, Left, Options, Row, Verdict, of_session
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session."""
    left = whole(trace, options, weighted=False)
    if left is not None:
        yield left
        return
    messages = [said.message for said in chat.conversation(trace)]
    columns = llama_factory.conversation(messages, options.keep, ends_with_model=True)
    if isinstance(columns, tuple):
        yield Left(key=trace.session_id, rule=columns[0], why=columns[1])
        return
    columns |= llama_factory.tools(trace)
    yield Row(key=trace.session_id, columns=columns, origin=of_session(trace))


def _extras(splits: Mapping[str, str]) -> Mapping[str, str]:
    return llama_factory.dataset_info(
        "sharegpt", {"messages": "conversations", "system": "system", "tools": "tools"}, splits
    )


FORMAT = Format(
    name="sharegpt",
    help="LLaMA-Factory: a session as conversations, a person and the model in turn",
    rows=rows,
    reads=("turns",),
    columns={"conversations": [llama_factory.SPEECH], "system": "string", "tools": "string"},
    extras=_extras,
    teaches="For LLaMA-Factory: `dataset_dir` is this folder, `dataset` is `distill_sharegpt_train`.",
)
