"""A trajectory of the Agent Trajectory Interchange Format as the events of a session.

Of this program's own trajectories everything comes back that the form holds: turns with their decisions, cells, worker
calls, judgements. Of other agents' the conversation does, with each tool call as a cell that calls the tool by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from distill_core import events as ev
from distill_core.errors import StoreError
from distill_core.models.base import Message, Usage
from sessions.exported import atif_turns
from sessions.exported.atif_shape import AgentExtra, ReplyExtra, Step, Told, Trajectory, TurnExtra
from sessions.exported.atif_turns import Turn, extra
from sessions.exported.story import NOT_KEPT, Prompts, Story, began, numbered, question, words

PREFIX = "ATIF-v"
OWN = "distill-tui"
"""The agent's name in trajectories of this program."""


def is_trajectory(told: Any) -> bool:
    """Whether `told` is of this form."""
    return isinstance(told, dict) and str(told.get("schema_version", "")).startswith(PREFIX)


def story(told: Mapping[str, Any]) -> Story:
    """The session that a trajectory tells.

    Raises:
        StoreError: it is not as the format says, of another major version, or no agent speaks in it.
    """
    version = str(told["schema_version"]).removeprefix(PREFIX)
    if not version.startswith("1."):
        raise StoreError("the trajectory is of another version", found=version, remedy="1.x can be read")
    try:
        made = msgspec.convert(told, Trajectory)
    except msgspec.ValidationError as error:
        raise StoreError("not a trajectory", found=str(error)) from error
    digest = hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()[:12]
    telling = _Telling(made, made.session_id or made.trajectory_id or f"imported-{digest}")
    events = numbered(telling.events())
    return Story(session_id=telling.session_id, events=events, notes=tuple(dict.fromkeys(telling.notes)))


class _Telling:
    def __init__(self, made: Trajectory, session_id: str) -> None:
        self.notes: list[str] = []
        self.session_id = session_id
        self._made = made
        self._own = made.agent.name == OWN
        self._agent = extra(made.agent.extra, AgentExtra, own=self._own)
        self._told = extra(made.extra, Told, own=self._own)
        self._dialect: Literal["distill", "rlm"] = "rlm" if self._agent.dialect == "rlm" else "distill"
        self._waiting_failures = list(self._told.failed_calls)
        self._said: list[Message | Turn] = list(self._steps())
        self._turns = [said for said in self._said if isinstance(said, Turn)]
        if not self._turns:
            raise StoreError("no step of an agent in the trajectory")
        self._began = self._beginning()
        self._ended = max(self._began, *(turn.when for turn in self._turns))

    def _steps(self) -> Iterator[Message | Turn]:
        number, when = 0, began(self.session_id)
        for step in self._made.steps:
            when = step.timestamp or when
            if step.source != "agent":
                yield {"role": step.source, "content": self._words(step)}
                continue
            told = extra(step.extra, TurnExtra, own=self._own)
            number = max(number, told.step) if told.step else number + 1
            yield Turn(
                step=step, number=number, when=when, told=told, text=self._words(step), dialect=self._dialect
            )

    def _words(self, step: Step) -> str:
        text, whole = words(step.message)
        if not whole:
            self.notes.append("of a message's parts only the text is kept")
        return text

    def _beginning(self) -> datetime:
        known = began(self.session_id)
        first = min((s.timestamp for s in self._made.steps if s.timestamp is not None), default=known)
        return known if known != ev.EPOCH and known <= first else first

    # ------------------------------------------------------------ the session

    def events(self) -> Iterator[ev.Event]:
        yield self._opening()
        prompts, prompt = Prompts(), list[Message]()
        calls = atif_turns.Calls(self._made.subagent_trajectories or (), own=self._own)
        calls.of(atif_turns.made_calls(self._turns))
        asked = self._asked()
        for said in self._said:
            if not isinstance(said, Turn):
                prompt.append(said)
                continue
            yield from self._failed(said.number, prompt, prompts)
            yield from atif_turns.events(said, prompt, prompts, calls, own=self._own)
            yield from self._answered(said, asked.get(id(said), ()))
            prompt += said.sent_on()
        if not isinstance(self._said[-1], Turn):
            self.notes.append("what was said after the agent's last step is left out")
        yield from self._failed(None, prompt, prompts)
        yield from calls.rest(step=self._turns[-1].number, when=self._turns[-1].when)
        yield from self._closing()
        yield from self._judgements()

    def _opening(self) -> ev.SessionStarted:
        made, told = self._made, self._told
        config: dict[str, Any] = {"imported": "atif"}
        if made.agent.tool_definitions:
            config["tools"] = made.agent.tool_definitions
        if self._agent.dialect is not None:
            config["dialect"] = self._agent.dialect
        if self._agent.primitives:
            config["primitives"] = list(self._agent.primitives)
        asked = [said for said in self._said if not isinstance(said, Turn)]
        return ev.SessionStarted(
            step=0,
            timestamp=self._began,
            session_id=self.session_id,
            kind=told.kind,
            query=told.question if self._own else question(asked),
            document=told.document or NOT_KEPT,
            supervisor=made.agent.model_name or made.agent.name,
            worker=self._agent.worker,
            limits=ev.Limits(turns=None, worker_calls=None),
            isolation=self._agent.isolation,
            program=made.agent.version if self._own else f"{made.agent.name} {made.agent.version}".strip(),
            python="",
            config=config,
            parent=told.parent,
        )

    def _failed(self, before: int | None, prompt: list[Message], prompts: Prompts) -> Iterator[ev.Event]:
        """Calls that failed, of steps up to `before` (all that are left, where it is None)."""
        left = []
        for call in self._waiting_failures:
            if before is not None and call.step > before:
                left.append(call)
                continue
            yield from atif_turns.beside(
                call, prompt, prompts, number=0, step=call.step, timestamp=self._began, copied=call.copied
            )
        self._waiting_failures = left

    # ------------------------------------------------------------ answers

    def _asked(self) -> dict[int, tuple[str, ...]]:
        """By the turn whose answer was accepted with it: the further questions."""
        further = list(self._told.further_questions)
        answers = [turn for turn in self._turns if turn is not self._turns[-1] and _gave_answer(turn)]
        found: dict[int, tuple[str, ...]] = {}
        for turn in [*answers, self._turns[-1]]:
            last = turn is self._turns[-1]
            found[id(turn)] = tuple(further) if last else tuple(further[:1])
            further = [] if last else further[1:]
        return found

    def _answered(self, turn: Turn, asked: tuple[str, ...]) -> Iterator[ev.Event]:
        """What was decided on the answers of a turn, as far as it is told: sent back, or a further question."""
        told = turn.told
        own = told.decision.guidance if told.decision is not None else ""
        rest = told.guidance.removeprefix(own).removeprefix("\n\n") if told.guidance else ""
        made: dict[str, Any] = {
            "step": turn.number,
            "timestamp": turn.when,
            "copied": turn.copied,
            "proposal_id": f"final:{(turn.cells() or [''])[-1]}",
            "by": told.decision.by if told.decision is not None else "unknown",
            "took": 0.0,
        }
        if told.sent_back or rest:
            yield ev.DecisionMade(**made, action="send_back", guidance=rest)
        for text in asked:
            yield ev.DecisionMade(**made, action="follow_up", guidance=text)

    # ------------------------------------------------------------ the end

    def _closing(self) -> Iterator[ev.Event]:
        told = self._told
        status = told.status if self._own else "finished"
        if status is None:
            return
        usage = [turn.step.metrics.usage() for turn in self._turns if turn.step.metrics is not None]
        metrics = self._made.final_metrics
        yield ev.SessionFinished(
            step=self._turns[-1].number,
            timestamp=self._ended,
            status=status,
            answer=ev.Final(value=told.answer, text=told.answer) if told.answer is not None else None,
            partial=told.partial,
            reason=told.reason or ("imported" if not self._own else ""),
            iterations=len(self._turns),
            supervisor_usage=sum(usage, Usage()),
            worker_usage=Usage(),
            cost=metrics.total_cost_usd if metrics is not None else None,
            elapsed=(self._ended - self._began).total_seconds(),
        )

    def _judgements(self) -> Iterator[ev.Event]:
        told = [*self._told.judgements]
        for turn in self._turns:
            told += turn.told.judgements
        for sub in self._made.subagent_trajectories or ():
            for step in sub.steps:
                told += extra(step.extra, ReplyExtra, own=self._own).judgements
        made = [self._annotated(number, judgement) for number, judgement in enumerate(told, 1)]
        yield from sorted(made, key=lambda one: one.timestamp)

    def _annotated(self, number: int, judgement: dict[str, Any]) -> ev.Annotated:
        fields = {"step": 0, **judgement, "annotation_id": f"i{number}", "type": "annotated"}
        try:
            return msgspec.convert(fields, ev.Annotated)
        except msgspec.ValidationError as error:
            raise StoreError("a judgement is not as it was exported", found=str(error)) from error


def _gave_answer(turn: Turn) -> bool:
    told = turn.told
    results = turn.step.observation.results if turn.step.observation is not None else ()
    return not told.sent_back and any((result.extra or {}).get("final") for result in results)
