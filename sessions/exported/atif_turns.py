"""One step of an agent as the events of a turn: what was sent, candidates, the reply, the decision, cells and calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from distill_core import events as ev
from distill_core.errors import StoreError
from distill_core.fences import extract_blocks
from distill_core.models.base import Message
from sessions.export.tracing import as_decided
from sessions.exported.atif_shape import (
    CallExtra,
    Candidate,
    CellExtra,
    Metrics,
    ReplyExtra,
    Result,
    Step,
    Sub,
    ToolCall,
    TurnExtra,
)
from sessions.exported.story import Prompts, words

REPL = "repl"
"""The tool that runs code, as this program names it."""
E = TypeVar("E")


def extra(found: Mapping[str, Any] | None, shape: type[E], *, own: bool) -> E:
    """What stands in an `extra`, where this program filled it.

    Raises:
        StoreError: it is not as this program fills it.
    """
    try:
        return msgspec.convert(found or {} if own else {}, shape)
    except msgspec.ValidationError as error:
        raise StoreError("the trajectory's extra is not as it was exported", found=str(error)) from error


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's step with what is known of it.

    Args:
        number: of the supervisor's turn, from 1.
        when: when the reply was there.
        told: its `extra`.
        text: the message, as there is to learn it.
    """

    step: Step
    number: int
    when: datetime
    told: TurnExtra
    text: str
    dialect: Literal["distill", "rlm"] = "distill"

    @property
    def call_id(self) -> str:
        """The supervisor call."""
        return self.told.call_id or f"s{self.number}"

    @property
    def copied(self) -> bool:
        """Whether a fork took it over."""
        return bool(self.step.is_copied_context)

    @property
    def reply(self) -> str:
        """What the supervisor wrote."""
        return self.told.original if self.told.original is not None else self.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Its calls of tools."""
        return self.step.tool_calls or ()

    def cells(self) -> list[str]:
        """Names of its cells."""
        return [call.tool_call_id or f"{self.call_id}.{n}" for n, call in enumerate(self.tool_calls)]

    def sent_on(self) -> list[Message]:
        """What the conversation went on with: the reply as it was decided, and what other agents' tools gave."""
        told = self.told
        text = told.decided
        if text is None:
            text = self.reply
            if told.outcome in ("edited", "written") and told.decision is not None:
                text = as_decided(text, told.finish_reason, told.decision.after, self.dialect)
        message: Message = {"role": "assistant", "content": text}
        foreign = [call for call in self.tool_calls if call.function_name != REPL]
        if foreign:
            message["tool_calls"] = [_as_sent(call) for call in foreign]
        return [message, *self._given({call.tool_call_id for call in foreign})]

    def _given(self, foreign: set[str]) -> Iterator[Message]:
        for result in self.step.observation.results if self.step.observation else ():
            if result.source_call_id in foreign or (result.source_call_id is None and not self.tool_calls):
                said = {"role": "tool", "content": words(result.content)[0]}
                yield said | ({"tool_call_id": result.source_call_id} if result.source_call_id else {})


def _as_sent(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments or {}, ensure_ascii=False)
    function = {"name": call.function_name, "arguments": arguments}
    return {"id": call.tool_call_id, "type": "function", "function": function}


def code_of(call: ToolCall) -> str:
    """The code that a call ran; of another agent's tool, a call of it by name."""
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    code = arguments.get("code")
    if call.function_name == REPL and isinstance(code, str):
        return code
    return f"{call.function_name}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


class Calls:
    """The worker calls of a trajectory, handed out in their order as the cells come that made them."""

    def __init__(self, subs: Sequence[Sub], *, own: bool) -> None:
        self._waiting = [
            (sub.trajectory_id or sub.session_id or f"w{n}", sub) for n, sub in enumerate(subs, 1)
        ]
        self._own = own
        self._cells: dict[str, str] = {}

    def of(self, cells: Mapping[str, Sequence[str]]) -> None:
        """Learn which cells made which calls."""
        self._cells |= {call: cell for cell, calls in cells.items() for call in calls}

    def until(self, cell: str, *, step: int, when: datetime, copied: bool) -> Iterator[ev.Event]:
        """The calls up to the last that `cell` made, but for those of cells that are still to come."""
        last = max(
            (n for n, (name, _) in enumerate(self._waiting) if self._cells.get(name) == cell), default=-1
        )
        going, self._waiting = self._waiting[: last + 1], self._waiting[last + 1 :]
        for name, sub in going:
            yield from self._events(name, sub, step=step, when=when, copied=copied, default=cell)

    def rest(self, *, step: int, when: datetime) -> Iterator[ev.Event]:
        """Those that no cell is known to have made."""
        going, self._waiting = self._waiting, []
        for name, sub in going:
            yield from self._events(name, sub, step=step, when=when, copied=False, default="")

    def _events(
        self, name: str, sub: Sub, *, step: int, when: datetime, copied: bool, default: str
    ) -> Iterator[ev.Event]:
        told = extra(sub.extra, CallExtra, own=self._own)
        prompt = next((words(s.message)[0] for s in sub.steps if s.source == "user"), "")
        reply = next((s for s in reversed(sub.steps) if s.source == "agent"), None)
        said = extra(reply.extra if reply else None, ReplyExtra, own=self._own)
        own_copy = bool(reply.is_copied_context) if reply is not None else told.copied
        model = (reply.model_name if reply else None) or sub.agent.model_name or sub.agent.name
        common: dict[str, Any] = {"step": step, "timestamp": when, "copied": own_copy, "call_id": name}
        yield ev.WorkerCallStarted(
            **common,
            cell_id=self._cells.get(name) or self._cells.get(told.retry_of or "") or default,
            prompt=prompt,
            model=model,
            params=told.params,
            batch_id=told.batch_id,
            index=told.index,
            purpose=told.purpose,
            retry_of=told.retry_of,
        )
        metrics = (reply.metrics if reply is not None else None) or told.metrics
        spent: dict[str, Any] = {"model": model, "usage": metrics.usage(), "elapsed": _elapsed(metrics)}
        if told.error is not None:
            yield ev.WorkerCallFailed(**common, **spent, error=told.error)
        elif reply is not None:
            text = said.original if said.original is not None else words(reply.message)[0]
            yield ev.WorkerCallReturned(
                **common,
                **spent,
                response=text,
                cached=_cached(metrics),
                finish_reason=told.finish_reason,
                reasoning=reply.reasoning_content,
            )
        if said.override is not None:
            yield ev.WorkerCallOverridden(**common, response=said.override, by="unknown")


def events(
    turn: Turn, prompt: Sequence[Message], prompts: Prompts, calls: Calls, *, own: bool
) -> Iterator[ev.Event]:
    """The events of a turn whose prompt was `prompt`."""
    told = turn.told
    common: dict[str, Any] = {"step": turn.number, "timestamp": turn.when, "copied": turn.copied}
    for number, other in enumerate(told.candidates):
        yield from beside(other, prompt, prompts, number=number, **common)
    model = turn.step.model_name or ""
    yield from prompts.call(
        prompt,
        **common,
        call_id=turn.call_id,
        model=model,
        params=told.params,
        candidate=len(told.candidates),
    )
    metrics = turn.step.metrics or Metrics()
    yield ev.SupervisorReplied(
        **common,
        call_id=turn.call_id,
        text=turn.reply,
        model=model,
        usage=metrics.usage(),
        elapsed=_elapsed(metrics),
        finish_reason=told.finish_reason,
        reasoning=turn.step.reasoning_content,
        cached=_cached(metrics),
    )
    if told.problem is not None:
        yield ev.ReplyRejected(**common, call_id=turn.call_id, problem=told.problem)
    yield from _cells(turn, common, calls, own=own)


def beside(
    other: Candidate, prompt: Sequence[Message], prompts: Prompts, *, number: int, **common: Any
) -> Iterator[ev.Event]:
    """A call that is not the one that counts. `common`: step, timestamp, copied."""
    call: dict[str, Any] = {"call_id": other.call_id, "model": ""}
    common = {**common, "copied": other.copied}
    yield from prompts.call(prompt, **common, **call, params={}, candidate=number)
    spent: dict[str, Any] = {"usage": other.metrics.usage(), "elapsed": _elapsed(other.metrics)}
    if other.text is None:
        yield ev.SupervisorFailed(**common, **call, **spent, error=other.error or "")
    else:
        yield ev.SupervisorReplied(**common, **call, **spent, text=other.text)
        if other.problem is not None:
            yield ev.ReplyRejected(**common, call_id=other.call_id, problem=other.problem)


def _cells(turn: Turn, common: dict[str, Any], calls: Calls, *, own: bool) -> Iterator[ev.Event]:
    told, names = turn.told, turn.cells()
    results = {r.source_call_id: r for r in (turn.step.observation.results if turn.step.observation else ())}
    known = {
        name: extra(results[name].extra if name in results else None, CellExtra, own=own) for name in names
    }
    codes = {name: code_of(call) for name, call in zip(names, turn.tool_calls, strict=True)}
    proposed = {name: was if (was := known[name].proposed) is not None else codes[name] for name in names}
    if not names and told.problem is None:
        # What never ran stands in the reply alone.
        found = extract_blocks(turn.reply, told.finish_reason, dialect=turn.dialect).blocks
        proposed = {f"{turn.call_id}.{n}": block.code for n, block in enumerate(found)}
    origin = "person" if told.outcome == "written" else "supervisor"
    for index, (name, code) in enumerate(proposed.items()):
        yield ev.CellProposed(
            **common,
            cell_id=name,
            call_id=turn.call_id,
            index=index,
            code=code,
            origin=origin,  # type: ignore[arg-type]
        )
    if told.decision is not None:
        decision = msgspec.structs.asdict(told.decision)
        chosen = turn.call_id if told.candidates else None
        yield ev.DecisionMade(**common, proposal_id=turn.call_id, chosen=chosen, **decision)
    for name in names:
        yield ev.CellStarted(**common, cell_id=name, code=codes[name])
        yield from calls.until(name, step=turn.number, when=turn.when, copied=turn.copied)
        if name in results:
            yield from _ended(name, results[name], known[name], common)


def _ended(name: str, result: Result, told: CellExtra, common: dict[str, Any]) -> Iterator[ev.Event]:
    text = words(result.content)[0]
    if told.traceback:
        text = text.removesuffix(told.traceback)
    if text:
        yield ev.CellOutput(**common, cell_id=name, stream="stdout", text=text)
    yield ev.CellFinished(
        **common,
        cell_id=name,
        status=told.status or "ok",
        elapsed=told.elapsed,
        active=told.elapsed,
        traceback=told.traceback,
        final=told.final,
        worker_calls=len(result.subagent_trajectory_ref or ()),
    )
    if told.final is not None:
        yield ev.FinalProposed(**common, cell_id=name, answer=told.final)


def _elapsed(metrics: Metrics) -> float:
    found = (metrics.extra or {}).get("elapsed", 0.0)
    return float(found) if isinstance(found, int | float) else 0.0


def _cached(metrics: Metrics) -> bool:
    return (metrics.extra or {}).get("cached") is True


def made_calls(turns: Iterable[Turn]) -> dict[str, list[str]]:
    """The calls that each cell refers to."""
    return {
        result.source_call_id or "": [ref.trajectory_id or "" for ref in result.subagent_trajectory_ref or ()]
        for turn in turns
        for result in (turn.step.observation.results if turn.step.observation else ())
    }
