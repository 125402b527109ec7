"""`sharegpt-preference`: the pairs of `preference` for LLaMA-Factory (`ranking`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sessions.export import llama_factory, pairs
from sessions.export.rows import Format, Left, Options, Row, Verdict
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a pair."""
    for pair in pairs.of_turns(trace, options):
        if isinstance(pair, Left):
            yield pair
            continue
        columns = llama_factory.conversation(pair.prompt, options.keep, ends_with_model=False)
        if isinstance(columns, tuple):
            yield Left(key=pair.key, rule=columns[0], why=columns[1])
            continue
        sides = pair.single()
        if isinstance(sides, Left):
            yield sides
            continue
        spoken = llama_factory.beside_call(sides, options.keep)
        if spoken is not None:
            yield Left(key=pair.key, rule=spoken[0], why=spoken[1])
            continue
        columns |= {
            "chosen": llama_factory.said(sides[0]),
            "rejected": llama_factory.said(sides[1]),
        }
        columns |= llama_factory.tools(trace)
        yield Row(key=pair.key, columns=columns, origin=pair.origin)


def _extras(splits: Mapping[str, str]) -> Mapping[str, str]:
    columns = {
        "messages": "conversations",
        "system": "system",
        "tools": "tools",
        "chosen": "chosen",
        "rejected": "rejected",
    }
    return llama_factory.dataset_info("sharegpt_preference", columns, splits, ranking=True)


FORMAT = Format(
    name="sharegpt-preference",
    help="LLaMA-Factory: the pairs of `preference`",
    rows=rows,
    reads=("turns",),
    columns={
        "conversations": [llama_factory.SPEECH],
        "system": "string",
        "chosen": llama_factory.SPEECH,
        "rejected": llama_factory.SPEECH,
        "tools": "string",
    },
    extras=_extras,
    compares=True,
    teaches="For LLaMA-Factory: `dataset_dir` is this folder, `dataset` is `distill_sharegpt_preference_train`.",
)
