"""The shapes of ATIF 1.x as far as they are read: its own fields strictly, `extra` as this program fills it.

Source: RFC 0001 of the Harbor framework. Unknown fields are passed over, as the format asks of readers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.models.base import Usage

Extra = dict[str, Any]


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts. Of this program's own, `extra` names worker, isolation, dialect, primitives."""

    name: str
    version: str = ""
    model_name: str | None = None
    tool_definitions: list[Any] | None = None
    extra: Extra | None = None


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a reply."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    extra: Extra | None = None

    def usage(self) -> Usage:
        """The same as usage of one call."""
        return Usage(self.prompt_tokens or 0, self.completion_tokens or 0, self.cached_tokens or 0, calls=1)


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool."""

    tool_call_id: str = ""
    function_name: str
    arguments: Any = None


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Which sub-trajectory belongs to a result."""

    trajectory_id: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a call of a tool gave."""

    source_call_id: str | None = None
    content: Any = None
    subagent_trajectory_ref: tuple[Reference, ...] | None = None
    extra: Extra | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of a step gave."""

    results: tuple[Result, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the conversation."""

    source: str
    message: Any = ""
    timestamp: datetime | None = None
    model_name: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    is_copied_context: bool | None = None
    extra: Extra | None = None


class Sub(msgspec.Struct, frozen=True, kw_only=True):
    """A trajectory inside another one; here a worker call."""

    trajectory_id: str | None = None
    session_id: str | None = None
    agent: Agent
    steps: tuple[Step, ...] = ()
    extra: Extra | None = None


class FinalMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Of all of it."""

    total_cost_usd: float | None = None


class Trajectory(msgspec.Struct, frozen=True, kw_only=True):
    """A session."""

    schema_version: str
    session_id: str | None = None
    trajectory_id: str | None = None
    agent: Agent
    steps: tuple[Step, ...]
    final_metrics: FinalMetrics | None = None
    extra: Extra | None = None
    subagent_trajectories: tuple[Sub, ...] | None = None


# ---------------------------------------------------------------- `extra`, as this program fills it


class AgentExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Of the agent."""

    worker: str = ""
    isolation: str = "unknown"
    dialect: str | None = None
    primitives: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Of the session."""

    question: str = ""
    further_questions: tuple[str, ...] = ()
    answer: str | None = None
    status: ev.SessionStatus | None = None
    partial: bool = False
    reason: str = ""
    kind: str = "research"
    document: ev.DocumentRef | None = None
    parent: ev.Parent | None = None
    judgements: tuple[Extra, ...] = ()
    failed_calls: tuple[Candidate, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A call beside the one that counts: a further candidate, or one that failed."""

    call_id: str
    step: int = 0
    text: str | None = None
    error: str | None = None
    problem: str | None = None
    metrics: Metrics = Metrics()
    copied: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on a turn."""

    action: ev.Action
    by: str = ""
    took: float = 0.0
    guidance: str = ""
    reason: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class TurnExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Of a turn."""

    step: int = 0
    call_id: str = ""
    outcome: str = ""
    sent_back: bool = False
    decision: Decision | None = None
    original: str | None = None
    decided: str | None = None
    guidance: str = ""
    problem: str | None = None
    finish_reason: str | None = None
    params: Extra = msgspec.field(default_factory=dict)
    judgements: tuple[Extra, ...] = ()
    candidates: tuple[Candidate, ...] = ()


class CellExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Of a cell's result."""

    status: ev.CellStatus | None = None
    elapsed: float = 0.0
    final: ev.Final | None = None
    proposed: str | None = None
    traceback: str | None = None


class CallExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Of a worker call."""

    purpose: str = "answer"
    batch_id: str | None = None
    index: int = 0
    error: str | None = None
    retry_of: str | None = None
    params: Extra = msgspec.field(default_factory=dict)
    finish_reason: str | None = None
    metrics: Metrics = Metrics()
    copied: bool = False


class ReplyExtra(msgspec.Struct, frozen=True, kw_only=True):
    """Of a worker's reply."""

    original: str | None = None
    override: str | None = None
    judgements: tuple[Extra, ...] = ()
