"""`episodes`: one row a session with its turns, worker calls and reward, in the shape of `verifiers`.

Shape: a row of a `verifiers` data set and of its rollouts, `{prompt, completion, answer, reward, metrics, task, info}`,
with `info` as JSON text, as its documents advise where rows differ (https://docs.primeintellect.ai/verifiers).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from sessions.export import chat
from sessions.export.rewards import gold, rewards
from sessions.export.rows import Format, Left, Options, Row, Verdict, of_session
from sessions.export.trace import Call, Trace, Turn


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session, good or bad: what it was worth is the point."""
    task = chat.task(trace)
    if task is None:
        yield Left(key=trace.session_id, rule="failed", why="the supervisor never replied")
        return
    worth = rewards(trace, options)
    if worth.reward is None and "no_judgement" not in options.keep:
        yield Left(
            key=trace.session_id, rule="no_judgement", why="no rating, score, mark or decision by a person"
        )
        return
    yield Row(
        key=trace.session_id,
        columns={
            "prompt": [chat.plain(one.message) for one in task.prompt],
            "completion": [chat.plain(one.message) for one in task.completion],
            "answer": gold(trace),
            "reward": worth.reward if worth.reward is not None else 0.0,
            "metrics": worth.told(),
            "task": trace.kind,
            "info": json.dumps(info(trace, task.question), ensure_ascii=False, sort_keys=True),
            "turns": [_turn(turn) for turn in trace.conversation()],
            "worker_calls": [_call(call) for call in trace.calls],
            **chat.tools(trace),
        },
        origin=of_session(trace),
    )


def info(trace: Trace, question: str) -> dict[str, Any]:
    """What else an environment may want to know; `question` is the one that the answer is to."""
    return {
        "question": question,
        "questions": list(trace.questions),
        "document": msgspec.to_builtins(trace.document),
        "final_answer": trace.given or "",
        "status": trace.status or "",
        "supervisor": trace.supervisor,
        "worker": trace.worker,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "step": turn.step,
        "outcome": turn.outcome,
        "copied": turn.copied,
        "code": [cell.code for cell in turn.cells],
        "output": [cell.output + (cell.traceback or "") for cell in turn.cells],
        "prompt_tokens": turn.usage.prompt_tokens,
        "completion_tokens": turn.usage.completion_tokens,
        "elapsed": turn.elapsed,
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "step": call.step,
        "prompt": call.prompt,
        "response": call.text or "",
        "error": call.error or "",
        "prompt_tokens": call.usage.prompt_tokens,
        "completion_tokens": call.usage.completion_tokens,
    }


FORMAT = Format(
    name="episodes",
    help="verifiers: a session with turns, worker calls and reward",
    rows=rows,
    columns={
        "prompt": [chat.MESSAGE],
        "completion": [chat.MESSAGE],
        "answer": "string",
        "reward": "float64",
        "metrics": dict.fromkeys(("rating", "verdict", "score", "gold", "compression"), "float64"),
        "task": "string",
        "info": "string",
        "turns": [
            {
                "step": "int64",
                "outcome": "string",
                "copied": "bool",
                "code": ["string"],
                "output": ["string"],
                "prompt_tokens": "int64",
                "completion_tokens": "int64",
                "elapsed": "float64",
            }
        ],
        "worker_calls": [
            {
                "step": "int64",
                "prompt": "string",
                "response": "string",
                "error": "string",
                "prompt_tokens": "int64",
                "completion_tokens": "int64",
            }
        ],
        "tools": "string",
    },
    teaches=(
        "For a `verifiers` environment (`prompt`, `answer`, `info`, `task`), and for offline use of the rollouts. The "
        "reward is the first there is of: mean rating (0 to 1), mean score, equality with a reviewer's answer, verdict."
    ),
)
