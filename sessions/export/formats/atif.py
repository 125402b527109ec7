"""`atif`: a session as a trajectory of the Agent Trajectory Interchange Format, version 1.8; one file a session.

Source: RFC 0001 of the Harbor framework and its models (`harbor.models.trajectories`). A cell is a tool call with its
observation, a worker call an embedded sub-trajectory that the observation refers to. What people decided and thought
stands in `extra`; steps that a fork took over are `is_copied_context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.models.base import Message, Usage
from sessions.export import chat, tool_calls
from sessions.export.rows import Format, Left, Options, Row, Verdict, file_name, of_session
from sessions.export.trace import Call, Cell, Trace, Turn

VERSION = "ATIF-v1.8"
_OF_THE_LOG = ("type", "v", "seq", "annotation_id")
_GIVEN = ("mark", "correction", "rating")


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One file a session, on one line: loaders take a file of JSON for lines of it."""
    made = trajectory(trace, options)
    if not made["steps"]:
        yield Left(key=trace.session_id, rule="failed", why="nothing was said")
        return
    text = msgspec.json.encode(made).decode()
    yield Row(
        key=trace.session_id,
        columns={"text": text + "\n"},
        origin=of_session(trace),
        name=file_name("trajectories", trace, "json"),
    )


def trajectory(trace: Trace, options: Options) -> dict[str, Any]:
    """The session as a trajectory; keys without value are left out."""
    steps = list(_steps(trace))
    made: dict[str, Any] = _bare(
        {
            "schema_version": VERSION,
            "session_id": trace.session_id,
            "trajectory_id": trace.session_id,
            "agent": {
                "name": "distill-tui",
                "version": trace.program,
                "model_name": trace.supervisor,
                "tool_definitions": list(trace.tools) or None,
                "extra": {
                    "worker": trace.worker,
                    "isolation": trace.isolation,
                    "dialect": trace.dialect,
                    "primitives": list(trace.primitives) or None,
                },
            },
            "steps": steps,
            "notes": "Steps without agent are what the supervisor was told; observations hold all that cells printed.",
            "final_metrics": {
                **_tokens(trace.supervisor_usage + trace.worker_usage, "total_"),
                "total_cost_usd": trace.cost,
                "total_steps": len(steps),
            },
            "extra": {
                "question": trace.query,
                "further_questions": list(trace.questions[1:]) or None,
                "answer": trace.given,
                "corrected_answer": trace.answer if trace.answer != trace.given else None,
                "status": trace.status,
                "partial": trace.partial,
                "reason": trace.reason or None,
                "kind": trace.kind,
                "document": msgspec.to_builtins(trace.document),
                "licence": options.licence or None,
                "exported_by": options.tool or None,
                "parent": msgspec.to_builtins(trace.parent),
                "judgements": _judgements(trace.judgements),
                "failed_calls": [_beside(t) for t in trace.turns if t.outcome == "failed"] or None,
            },
            "subagent_trajectories": [_sub(call) for call in trace.calls] or None,
        }
    )
    return made


def _steps(trace: Trace) -> Iterator[dict[str, Any]]:
    calls = {call.call_id: call for call in trace.calls}
    for number, (said, given) in enumerate(_answered(chat.told(trace)), 1):
        if said.turn is not None:
            step = {"step_id": number, **_agent(trace, said.turn, calls)}
            yield {**step, **_called(said.turn, given)} if said.turn.tool_calls else step
            continue
        message = chat.plain(said.message)
        source = "system" if message["role"] == "system" else "user"
        yield {"step_id": number, "source": source, "message": message["content"]}


def _answered(conversation: Sequence[chat.Said]) -> Iterator[tuple[chat.Said, list[Message]]]:
    """What was said, with what the tools gave that a reply called in the form of an API."""
    told: list[tuple[chat.Said, list[Message]]] = []
    for said in conversation:
        last = told[-1][0].turn if told else None
        if said.turn is None and said.message["role"] == "tool" and last is not None and last.tool_calls:
            told[-1][1].append(said.message)
        else:
            told.append((said, []))
    yield from told


def _called(turn: Turn, given: Sequence[Message]) -> dict[str, Any]:
    """The tools that a reply called in the form of an API, and what they gave."""
    return {
        "tool_calls": [
            {
                "tool_call_id": call["id"],
                "function_name": call["function"]["name"],
                "arguments": _as_object(tool_calls.arguments(call)),
            }
            for call in turn.tool_calls
        ],
        "observation": {
            "results": [
                {"source_call_id": message.get("tool_call_id"), "content": message.get("content") or ""}
                for message in given
            ]
        }
        if given
        else None,
    }


def _as_object(arguments: Any) -> dict[str, Any]:
    return arguments if isinstance(arguments, dict) else {"input": arguments}


def _agent(trace: Trace, turn: Turn, calls: Mapping[str, Call]) -> dict[str, Any]:
    others = [t for t in trace.turns if t.step == turn.step and t.outcome == "superseded"]
    return {
        "timestamp": (turn.ended or turn.started).isoformat(),
        "source": "agent",
        "model_name": turn.model,
        "message": turn.text,
        "reasoning_content": turn.reasoning,
        "tool_calls": [
            {"tool_call_id": cell.cell_id, "function_name": "repl", "arguments": {"code": cell.code}}
            for cell in turn.cells
        ]
        or None,
        "observation": {"results": [_result(cell, calls) for cell in turn.cells]} if turn.cells else None,
        "metrics": {**_tokens(turn.usage), "extra": {"elapsed": turn.elapsed, "cached": turn.cached or None}},
        "is_copied_context": True if turn.copied else None,
        "llm_call_count": 1,
        "extra": {
            "step": turn.step,
            "call_id": turn.call_id,
            "outcome": turn.outcome,
            "sent_back": turn.sent_back or None,
            "decision": _decision(turn.decision),
            "original": turn.reply if turn.reply != turn.text else None,
            "decided": turn.decided if turn.decided not in (turn.text, turn.reply) else None,
            "guidance": turn.guidance or None,
            "problem": turn.problem,
            "finish_reason": turn.finish_reason,
            "params": turn.params or None,
            "mark": turn.mark,
            "marks": msgspec.to_builtins(turn.marks) or None,
            "judgements": _judgements(turn.judgements),
            "candidates": [_beside(t) for t in others] or None,
        },
    }


def _beside(turn: Turn) -> dict[str, Any]:
    """A call of the supervisor that the conversation did not go on from."""
    return {
        "call_id": turn.call_id,
        "step": turn.step,
        "text": turn.reply if turn.outcome != "failed" else None,
        "error": turn.error,
        "problem": turn.problem,
        "metrics": {**_tokens(turn.usage), "extra": {"elapsed": turn.elapsed}},
        "copied": turn.copied or None,
    }


def _result(cell: Cell, calls: Mapping[str, Call]) -> dict[str, Any]:
    return {
        "source_call_id": cell.cell_id,
        "content": cell.output + (cell.traceback or ""),
        "subagent_trajectory_ref": [{"trajectory_id": name} for name in cell.calls if name in calls] or None,
        "extra": {
            "status": cell.status,
            "elapsed": cell.elapsed,
            "final": msgspec.to_builtins(cell.final),
            "proposed": cell.proposed if cell.proposed != cell.code else None,
            "traceback": cell.traceback,
        },
    }


def _sub(call: Call) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"step_id": 1, "source": "user", "message": call.prompt}]
    if call.text is not None:
        steps.append(
            {
                "step_id": 2,
                "source": "agent",
                "model_name": call.model,
                "message": call.text,
                "reasoning_content": call.reasoning,
                "metrics": {
                    **_tokens(call.usage),
                    "extra": {"elapsed": call.elapsed, "cached": call.cached or None},
                },
                "is_copied_context": True if call.copied else None,
                "llm_call_count": 1,
                "extra": {
                    "original": call.response if call.response != call.text else None,
                    "override": call.override,
                    "mark": call.mark,
                    "judgements": _judgements(call.judgements),
                },
            }
        )
    return {
        "schema_version": VERSION,
        "trajectory_id": call.call_id,
        "agent": {"name": "worker", "version": "1", "model_name": call.model},
        "steps": steps,
        "extra": {
            "purpose": call.purpose,
            "batch_id": call.batch_id,
            "index": call.index,
            "error": call.error,
            "retry_of": call.retry_of,
            "params": call.params or None,
            "finish_reason": call.finish_reason,
            **(_unanswered(call) if call.text is None else {}),
        },
    }


def _unanswered(call: Call) -> dict[str, Any]:
    """What stands with the reply, where there is one."""
    metrics = {**_tokens(call.usage), "extra": {"elapsed": call.elapsed}}
    return {"metrics": metrics, "copied": call.copied or None}


def _tokens(usage: Usage, prefix: str = "") -> dict[str, int]:
    return {
        f"{prefix}prompt_tokens": usage.prompt_tokens,
        f"{prefix}completion_tokens": usage.completion_tokens,
        f"{prefix}cached_tokens": usage.cached_tokens,
    }


def _decision(decision: ev.DecisionMade | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    kept = ("action", "by", "took", "guidance", "reason", "before", "after")
    return {name: value for name in kept if (value := msgspec.to_builtins(getattr(decision, name)))}


def _judgements(judgements: tuple[ev.Annotated, ...]) -> list[dict[str, Any]] | None:
    told = []
    for made in judgements:
        fields = msgspec.to_builtins(made)
        # A mark of 0 and a correction to nothing say something; other empty fields do not.
        told.append(
            {
                name: value
                for name, value in fields.items()
                if name not in _OF_THE_LOG and (value or (name in _GIVEN and value is not None))
            }
        )
    return told or None


def _bare(value: Any) -> Any:
    """Without keys that have no value."""
    if isinstance(value, dict):
        kept = {name: _bare(inner) for name, inner in value.items() if inner is not None}
        return {name: inner for name, inner in kept.items() if inner != {} or name == "arguments"}
    if isinstance(value, list | tuple):
        return [_bare(inner) for inner in value]
    return value


FORMAT = Format(
    name="atif",
    help="Agent Trajectory Interchange Format 1.8: a session as a trajectory",
    rows=rows,
    columns={
        "schema_version": "string",
        "session_id": "string",
        "trajectory_id": "string",
        "agent": "json",
        "steps": ["json"],
        "notes": "string",
        "final_metrics": "json",
        "extra": "json",
        "subagent_trajectories": ["json"],
    },
    storage="files",
    provenance="inside",
    suffix="json",
    teaches="One trajectory a file, as `harbor.models.trajectories.Trajectory` reads it; `load_dataset` gives a row a "
    "trajectory, with agent, steps and what else has no fixed shape as objects.",
)
