"""Make the example sessions that come with the program: `python docs/make_example_sessions.py [NAME...]`.

Needs the weights of the embedded models (`distill-tui models pull`); takes minutes. Sessions that are there are left
alone, so deleting a folder under `sessions/examples/sessions` makes that one anew. They are run by the engine as any
session is; `example_stories.py` says what happens in them.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from example_stories import HOME, STORIES, Note, Story, document

from distill_core import events as ev
from distill_core.approval import BudgetProposal, Decision, FinalProposal, Proposal
from distill_core.continuing import Earlier
from distill_core.forking import fork
from distill_core.models.base import LMResponse, Message, ModelHandler
from distill_core.models.local import LocalServer
from distill_core.playbook import PlaybookSupervisor
from distill_core.reading import read_session
from distill_core.record import record_of
from distill_core.respecifying import spec_of
from distill_core.session import Session
from distill_core.specification import SessionSpec
from distill_core.state import fold
from distill_core.trying_again import KIND, DecidedAgain, supervisor_again
from sessions.appending import annotate

SESSIONS, DOCUMENTS = HOME / "sessions", HOME / "documents"
MODELS = {"large": "qwen2.5-coder-1.5b", "small": "smollm2-135m"}
WHO = "ada"


class Written(ModelHandler):
    """A supervisor whose programs were written by hand, one a turn."""

    model = "written by hand"
    cacheable = False

    def __init__(self, replies: Sequence[str]) -> None:
        self._replies = list(replies)

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        return LMResponse(text=self._replies.pop(0), model=self.model, finish_reason="stop")

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        return [self.chat(messages) for messages in message_batches]


class Person:
    """Decides as the story says, then approves."""

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self._decisions = list(decisions)

    async def decide(self, proposal: Proposal) -> Decision:
        if self._decisions:
            return self._decisions.pop(0)
        if isinstance(proposal, BudgetProposal):
            return Decision(action="stop", by=WHO, reason=proposal.found)
        return Decision(action="accept" if isinstance(proposal, FinalProposal) else "approve", by=WHO)


class Overriding:
    """A sink that puts the person's reply in the place of a worker's, as soon as the call goes out."""

    def __init__(self, replies: dict[str, str]) -> None:
        self.session: Session | None = None
        self._replies = dict(replies)

    def write(self, event: ev.Event) -> None:
        if not isinstance(event, ev.WorkerCallStarted) or self.session is None:
            return
        session = self.session
        for piece in [piece for piece in self._replies if piece in event.prompt]:
            call = (event.call_id, self._replies.pop(piece))
            threading.Timer(0.2, session.override_call, call, {"by": "ben"}).start()


def main(names: Sequence[str]) -> None:
    """Make the stories called `names`, or all."""
    servers: dict[str, LocalServer] = {}
    try:
        for story in STORIES:
            if (names and story.name not in names) or (SESSIONS / story.name).exists():
                continue
            print(story.name, flush=True)
            if story.worker not in servers:
                for other in servers.values():
                    other.close()
                servers = {story.worker: LocalServer.start(MODELS[story.worker])}
            asyncio.run(_make(story, servers[story.worker]))
    finally:
        for server in servers.values():
            server.close()


async def _make(story: Story, server: LocalServer) -> None:
    name, text = document(story.document)
    worker = server.handler(temperature=0.0, max_tokens=48)
    place = {"session_id": story.name, "log_dir": SESSIONS / story.name, "documents_dir": DOCUMENTS}
    overriding = Overriding(story.overrides)
    earlier: Earlier | None = None
    approver: Any = Person(story.decisions)
    supervisor: ModelHandler = Written(story.replies)
    if story.forks:
        parent = record_of(read_session(SESSIONS / story.forks).events)
        spec = spec_of(parent, text, **place)
        if story.supervisor == "recorded":
            spec = spec_of(parent, text, kind=KIND, **place)
            nothing = record_of([parent.started])
            earlier = Earlier(record=nothing, parent=ev.Parent(session_id=story.forks, steps=0))
            supervisor, approver = supervisor_again(parent), DecidedAgain(parent)
        else:
            earlier = fork(parent, story.at, codes=story.codes, by=WHO)
    else:
        style: Any = "compact" if story.supervisor == "embedded" else "full"
        spec = SessionSpec(
            query=story.question,
            context=text,
            document_name=name,
            limits=story.limits,
            prompt_style=style,
            **place,
        )
    if story.supervisor == "playbook":
        supervisor = PlaybookSupervisor()
    elif story.supervisor == "embedded":
        supervisor = server.handler(temperature=0.0, max_tokens=800)
    session = Session(
        spec, supervisor=supervisor, worker=worker, approver=approver, sinks=[overriding], earlier=earlier
    )
    overriding.session = session
    result = await session.run()
    print(
        f"  {result.status}: {result.answer!r}, {result.worker_usage.calls} calls, {result.elapsed:.0f} s",
        flush=True,
    )
    for note in story.notes:
        _judge(SESSIONS / story.name, note)
    for by in dict.fromkeys(note.by for note in story.notes):
        annotate(SESSIONS / story.name, ev.Target(kind="session"), by=by, done=True)


def _judge(folder: Path, note: Note) -> None:
    state = fold(read_session(folder).events)
    start = end = None
    if note.field is not None:
        text = state.cells[note.id].text() if note.field == "output" else state.cells[note.id].code
        start = text.index(note.words)
        end = start + len(note.words)
    target = ev.Target(kind=note.kind, id=note.id, field=note.field, start=start, end=end)
    annotate(folder, target, by=note.by, step=note.step, **note.says)


if __name__ == "__main__":
    main(sys.argv[1:])
