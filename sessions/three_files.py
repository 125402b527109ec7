"""Logs of the three-file form read as events: `supervisor.jsonl`, `worker.jsonl` and `repl.jsonl` without numbering.

A line of `supervisor.jsonl` is a whole call (`messages`, `response`), one of `worker.jsonl` a whole call (`prompt`,
`response`), one of `repl.jsonl` a block that ran (`code`, `stdout`, `stderr`); each has `step` and `timestamp`, calls
have `model`, `usage` and `elapsed`. Neither the document nor the answer is in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.errors import LogError
from distill_core.models.base import Usage
from distill_core.recorder import encode_line
from distill_core.text import encodable_value
from sessions.exported.story import NOT_KEPT, question

FILES = ("supervisor", "worker", "repl")


class _Tokens(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def usage(self) -> Usage:
        return Usage(
            self.input_tokens or self.prompt_tokens, self.output_tokens or self.completion_tokens, calls=1
        )


class _Line(msgspec.Struct, frozen=True):
    step: int
    timestamp: datetime


class _Reply(_Line, frozen=True):
    messages: list[dict[str, Any]]
    response: str | None = None
    model: str | None = None
    usage: _Tokens | None = None
    elapsed: float | None = None


class _Call(_Line, frozen=True):
    prompt: str
    response: str | None = None
    model: str | None = None
    usage: _Tokens | None = None
    elapsed: float | None = None


class _Block(_Line, frozen=True):
    code: str
    stdout: str | None = None
    stderr: str | None = None
    elapsed: float | None = None


def _usage(line: _Reply | _Call) -> Usage:
    return Usage(calls=1) if line.usage is None else line.usage.usage()


_KINDS: dict[str, type[_Line]] = {"supervisor": _Reply, "worker": _Call, "repl": _Block}


def is_three_files(folder: Path) -> bool:
    """Whether `folder` holds such a log: the first line of a stream has a step and no number."""
    for name in FILES:
        path = folder / f"{name}.jsonl"
        if not path.is_file():
            continue
        try:
            with path.open("rb") as lines:
                first = _decoded(lines.readline())
        except (OSError, ValueError, RecursionError):
            continue
        return isinstance(first, dict) and "step" in first and "seq" not in first and "type" not in first
    return False


def identity(folder: Path) -> str:
    """A name for the session that depends on nothing but what its log holds."""
    digest = hashlib.sha256()
    for name in FILES:
        path = folder / f"{name}.jsonl"
        digest.update(path.read_bytes() if path.exists() else b"")
        digest.update(b"\0")
    return f"imported-{digest.hexdigest()[:12]}"


def read(folder: Path) -> list[ev.Event]:
    """The log's events, numbered; a torn last line is left out.

    Raises:
        LogError: a line is not of this form.
    """
    lines = sorted(
        (line for name in FILES for line in _lines(folder / f"{name}.jsonl", _KINDS[name])),
        key=lambda line: line.timestamp,
    )
    if not lines:
        raise LogError(f"nothing was logged in {folder}")
    story = _Story(identity(folder), _numbered(lines))
    numbered = (msgspec.structs.replace(event, seq=seq) for seq, event in enumerate(story.events(), 1))
    try:
        return [ev.decode(encode_line(event)) for event in numbered]
    except msgspec.DecodeError as error:
        raise LogError(f"cannot take over what was logged in {folder}", found=str(error)) from error


def _numbered(lines: list[_Line]) -> list[_Line]:
    """With steps from 1 without gaps, as a session has them: some tools count from 0."""
    numbers = {step: number for number, step in enumerate(sorted({line.step for line in lines}), 1)}
    return [msgspec.structs.replace(line, step=numbers[line.step]) for line in lines]


def _lines(path: Path, kind: type[_Line]) -> Iterator[_Line]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found = msgspec.convert(_decoded(line), kind, strict=False)
                when = found.timestamp
                when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
            except (ValueError, OverflowError, RecursionError) as error:
                if line.endswith(b"\n"):
                    raise LogError(f"cannot read {path} line {number}", found=str(error)) from error
                return
            yield msgspec.structs.replace(found, timestamp=when)


def _decoded(line: bytes) -> Any:
    """A line's JSON; bytes and halves of characters that are no text are spelled out, what is no number is nothing."""
    text = line.decode("utf-8-sig", "surrogateescape")
    return encodable_value(json.loads(text, parse_constant=lambda _: None))


class _Story:
    """Lines in the order of their time, told as a session."""

    def __init__(self, session_id: str, lines: list[_Line]) -> None:
        self._session_id = session_id
        self._lines = lines
        self._replies = [line for line in lines if isinstance(line, _Reply)]
        self._calls = [line for line in lines if isinstance(line, _Call)]
        self._stored: set[str] = set()
        self._said: dict[str, tuple[str, ...]] = {}
        self._last = ""
        self._cells = 0
        self._asked = 0

    def events(self) -> Iterator[ev.Event]:
        yield self._opening()
        waiting: list[_Call] = []
        for line in self._lines:
            match line:
                case _Reply():
                    yield from self._reply(line)
                case _Call():
                    waiting.append(line)
                case _Block():
                    yield from self._block(line, waiting)
                    waiting = []
        yield from (event for call in waiting for event in self._call(call, ""))
        yield self._closing()

    def _opening(self) -> ev.SessionStarted:
        supervisor = next((line.model for line in self._replies if line.model), "")
        worker = next((line.model for line in self._calls if line.model), "")
        return ev.SessionStarted(
            step=0,
            timestamp=self._lines[0].timestamp,
            session_id=self._session_id,
            kind="research",
            query=question(self._replies[0].messages) if self._replies else "",
            document=NOT_KEPT,
            supervisor=supervisor,
            worker=worker,
            limits=ev.Limits(turns=None, worker_calls=None),
            isolation="unknown",
            program="a three-file log",
            python="",
            config={"imported": "three-file log"},
        )

    def _reply(self, line: _Reply) -> Iterator[ev.Event]:
        step, when = line.step, line.timestamp
        names = tuple(message_id(message) for message in line.messages)
        for name, message in zip(names, line.messages, strict=True):
            if name not in self._stored:
                self._stored.add(name)
                yield ev.MessageAdded(step=step, timestamp=when, message_id=name, message=message)
        call_id = f"s{len(self._said) + 1}"
        before = self._said.get(self._last, ())
        extends = self._last if before and names[: len(before)] == before else None
        yield ev.SupervisorCalled(
            step=step,
            timestamp=when,
            call_id=call_id,
            model=line.model or "",
            extends=extends,
            message_ids=names[len(before) :] if extends else names,
            params={},
        )
        self._said[call_id], self._last = names, call_id
        yield ev.SupervisorReplied(
            step=step,
            timestamp=when,
            call_id=call_id,
            text=line.response or "",
            model=line.model or "",
            usage=_usage(line),
            elapsed=line.elapsed or 0.0,
        )

    def _block(self, line: _Block, calls: list[_Call]) -> Iterator[ev.Event]:
        step, when = line.step, line.timestamp
        self._cells += 1
        cell_id = f"c{self._cells}"
        yield ev.CellProposed(
            step=step, timestamp=when, cell_id=cell_id, call_id=self._last, index=0, code=line.code
        )
        yield ev.CellStarted(step=step, timestamp=when, cell_id=cell_id, code=line.code)
        for call in calls:
            yield from self._call(call, cell_id)
        for stream, text in (("stdout", line.stdout), ("stderr", line.stderr)):
            if text:
                yield ev.CellOutput(step=step, timestamp=when, cell_id=cell_id, stream=stream, text=text)  # type: ignore[arg-type]
        yield ev.CellFinished(
            step=step,
            timestamp=when,
            cell_id=cell_id,
            status="error" if "Traceback (most recent call last)" in (line.stderr or "") else "ok",
            elapsed=line.elapsed or 0.0,
            active=line.elapsed or 0.0,
            worker_calls=len(calls),
        )

    def _call(self, line: _Call, cell_id: str) -> Iterator[ev.Event]:
        self._asked += 1
        call_id, step, when = f"w{self._asked}", line.step, line.timestamp
        yield ev.WorkerCallStarted(
            step=step,
            timestamp=when,
            call_id=call_id,
            cell_id=cell_id,
            prompt=line.prompt,
            model=line.model or "",
            params={},
        )
        yield ev.WorkerCallReturned(
            step=step,
            timestamp=when,
            call_id=call_id,
            response=line.response or "",
            model=line.model or "",
            usage=_usage(line),
            elapsed=line.elapsed or 0.0,
        )

    def _closing(self) -> ev.SessionFinished:
        blocks = [line for line in self._lines if isinstance(line, _Block)]
        answered = bool(blocks) and "FINAL(" in blocks[-1].code
        first, last = self._lines[0].timestamp, self._lines[-1].timestamp
        return ev.SessionFinished(
            step=self._lines[-1].step,
            timestamp=last,
            status="finished" if answered else "exhausted",
            answer=None,
            partial=True,
            reason="its log does not hold the answer",
            iterations=len({line.step for line in self._replies}),
            supervisor_usage=sum(map(_usage, self._replies), Usage()),
            worker_usage=sum(map(_usage, self._calls), Usage()),
            cost=None,
            elapsed=(last - first).total_seconds(),
        )
