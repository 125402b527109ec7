"""`sharegpt-kto`: replies that people called good or bad, for LLaMA-Factory (`kto_tag`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sessions.export import chat, llama_factory, verdicts
from sessions.export.rows import Format, Left, Options, Row, Verdict
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a judged reply."""
    for judged in verdicts.of_turns(trace, options):
        if isinstance(judged, Left):
            yield judged
            continue
        messages = [*chat.prompt(judged.turn), chat.reply(judged.turn, judged.text)]
        columns = llama_factory.conversation(messages, options.keep, ends_with_model=True)
        if isinstance(columns, tuple):
            yield Left(key=judged.key, rule=columns[0], why=columns[1])
            continue
        yield Row(
            key=judged.key,
            columns={**columns, "kto_tag": judged.good, **llama_factory.tools(trace)},
            origin=judged.origin,
        )


def _extras(splits: Mapping[str, str]) -> Mapping[str, str]:
    columns = {"messages": "conversations", "system": "system", "tools": "tools", "kto_tag": "kto_tag"}
    return llama_factory.dataset_info("sharegpt_kto", columns, splits)


FORMAT = Format(
    name="sharegpt-kto",
    help="LLaMA-Factory: replies that people called good or bad",
    rows=rows,
    reads=("turns",),
    columns={
        "conversations": [llama_factory.SPEECH],
        "system": "string",
        "kto_tag": "bool",
        "tools": "string",
    },
    extras=_extras,
    teaches="For LLaMA-Factory: `dataset_dir` is this folder, `dataset` is `distill_sharegpt_kto_train`.",
)
