"""Sessions of any kind as events, for properties that must hold for all of them: drawn by hypothesis, no engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.conversation import message_id
from distill_core.fences import extract_blocks
from distill_core.models.base import Usage
from distill_core.rewriting import with_codes

texts = st.text(st.characters(codec="utf-8"), max_size=20)
codes = st.sampled_from(["print(1)", "r = worker('x')\nprint(r)", "FINAL('seven')", "1/0", "s = '```'"])
names = st.sampled_from(["ada", "bob", "policy:auto"])
usages = st.builds(Usage, st.integers(0, 999), st.integers(0, 99), st.integers(0, 9), calls=st.just(1))
START = ev.EPOCH + timedelta(days=20_000)


class _Inventing:
    """Draws one session, event by event, as the engine would have told it; `commonly`: no turn of it was unusual."""

    def __init__(self, draw: Any, commonly: bool) -> None:
        self.draw = draw
        self.commonly = commonly
        self.calls = 0
        self.count = 0
        self.targets = [ev.Target(kind="session"), ev.Target(kind="answer")]

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def events(self) -> Iterator[ev.Event]:
        draw = self.draw
        tools = draw(st.sampled_from([(), ({"type": "function", "function": {"name": "repl"}},)]))
        config = {"dialect": draw(st.sampled_from(["distill", "rlm"])), "primitives": ["search"]}
        yield ev.SessionStarted(
            step=0,
            session_id="20260301-093000-abc123",
            kind="research",
            query=draw(texts),
            document=ev.DocumentRef(sha256="ab" * 32, kind="str", chars=9, name=draw(texts)),
            supervisor="big",
            worker="small",
            limits=ev.Limits(),
            isolation="strong",
            program="0.1.0",
            python="3",
            config=config | ({"tools": list(tools)} if tools else {}),
            parent=draw(st.sampled_from([None, ev.Parent(session_id="older", steps=1)])),
        )
        self.dialect = config["dialect"]
        self.waiting = [{"role": "system", "content": draw(texts)}, {"role": "user", "content": draw(texts)}]
        self.extends: str | None = None
        turns = draw(st.integers(1, 4))
        for step in range(1, turns + 1):
            yield from self.turn(step, last=step == turns)
        if draw(st.booleans()):
            yield self.finished(turns)
        for _ in range(draw(st.integers(0, 4))):
            yield self.judged()

    def finished(self, turns: int) -> ev.Event:
        answer = self.draw(st.none() | st.builds(lambda t: ev.Final(value=t, text=t), texts))
        return ev.SessionFinished(
            step=turns,
            status=self.draw(st.sampled_from(["finished", "exhausted", "stopped"])),
            answer=answer,
            partial=self.draw(st.booleans()),
            reason=self.draw(texts),
            iterations=turns,
            supervisor_usage=Usage(),
            worker_usage=Usage(),
            cost=self.draw(st.none() | st.floats(0, 9)),
            elapsed=1.0,
        )

    # ------------------------------------------------------------ turns

    def call(self, step: int, copied: bool, candidate: int) -> Iterator[ev.Event]:
        common = {"step": step, "copied": copied}
        ids = tuple(message_id(m) for m in self.waiting)
        if not candidate:
            for name, message in zip(ids, self.waiting, strict=True):
                yield ev.MessageAdded(**common, message_id=name, message=message)
        self.call_id = self.name("s")
        yield ev.SupervisorCalled(
            **common,
            call_id=self.call_id,
            model="big",
            extends=self.extends,
            message_ids=ids if not candidate else (),
            params=self.draw(st.sampled_from([{}, {"temperature": 0.5, "stop": ["x"]}])),
            candidate=candidate,
        )
        self.extends = self.call_id

    def replied(self, step: int, copied: bool, text: str) -> ev.Event:
        return ev.SupervisorReplied(
            step=step,
            copied=copied,
            call_id=self.call_id,
            text=text,
            model="bigger",
            usage=self.draw(usages),
            elapsed=self.draw(st.floats(0, 9)),
            finish_reason=self.draw(st.sampled_from([None, "stop", "length"])),
            reasoning=self.draw(st.none() | texts),
            cached=self.draw(st.booleans()),
        )

    def turn(self, step: int, *, last: bool) -> Iterator[ev.Event]:
        draw = self.draw
        copied = not self.commonly and draw(st.booleans()) and step == 1
        self.common = {"step": step, "copied": copied}
        candidate = 0
        for _ in range(0 if self.commonly else draw(st.sampled_from([0, 0, 0, 1, 2]))):
            yield from self.call(step, copied, candidate)
            other = draw(st.sampled_from(["text", "failed", "codeless"] if candidate else ["text", "failed"]))
            if other == "failed":
                yield ev.SupervisorFailed(
                    **self.common,
                    call_id=self.call_id,
                    model="big",
                    usage=draw(usages),
                    elapsed=1.0,
                    error="no",
                )
            else:
                yield self.replied(step, copied, draw(texts))
                if other == "codeless":
                    yield ev.ReplyRejected(**self.common, call_id=self.call_id, problem="no code")
            candidate += 1
        yield from self.call(step, copied, candidate)
        code = draw(codes)
        reply = f"{draw(texts)}\n\n```repl\n{code}\n```\n"
        ways = (
            ["approve", "auto"]
            if self.commonly
            else ["approve", "edit", "write", "reject", "auto", "codeless"]
        )
        way = draw(st.sampled_from(ways))
        if way == "codeless" and not candidate:
            reply = draw(texts)
            yield self.replied(step, copied, reply)
            yield ev.ReplyRejected(**self.common, call_id=self.call_id, problem="no code")
            decided = reply
        else:
            yield self.replied(step, copied, reply)
            decided = yield from self.decided(way, code, reply, candidate)
        if not self.commonly:
            self.targets.append(ev.Target(kind="step", id=self.call_id))
            self.targets.append(ev.Target(kind="step", id=self.call_id, field="reply", start=0, end=2))
        self.waiting = [{"role": "assistant", "content": decided}, {"role": "user", "content": draw(texts)}]

    def decided(self, way: str, code: str, reply: str, candidate: int) -> Iterator[ev.Event]:
        draw = self.draw
        found = extract_blocks(reply, dialect=self.dialect).blocks
        ran = [block.code for block in found]
        cells = [self.name("c") for _ in ran]
        for index, (cell, proposed) in enumerate(zip(cells, ran, strict=True)):
            yield ev.CellProposed(
                **self.common, cell_id=cell, call_id=self.call_id, index=index, code=proposed
            )
        if way != "auto" or candidate:
            way = "approve" if way in ("auto", "codeless") else way
            after = tuple(draw(codes) for _ in ran) if way in ("edit", "write") else ()
            yield ev.DecisionMade(
                **self.common,
                proposal_id=self.call_id,
                action=way,
                by=draw(names),
                took=draw(st.floats(0, 9)),
                before=tuple(ran),
                after=after,
                guidance=draw(texts),
                chosen=self.call_id if candidate else None,
            )
            if after and after != tuple(ran):
                reply = with_codes(reply, found, after)
                ran = list(after)
        if way != "reject":
            for cell, code in zip(cells, ran, strict=True):
                yield from self.cell(cell, code)
        return reply

    def cell(self, cell: str, code: str) -> Iterator[ev.Event]:
        draw = self.draw
        yield ev.CellStarted(**self.common, cell_id=cell, code=code)
        made = [call for _ in range(draw(st.integers(0, 2))) for call in [self.name("w")]]
        for index, name in enumerate(made):
            yield from self.worker(cell, name, index)
        for text in draw(st.lists(texts, max_size=2)):
            yield ev.CellOutput(**self.common, cell_id=cell, stream="stdout", text=text)
        status = draw(st.sampled_from(["ok", "error", "final"]))
        yield ev.CellFinished(
            **self.common,
            cell_id=cell,
            status=status,
            elapsed=draw(st.floats(0, 9)),
            active=0.0,
            traceback=draw(texts) if status == "error" else None,
            final=ev.Final(value=7, text="7") if status == "final" else None,
            worker_calls=len(made),
        )
        if not self.commonly:
            self.targets.append(ev.Target(kind="cell", id=cell))
        if status == "final":
            action = (
                "accept" if self.commonly else draw(st.sampled_from(["accept", "send_back", "follow_up"]))
            )
            yield ev.FinalProposed(**self.common, cell_id=cell, answer=ev.Final(value=7, text="7"))
            said = draw(texts) if action != "accept" else ""
            yield ev.DecisionMade(
                **self.common, proposal_id=f"final:{cell}", action=action, by="ada", took=1.0, guidance=said
            )

    def worker(self, cell: str, name: str, index: int, retry_of: str | None = None) -> Iterator[ev.Event]:
        draw = self.draw
        call: dict[str, Any] = {**self.common, "call_id": name}
        yield ev.WorkerCallStarted(
            **call,
            cell_id=cell,
            prompt=draw(texts),
            model="small",
            params=draw(st.sampled_from([{}, {"temperature": 0.0}])),
            batch_id=draw(st.sampled_from([None, "b1"])),
            index=index,
            purpose=draw(st.sampled_from(["answer", "search"])),
            retry_of=retry_of,
        )
        spent = {"model": "small", "usage": draw(usages), "elapsed": draw(st.floats(0, 9))}
        way = draw(st.sampled_from(["returned", "returned", "failed", "open"]))
        if way == "returned":
            yield ev.WorkerCallReturned(
                **call,
                **spent,
                response=draw(texts),
                cached=draw(st.booleans()),
                finish_reason=draw(st.sampled_from([None, "length"])),
                reasoning=draw(st.none() | texts),
            )
            self.targets.append(ev.Target(kind="worker_call", id=name))
            if draw(st.booleans()):
                yield ev.WorkerCallOverridden(**call, response=draw(texts), by="ada")
        elif way == "failed":
            yield ev.WorkerCallFailed(**call, **spent, error="refused")
        if retry_of is None and draw(st.sampled_from([False, False, True])):
            yield from self.worker(cell, self.name("w"), index, retry_of=name)

    def judged(self) -> ev.Event:
        draw = self.draw
        target = draw(st.sampled_from(self.targets))
        mark = draw(st.sampled_from([None, -1, 0, 1]))
        correction = draw(st.none() | texts) if target.kind != "session" else None
        return ev.Annotated(
            step=0,
            annotation_id=self.name("a"),
            target=target,
            by=draw(names),
            mark=mark,
            correction=correction,
            labels=draw(st.sampled_from([(), ("good",), ("good", "odd")])),
            comment=draw(texts),
            rating=draw(st.none() | st.integers(1, 5)),
            settles=draw(st.booleans()),
        )


@st.composite
def sessions(draw: Any, commonly: bool = False) -> tuple[ev.Event, ...]:
    """A session as numbered events; `commonly`: its turns were asked for, approved or let pass, and run."""
    return tuple(
        msgspec.structs.replace(event, seq=seq, timestamp=START + timedelta(seconds=seq))
        for seq, event in enumerate(_Inventing(draw, commonly).events(), 1)
    )
