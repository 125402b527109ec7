"""A row of `sft`, `{messages, tools?}`, as the events of a session: each reply is a turn that was let pass.

The form tells what was said and nothing of what ran, so code is proposed and approved, and never starts. Of the
provenance that rows of this program bear, what belongs to the session comes back: its id and family, models,
parameters, status, document, labels.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from distill_core import events as ev
from distill_core.errors import StoreError
from distill_core.fences import extract_blocks
from distill_core.models.base import Message, Usage
from sessions.exported.story import IMPORT, NOT_KEPT, Prompts, Story, began, numbered, question, words


class _Provenance(msgspec.Struct, frozen=True):
    session: str = ""
    family: str = ""
    models: tuple[str, ...] = ()
    params: str = "{}"
    decision: str = ""
    decided_by: str = ""
    annotators: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    document: str = ""
    tool: str = ""


def is_conversation(row: Any) -> bool:
    """Whether `row` is of this form."""
    return isinstance(row, dict) and isinstance(row.get("messages"), list)


def story(row: Mapping[str, Any]) -> Story:
    """The session that `row` tells.

    Raises:
        StoreError: it is no conversation with a reply in it.
    """
    telling = _Telling(row)
    return Story(
        session_id=telling.session_id,
        events=numbered(telling.events()),
        notes=tuple(dict.fromkeys(telling.notes)),
    )


class _Telling:
    def __init__(self, row: Mapping[str, Any]) -> None:
        self.notes: list[str] = []
        self._messages = [self._message(message) for message in row["messages"]]
        self._replies = [n for n, m in enumerate(self._messages) if m["role"] == "assistant"]
        if not self._replies:
            raise StoreError("no reply in the conversation", remedy="it needs a message of the assistant's")
        self._tools = self._tools_of(row)
        self._known = self._provenance(row)
        self.session_id = self._known.session or f"imported-{self._digest()}"
        self._when = began(self.session_id)
        behind = len(self._messages) - 1 - self._replies[-1]
        if behind:
            self.notes.append(f"{behind} messages after the last reply are left out")
        if self._messages[self._replies[-1]].get("tool_calls"):
            self.notes.append("the last reply calls tools, of which a reply here holds its words alone")

    def _message(self, found: Any) -> Message:
        found = _decoded(found) if isinstance(found, str) else found
        if not isinstance(found, dict) or not isinstance(found.get("role"), str):
            raise StoreError("a message without a role in the conversation")
        message = {name: value for name, value in found.items() if value not in (None, [], "")}
        message["content"], whole = words(found.get("content"))
        if not whole:
            self.notes.append("of a message's parts only the text is kept")
        return message

    def _tools_of(self, row: Mapping[str, Any]) -> list[Any]:
        tools = row.get("tools") or []
        try:
            tools = json.loads(tools) if isinstance(tools, str) else tools
        except ValueError as error:
            raise StoreError("the tools of the conversation are no JSON", found=str(error)) from error
        return tools if isinstance(tools, list) else []

    def _provenance(self, row: Mapping[str, Any]) -> _Provenance:
        try:
            return msgspec.convert(row.get("provenance") or {}, _Provenance)
        except msgspec.ValidationError:
            return _Provenance()

    def _digest(self) -> str:
        told = msgspec.json.encode([self._messages, self._tools], order="deterministic")
        return hashlib.sha256(told).hexdigest()[:12]

    # ------------------------------------------------------------ the session

    def events(self) -> Iterator[ev.Event]:
        yield self._opening()
        prompts = Prompts()
        for step, place in enumerate(self._replies, 1):
            yield from self._turn(step, self._messages[:place], self._messages[place]["content"], prompts)
        if self._known.decision or not self._known.session:
            yield self._closing()
        yield from self._labels()

    def _opening(self) -> ev.SessionStarted:
        known = self._known
        config: dict[str, Any] = {"imported": "sft"}
        if self._tools:
            config["tools"] = self._tools
        family = known.family if known.family not in ("", known.session) else None
        return ev.SessionStarted(
            step=0,
            timestamp=self._when,
            session_id=self.session_id,
            kind="research",
            query=question(self._messages),
            document=msgspec.structs.replace(NOT_KEPT, sha256=known.document) if known.document else NOT_KEPT,
            supervisor=self._model(-1),
            worker="",
            limits=ev.Limits(turns=None, worker_calls=None),
            isolation="unknown",
            program=known.tool or "a conversation",
            python="",
            config=config,
            parent=ev.Parent(session_id=family, steps=0) if family is not None else None,
        )

    def _model(self, turn: int) -> str:
        models = self._known.models
        return models[min(turn + 1, len(models) - 1)] if models else ""

    def _turn(self, step: int, prompt: list[Message], reply: str, prompts: Prompts) -> Iterator[ev.Event]:
        when, call_id = self._when, f"s{step}"
        model = self._model(step - 1)
        params = json.loads(self._known.params)
        yield from prompts.call(
            prompt, step=step, timestamp=when, call_id=call_id, model=model, params=params
        )
        yield ev.SupervisorReplied(
            step=step, timestamp=when, call_id=call_id, text=reply, model=model, usage=Usage(), elapsed=0.0
        )
        blocks = extract_blocks(reply).blocks
        for index, block in enumerate(blocks):
            yield ev.CellProposed(
                step=step,
                timestamp=when,
                cell_id=f"c{step}.{index}",
                call_id=call_id,
                index=index,
                code=block.code,
            )
        yield ev.DecisionMade(
            step=step,
            timestamp=when,
            proposal_id=call_id,
            action="approve",
            by=self._decider(),
            took=0.0,
            before=tuple(block.code for block in blocks),
        )

    def _decider(self) -> str:
        names = self._known.decided_by
        # Of several it cannot be told who let which turn pass; what a policy did is no person's doing.
        return names if names and not ("policy:" in names and ", " in names) else IMPORT

    def _closing(self) -> ev.SessionFinished:
        known = self._known.decision
        status: ev.SessionStatus = next((s for s in get_args(ev.SessionStatus) if s == known), "finished")
        steps = len(self._replies)
        return ev.SessionFinished(
            step=steps,
            timestamp=self._when,
            status=status,
            answer=_answer(self._messages[self._replies[-1]]["content"]),
            partial=status != "finished",
            reason="imported",
            iterations=steps,
            supervisor_usage=Usage(),
            worker_usage=Usage(),
            cost=None,
            elapsed=0.0,
        )

    def _labels(self) -> Iterator[ev.Event]:
        if self._known.labels:
            yield ev.Annotated(
                step=0,
                timestamp=self._when,
                annotation_id="i1",
                target=ev.Target(kind="session"),
                by=self._known.annotators[0] if len(self._known.annotators) == 1 else IMPORT,
                labels=self._known.labels,
            )


def _decoded(text: str) -> Any:
    """A message that is text: so Parquet holds those with tool calls."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def _answer(reply: str) -> ev.Final | None:
    """The answer, where the last reply gives it as a literal."""
    for block in reversed(extract_blocks(reply).blocks):
        try:
            called = [node for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.Call)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for call in called:
            if isinstance(call.func, ast.Name) and call.func.id == "FINAL" and len(call.args) == 1:
                given = call.args[0]
                if isinstance(given, ast.Constant) and isinstance(given.value, str | int | float | bool):
                    return ev.Final(value=given.value, text=str(given.value))
    return None
