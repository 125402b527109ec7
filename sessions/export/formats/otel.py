"""`otel`: a session as OpenTelemetry spans, with the attributes of GenAI and of OpenInference; a trace a line.

Sources: OTLP's JSON encoding (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), the semantic
conventions for generative AI (`invoke_agent`, `chat`, `execute_tool`), and OpenInference's for spans. Ids are made from
the session's, so that the same session gives the same trace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from distill_core import events as ev
from distill_core.models.base import Message, Usage
from sessions.export import chat, tool_calls
from sessions.export.rows import Format, Options, Row, Verdict, of_session
from sessions.export.trace import Call, Cell, Trace, Turn

INTERNAL, CLIENT = 1, 3
OK, ERROR = 1, 2
_PARAMS = ("temperature", "max_tokens", "seed", "top_p", "top_k", "frequency_penalty", "presence_penalty")


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One line a session."""
    resource = {
        "service.name": "distill-tui",
        "service.version": trace.program,
        "distill.document.sha256": trace.document.sha256,
        "distill.document.licence": options.licence,
        "distill.exported_by": options.tool,
    }
    columns = {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes(resource)},
                "scopeSpans": [
                    {"scope": {"name": "distill-tui", "version": trace.program}, "spans": list(_spans(trace))}
                ],
            }
        ]
    }
    yield Row(key=trace.session_id, columns=columns, origin=of_session(trace))


def _spans(trace: Trace) -> Iterator[dict[str, Any]]:
    root = _id(trace, "session")
    ended = max([trace.ended, *(turn.ended for turn in trace.turns if turn.ended is not None)])
    yield _span(
        trace,
        "session",
        None,
        "invoke_agent distill-tui",
        INTERNAL,
        (trace.started, ended),
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "distill-tui",
            "gen_ai.agent.id": trace.session_id,
            "gen_ai.conversation.id": trace.session_id,
            "gen_ai.request.model": trace.supervisor,
            "openinference.span.kind": "AGENT",
            "session.id": trace.session_id,
            "input.value": trace.query,
            "input.mime_type": "text/plain",
            "output.value": trace.given,
            "output.mime_type": "text/plain" if trace.given is not None else None,
            "tag.tags": list(trace.labels) or None,
            "distill.status": trace.status,
            "distill.parent": trace.parent.session_id if trace.parent else None,
        },
        events=_judged(trace.judgements),
        failure=trace.reason if trace.status == "failed" else None,
    )
    calls = {call.call_id: call for call in trace.calls}
    placed: set[str] = set()
    for turn in trace.turns:
        yield _chat(trace, turn, root)
        for cell in turn.cells:
            name = f"cell {cell.cell_id}"
            yield _tool(trace, turn, cell, name, root)
            for call_id in cell.calls:
                if call_id in calls:
                    placed.add(call_id)
                    yield _worker(trace, calls[call_id], _id(trace, name))
    for call in trace.calls:
        if call.call_id not in placed:
            yield _worker(trace, call, root)


def _chat(trace: Trace, turn: Turn, parent: str) -> dict[str, Any]:
    prompt = [chat.plain(message) for message in turn.prompt]
    return _span(
        trace,
        f"turn {turn.call_id}",
        parent,
        f"chat {turn.model}",
        CLIENT,
        (turn.started, turn.ended or turn.started + timedelta(seconds=turn.elapsed)),
        {
            **_model(trace, turn.model, turn.params, turn.usage, turn.finish_reason),
            **_messages(prompt, chat.reply(turn, turn.reply), turn.finish_reason),
            "distill.step": turn.step,
            "distill.outcome": turn.outcome,
            "distill.decided": turn.text if turn.text != turn.reply else None,
            "distill.copied": turn.copied or None,
        },
        events=[*_judged(turn.judgements), *_decided(turn)],
        failure=turn.error,
    )


def _tool(trace: Trace, turn: Turn, cell: Cell, name: str, parent: str) -> dict[str, Any]:
    started = cell.started or turn.started
    failed = cell.status not in (None, "ok", "final")
    return _span(
        trace,
        name,
        parent,
        "execute_tool repl",
        INTERNAL,
        (started, cell.ended or started + timedelta(seconds=cell.elapsed)),
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "repl",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": cell.cell_id,
            "gen_ai.tool.call.arguments": json.dumps({"code": cell.code}, ensure_ascii=False),
            "gen_ai.tool.call.result": cell.output + (cell.traceback or ""),
            "gen_ai.conversation.id": trace.session_id,
            "error.type": str(cell.status) if failed else None,
            "openinference.span.kind": "TOOL",
            "session.id": trace.session_id,
            "tool.name": "repl",
            "input.value": cell.code,
            "input.mime_type": "text/plain",
            "output.value": cell.output,
            "output.mime_type": "text/plain",
            "distill.step": turn.step,
        },
        events=_judged(cell.judgements),
        failure=str(cell.status) if failed else None,
    )


def _worker(trace: Trace, call: Call, parent: str) -> dict[str, Any]:
    return _span(
        trace,
        f"call {call.call_id}",
        parent,
        f"chat {call.model}",
        CLIENT,
        (call.started, call.started + timedelta(seconds=call.elapsed)),
        {
            **_model(trace, call.model, call.params, call.usage, call.finish_reason),
            **_messages(
                [{"role": "user", "content": call.prompt}],
                chat.assistant(call.response) if call.response is not None else None,
                call.finish_reason,
            ),
            "distill.step": call.step,
            "distill.purpose": call.purpose,
            "distill.decided": call.text if call.text != call.response else None,
            "distill.cached": call.cached or None,
            "distill.copied": call.copied or None,
        },
        events=_judged(call.judgements),
        failure=call.error,
    )


def _model(
    trace: Trace, model: str, params: Mapping[str, Any], usage: Usage, finish_reason: str | None
) -> dict[str, Any]:
    asked = {f"gen_ai.request.{name}": params[name] for name in _PARAMS if params.get(name) is not None}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.conversation.id": trace.session_id,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        **asked,
        "gen_ai.response.finish_reasons": [finish_reason] if finish_reason else None,
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "openinference.span.kind": "LLM",
        "session.id": trace.session_id,
        "llm.model_name": model,
        "llm.invocation_parameters": json.dumps(dict(params), sort_keys=True, default=str),
        "llm.token_count.prompt": usage.prompt_tokens,
        "llm.token_count.completion": usage.completion_tokens,
        "llm.token_count.total": usage.total_tokens,
        "llm.token_count.prompt_details.cache_read": usage.cached_tokens or None,
    }


def _messages(prompt: list[Message], reply: Message | None, finish_reason: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "gen_ai.input.messages": json.dumps(
            [{"role": message["role"], "parts": _parts(message)} for message in prompt], ensure_ascii=False
        ),
        "input.value": prompt[-1]["content"] if prompt else None,
        "input.mime_type": "text/plain" if prompt else None,
    }
    for place, message in enumerate(prompt):
        told |= _message(f"llm.input_messages.{place}.message", message)
    if reply is not None:
        said = {"role": "assistant", "parts": _parts(reply), "finish_reason": finish_reason or "stop"}
        told |= {
            "gen_ai.output.messages": json.dumps([said], ensure_ascii=False),
            **_message("llm.output_messages.0.message", reply),
            "output.value": reply["content"],
            "output.mime_type": "text/plain",
        }
    return told


def _parts(message: Message) -> list[dict[str, Any]]:
    """A message as the semantic conventions have it: its words, the tools that it calls, what one of them gave."""
    if message["role"] == "tool":
        answered = {"type": "tool_call_response", "id": message.get("tool_call_id", "")}
        return [{**answered, "response": message["content"]}]
    called = message.get("tool_calls", ())
    words = [{"type": "text", "content": message["content"]}] if message["content"] or not called else []
    return words + [
        {
            "type": "tool_call",
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": tool_calls.arguments(call),
        }
        for call in called
    ]


def _message(name: str, message: Message) -> dict[str, Any]:
    """The same as OpenInference has it."""
    told = {
        f"{name}.role": message["role"],
        f"{name}.content": message["content"],
        f"{name}.tool_call_id": message.get("tool_call_id"),
    }
    for place, call in enumerate(message.get("tool_calls", ())):
        at = f"{name}.tool_calls.{place}.tool_call"
        told |= {
            f"{at}.id": call["id"],
            f"{at}.function.name": call["function"]["name"],
            f"{at}.function.arguments": call["function"]["arguments"],
        }
    return told


def _judged(judgements: Iterable[ev.Annotated]) -> list[dict[str, Any]]:
    """People's judgements as evaluations."""
    found = []
    for made in judgements:
        values: dict[str, Any] = {**made.scores}
        if made.rating is not None:
            values["rating"] = made.rating
        if made.mark is not None:
            values["mark"] = made.mark
        values |= {f"label:{label}": None for label in made.labels}
        if made.correction is not None:
            values["correction"] = None
        for name, value in values.items() or {"comment": None}.items():
            told = {
                "gen_ai.evaluation.name": name,
                "gen_ai.evaluation.score.value": float(value) if value is not None else None,
                "gen_ai.evaluation.score.label": name.removeprefix("label:")
                if name.startswith("label:")
                else None,
                "gen_ai.evaluation.explanation": made.comment or made.reason or None,
                "distill.by": made.by,
                "distill.correction": made.correction,
            }
            found.append(_event("gen_ai.evaluation.result", made.timestamp, told))
    return found


def _decided(turn: Turn) -> list[dict[str, Any]]:
    decision = turn.decision
    if decision is None:
        return []
    told = {
        "distill.action": decision.action,
        "distill.by": decision.by,
        "distill.took": decision.took,
        "distill.guidance": turn.guidance or None,
    }
    return [_event("distill.decision", decision.timestamp, told)]


def _event(name: str, at: datetime, told: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeUnixNano": _nanos(at), "name": name, "attributes": attributes(told)}


def _span(
    trace: Trace,
    name: str,
    parent: str | None,
    title: str,
    kind: int,
    times: tuple[datetime, datetime],
    told: Mapping[str, Any],
    *,
    events: list[dict[str, Any]],
    failure: str | None,
) -> dict[str, Any]:
    made = {
        "traceId": hashlib.sha256(trace.session_id.encode()).hexdigest()[:32],
        "spanId": _id(trace, name),
        "name": title,
        "kind": kind,
        "startTimeUnixNano": _nanos(times[0]),
        "endTimeUnixNano": _nanos(max(times)),
        "attributes": attributes(told),
        "status": {"code": ERROR, "message": failure} if failure else {"code": OK},
    }
    if parent is not None:
        made["parentSpanId"] = parent
    if events:
        made["events"] = events
    return made


def _id(trace: Trace, name: str) -> str:
    return hashlib.sha256(f"{trace.session_id}\n{name}".encode()).hexdigest()[:16]


def _nanos(at: datetime) -> str:
    return str(int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000)


def attributes(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Key and value pairs of OTLP; keys without value are left out."""
    return [{"key": name, "value": _value(value)} for name, value in told.items() if value not in (None, "")]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # 64-bit numbers are text in protobuf's JSON.
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(inner) for inner in value]}}
    return {"stringValue": str(value)}


FORMAT = Format(
    name="otel",
    help="OpenTelemetry: a session as spans of GenAI and OpenInference, OTLP in JSON",
    rows=rows,
    columns={"resourceSpans": ["json"]},
    storage="lines",
    provenance="inside",
    teaches="Each line is OTLP `TracesData` in JSON, as collectors' file receivers read it and `/v1/traces` takes it.",
)
