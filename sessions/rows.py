"""State and rows: what the fold says about a session as rows of the index, and back. One function a table.

Every field of the state has a place, so that a session read from the index equals the one read from its log; fields
that have no column of their own go into `more` as JSON.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, get_args, get_origin

import msgspec
from immutables import Map

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.sequence import Sequence
from distill_core.state import Cell, Reply, SessionState, Step, WorkerCall
from sessions.judging.judgement import labelled
from sessions.schema import BLOCK

Row: TypeAlias = tuple[Any, ...]

COLUMNS: dict[str, tuple[str, ...]] = {
    "steps": ("id", "session", "number", "phase", "copied", "started", "calls", "cells", "more"),
    "replies": (
        *("id", "session", "step", "call_id", "candidate", "model", "text", "reasoning", "prompt_tokens"),
        *("completion_tokens", "usage", "elapsed", "finish_reason", "cached", "error", "problem", "extends"),
        *("message_ids", "params", "more"),
    ),
    "messages": ("id", "session", "message_id", "role", "content", "rest"),
    "cells": (
        *("id", "session", "step", "cell_id", "call_id", "index", "origin", "phase", "status", "code"),
        *("proposed", "traceback", "final", "elapsed", "active", "dropped", "more"),
    ),
    "outputs": ("id", "session", "step", "cell_id", "text", "pieces"),
    "worker_calls": (
        *("id", "session", "step", "call_id", "cell_id", "batch_id", "index", "purpose", "model", "phase"),
        *(
            "prompt",
            "response",
            "override",
            "error",
            "prompt_tokens",
            "completion_tokens",
            "usage",
            "elapsed",
        ),
        *("cached", "attempt", "finish_reason", "more"),
    ),
    "overrides": (
        *("id", "session", "seq", "step", "timestamp", "call_id", "by", "response", "counts", "event"),
    ),
    "decisions": (
        *("id", "session", "seq", "step", "timestamp", "proposal_id", "action", "by", "took", "guidance"),
        *("copied", "event"),
    ),
    "annotations": (
        *("id", "session", "seq", "step", "timestamp", "by", "kind", "target", "field", "rating", "mark"),
        *("labels", "comment", "correction", "reason", "scores", "counts", "event"),
    ),
    "labels": ("id", "session", "label", "by", "kind", "target", "seq"),
    "retractions": ("id", "session", "seq", "retracts"),
}
"""The columns of each table but `sessions`, in the order of its rows here."""

# Fields of the state that have columns, or are told by another table.
_PLACED: dict[type, frozenset[str]] = {
    Step: frozenset({"number", "phase", "copied", "started", "calls", "cells", "decisions"}),
    Reply: frozenset(
        {"call_id", "extends", "message_ids", "model", "params", "candidate", "text", "reasoning", "usage"}
        | {"elapsed", "finish_reason", "cached", "error", "problem"}
    ),
    Cell: frozenset(
        {"cell_id", "call_id", "step", "index", "code", "proposed", "origin", "phase", "status", "output"}
        | {"traceback", "final", "elapsed", "active", "dropped", "calls"}
    ),
    WorkerCall: frozenset(
        {"call_id", "cell_id", "step", "prompt", "model", "batch_id", "index", "purpose", "phase", "response"}
        | {"error", "override", "usage", "elapsed", "cached", "attempt", "finish_reason"}
    ),
    SessionState: frozenset(
        {"seq", "started", "finished", "steps", "messages", "replies", "cells", "calls", "call_order"}
        | {"annotated", "overridden", "retractions", "policy", "updated"}
    ),
}
_MORE: dict[type, tuple[tuple[str, Any], ...]] = {
    kind: tuple((f.name, f.default) for f in msgspec.structs.fields(kind) if f.name not in placed)
    for kind, placed in _PLACED.items()
}
"""The other fields of each, with their defaults."""


def _plain(value: object) -> object:
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, Map):
        return [list(pair) for pair in sorted(value.items(), key=repr)]
    raise NotImplementedError(f"{type(value).__name__} in a state")


def _rich(kind: Any, value: Any) -> Any:
    inner = get_args(kind)
    if get_origin(kind) is Sequence or kind is Sequence:
        return Sequence(_convert(item, inner[0] if inner else Any) for item in value)
    key, item = inner or (Any, Any)
    return Map({_convert(k, key): _convert(v, item) for k, v in value})


def _convert(value: Any, kind: Any) -> Any:
    if get_origin(kind) in (Sequence, Map):
        return _rich(kind, value)
    return msgspec.convert(value, kind, dec_hook=_rich)


_json = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")


def dump(value: object) -> str:
    """`value` as JSON text; equal values give equal text."""
    return _json.encode(value).decode()


def _optional(value: object) -> str | None:
    return None if value is None else dump(value)


def more(thing: msgspec.Struct) -> str | None:
    """The fields that have no column, as JSON; None where all stand at their default or there are none."""
    kept = {}
    for name, default in _MORE[type(thing)]:
        value = getattr(thing, name)
        if value != default:
            kept[name] = value
    return dump(kept) if kept else None


def _rest(kind: type, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    types = {f.name: f.type for f in msgspec.structs.fields(kind)}
    return {name: _convert(value, types[name]) for name, value in msgspec.json.decode(text).items()}


# ---------------------------------------------------------------- to rows


def step_row(row: int, session: int, step: Step) -> Row:
    """A row of `steps`."""
    started = None if step.started is None else step.started.isoformat()
    calls, cells = dump(step.calls), dump(step.cells)
    return (row, session, step.number, step.phase, step.copied, started, calls, cells, more(step))


def reply_row(row: int, session: int, step: int, reply: Reply) -> Row:
    """A row of `replies`: a supervisor call and what came back."""
    usage = reply.usage
    return (
        *(row, session, step, reply.call_id, reply.candidate, reply.model, reply.text, reply.reasoning),
        *(usage.prompt_tokens, usage.completion_tokens, dump(usage), reply.elapsed, reply.finish_reason),
        *(reply.cached, reply.error, reply.problem, reply.extends, dump(reply.message_ids)),
        *(dump(reply.params), more(reply)),
    )


def message_row(row: int, session: int, message_id: str, message: dict[str, Any]) -> Row:
    """A row of `messages`; what is not plain text stays JSON in `rest`."""
    content = message.get("content")
    plain = isinstance(content, str) and isinstance(message.get("role"), str)
    rest = {k: v for k, v in message.items() if not (plain and k in ("role", "content"))}
    role = str(message.get("role", ""))
    return (row, session, message_id, role, content if plain else None, dump(rest) if rest else None)


def cell_row(row: int, session: int, cell: Cell) -> Row:
    """A row of `cells`; `proposed` only where other code ran."""
    proposed = None if cell.proposed == cell.code else cell.proposed
    return (
        *(row, session, cell.step, cell.cell_id, cell.call_id, cell.index, cell.origin, cell.phase),
        *(cell.status, cell.code, proposed, cell.traceback, _optional(cell.final), cell.elapsed),
        *(cell.active, cell.dropped, more(cell)),
    )


def output_row(row: int, session: int, cell: Cell) -> Row:
    """A row of `outputs`: all a cell wrote, and how its pieces were cut: [stream, characters] each."""
    pieces = [(stream, len(text)) for stream, text in cell.output]
    return (row, session, cell.step, cell.cell_id, cell.text(), dump(pieces))


def call_row(row: int, session: int, call: WorkerCall) -> Row:
    """A row of `worker_calls`."""
    usage = call.usage
    return (
        *(row, session, call.step, call.call_id, call.cell_id, call.batch_id, call.index, call.purpose),
        *(call.model, call.phase, call.prompt, call.response, call.override, call.error),
        *(usage.prompt_tokens, usage.completion_tokens, dump(usage), call.elapsed, call.cached),
        *(call.attempt, call.finish_reason, more(call)),
    )


def override_row(row: int, session: int, event: ev.WorkerCallOverridden, counts: bool) -> Row:
    """A row of `overrides`."""
    when = event.timestamp.isoformat()
    head = (row, session, event.seq, event.step, when, event.call_id, event.by, event.response)
    return (*head, counts, dump(event))


def decision_row(row: int, session: int, step: int, event: ev.DecisionMade) -> Row:
    """A row of `decisions`, of one that `step` holds; 0 for none."""
    return (
        *(row, session, event.seq, step, event.timestamp.isoformat(), event.proposal_id),
        *(event.action, event.by, event.took, event.guidance, event.copied, dump(event)),
    )


def annotation_row(row: int, session: int, event: ev.Annotated, counts: bool) -> Row:
    """A row of `annotations`; `counts` is False for a retracted one."""
    target = event.target
    return (
        *(row, session, event.seq, event.step, event.timestamp.isoformat(), event.by, target.kind),
        *(target.id, target.field, event.rating, event.mark, dump(event.labels), event.comment),
        *(event.correction, event.reason, dump(event.scores), counts, dump(event)),
    )


def judgement_rows(state: SessionState, session: int) -> dict[str, list[Row]]:
    """All rows of `labels` (those that count) and of `retractions`."""
    base = session * BLOCK
    pairs = sorted((seq, target) for target, seqs in state.retractions.items() for seq in seqs)
    return {
        "labels": [
            (base + n, session, label, a.by, a.target.kind, a.target.id, a.seq)
            for n, (a, label) in enumerate(labelled(state), 1)
        ],
        "retractions": [(base + n, session, seq, target) for n, (seq, target) in enumerate(pairs, 1)],
    }


# ---------------------------------------------------------------- back to state


def _usage(text: str) -> Usage:
    return msgspec.json.decode(text, type=Usage)


def restore(session: dict[str, Any], tables: dict[str, list[dict[str, Any]]]) -> SessionState:
    """The state that a session's rows tell.

    Args:
        session: its row of `sessions`.
        tables: its rows of every other table, ordered by id.
    """
    decisions: dict[int, list[ev.DecisionMade]] = {}
    for row in tables["decisions"]:
        decisions.setdefault(row["step"], []).append(msgspec.json.decode(row["event"], type=ev.DecisionMade))
    calls = [_call(row) for row in tables["worker_calls"]]
    outputs = {row["cell_id"]: _pieces(row) for row in tables["outputs"]}
    asked: dict[str, list[str]] = {}
    for call in calls:
        if call.retry_of is None:  # what a person sent again, the cell did not ask
            asked.setdefault(call.cell_id, []).append(call.call_id)
    retractions: dict[int, tuple[int, ...]] = {}
    for row in tables["retractions"]:
        retractions[row["retracts"]] = (*retractions.get(row["retracts"], ()), row["seq"])
    overridden = [msgspec.json.decode(r["event"], type=ev.WorkerCallOverridden) for r in tables["overrides"]]
    annotated = [msgspec.json.decode(r["event"], type=ev.Annotated) for r in tables["annotations"]]
    return SessionState(
        seq=session["last_seq"],
        started=_event(session["opening"], ev.SessionStarted),
        finished=_event(session["closing"], ev.SessionFinished),
        policy=session["policy"],
        updated=None if session["updated"] is None else msgspec.convert(session["updated"], datetime),
        steps=Sequence(_step(row, decisions.get(row["number"], [])) for row in tables["steps"]),
        messages=Map({row["message_id"]: _message(row) for row in tables["messages"]}),
        replies=Map({row["call_id"]: _reply(row) for row in tables["replies"]}),
        cells=Map({row["cell_id"]: _cell(row, outputs, asked) for row in tables["cells"]}),
        calls=Map({call.call_id: call for call in calls}),
        call_order=Sequence(call.call_id for call in calls),
        annotated=Map({event.seq: event for event in annotated}),
        overridden=Map({event.seq: event for event in overridden}),
        retractions=Map(retractions),
        **_rest(SessionState, session["more"]),
    )


def _event(text: str | None, kind: type[Any]) -> Any:
    return None if text is None else msgspec.json.decode(text, type=kind)


def _step(row: dict[str, Any], decisions: list[ev.DecisionMade]) -> Step:
    return Step(
        number=row["number"],
        phase=row["phase"],
        copied=bool(row["copied"]),
        started=None if row["started"] is None else msgspec.convert(row["started"], datetime),
        calls=Sequence(msgspec.json.decode(row["calls"])),
        cells=Sequence(msgspec.json.decode(row["cells"])),
        decisions=Sequence(decisions),
        **_rest(Step, row["more"]),
    )


def _reply(row: dict[str, Any]) -> Reply:
    return Reply(
        call_id=row["call_id"],
        extends=row["extends"],
        message_ids=tuple(msgspec.json.decode(row["message_ids"])),
        model=row["model"],
        params=msgspec.json.decode(row["params"]),
        candidate=row["candidate"],
        text=row["text"],
        reasoning=row["reasoning"],
        usage=_usage(row["usage"]),
        elapsed=row["elapsed"],
        finish_reason=row["finish_reason"],
        cached=bool(row["cached"]),
        error=row["error"],
        problem=row["problem"],
        **_rest(Reply, row["more"]),
    )


def _message(row: dict[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = {} if row["rest"] is None else msgspec.json.decode(row["rest"])
    if row["content"] is None:
        return rest
    return {"role": row["role"], "content": row["content"], **rest}


def _pieces(row: dict[str, Any]) -> Sequence[tuple[str, str]]:
    at, pieces = 0, []
    for stream, length in msgspec.json.decode(row["pieces"]):
        pieces.append((stream, row["text"][at : at + length]))
        at += length
    return Sequence(pieces)


def _cell(
    row: dict[str, Any], outputs: dict[str, Sequence[tuple[str, str]]], asked: dict[str, list[str]]
) -> Cell:
    return Cell(
        cell_id=row["cell_id"],
        call_id=row["call_id"],
        step=row["step"],
        index=row["index"],
        code=row["code"],
        proposed=row["code"] if row["proposed"] is None else row["proposed"],
        origin=row["origin"],
        phase=row["phase"],
        status=row["status"],
        output=outputs.get(row["cell_id"], Sequence()),
        traceback=row["traceback"],
        final=_event(row["final"], ev.Final),
        elapsed=row["elapsed"],
        active=row["active"],
        dropped=row["dropped"],
        calls=Sequence(asked.get(row["cell_id"], [])),
        **_rest(Cell, row["more"]),
    )


def _call(row: dict[str, Any]) -> WorkerCall:
    return WorkerCall(
        call_id=row["call_id"],
        cell_id=row["cell_id"],
        step=row["step"],
        prompt=row["prompt"],
        model=row["model"],
        batch_id=row["batch_id"],
        index=row["index"],
        purpose=row["purpose"],
        phase=row["phase"],
        response=row["response"],
        error=row["error"],
        override=row["override"],
        usage=_usage(row["usage"]),
        elapsed=row["elapsed"],
        cached=bool(row["cached"]),
        attempt=row["attempt"],
        finish_reason=row["finish_reason"],
        **_rest(WorkerCall, row["more"]),
    )
