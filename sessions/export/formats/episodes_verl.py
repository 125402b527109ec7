"""`episodes-verl`: the same sessions as prompts with a ground truth, in the shape of verl's data.

Shape: `{data_source, prompt, ability, reward_model: {style, ground_truth}, extra_info}`
(https://verl.readthedocs.io/en/latest/preparation/prepare_data.html). verl reads Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat
from sessions.export.rewards import gold, rewards
from sessions.export.rows import Format, Left, Options, Row, Verdict, of_session
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session whose right answer is known."""
    task = chat.task(trace)
    if task is None:
        yield Left(key=trace.session_id, rule="failed", why="the supervisor never replied")
        return
    truth = gold(trace)
    if not truth:
        yield Left(key=trace.session_id, rule="no_judgement", why="nobody vouched for an answer")
        return
    worth = rewards(trace, options)
    yield Row(
        key=trace.session_id,
        columns={
            "data_source": f"distill-tui/{trace.kind}",
            "prompt": [chat.plain(one.message) for one in task.prompt],
            "ability": trace.kind,
            "reward_model": {"style": "rule", "ground_truth": truth},
            "extra_info": {
                "index": trace.session_id,
                "question": task.question,
                "document": trace.document.sha256,
                "final_answer": trace.given or "",
                "reward": worth.reward if worth.reward is not None else 0.0,
                "turns": len(trace.conversation()),
                "worker_calls": len(trace.calls),
            },
            **chat.tools(trace),
        },
        origin=of_session(trace),
    )


FORMAT = Format(
    name="episodes-verl",
    help="verl: a session's prompt with the right answer",
    rows=rows,
    columns={
        "data_source": "string",
        "prompt": [chat.MESSAGE],
        "ability": "string",
        "reward_model": {"style": "string", "ground_truth": "string"},
        "extra_info": {
            "index": "string",
            "question": "string",
            "document": "string",
            "final_answer": "string",
            "reward": "float64",
            "turns": "int64",
            "worker_calls": "int64",
        },
        "tools": "string",
    },
    teaches="For verl, with `--storage parquet`; `data.train_files` is `data/train/*.parquet`.",
)
