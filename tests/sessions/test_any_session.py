"""Any sequence of steps, calls, judgements, undos and forks: live, from JSONL and from SQLite it is the same state."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from distill_core.state import EMPTY, apply, fold
from sessions import LiveIndex, Store
from sessions.home import Home
from sessions.rebuilding import rebuild
from tests.sessions.index_rows import everything, state_of
from tests.sessions.stories import opening

# Cells may print halves of surrogate pairs, and models may be asked with them.
texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\ud800\udc00\udfff"), max_size=30)
names = st.sampled_from(["ada", "bob", "policy:auto"])


class Folding:
    """A sink that folds, as a screen does."""

    def __init__(self):
        self.state = EMPTY

    def write(self, event):
        self.state = apply(self.state, event)


class AnySession(RuleBasedStateMachine):
    """One home with a session that grows, and forks of it."""

    cells = Bundle("cells")
    calls = Bundle("calls")
    replies = Bundle("replies")
    judgements = Bundle("judgements")

    @initialize()
    def begin(self):
        self.home = Path(tempfile.mkdtemp())
        self.count = 0
        self.step = 1
        self.events = []
        self.forks = 0
        self.folder = self.home / "sessions" / "s"
        self.log, self.live, self.screen = self._sinks(self.folder)
        self.recorder = Recorder([self.log, self.live, self.screen])
        self.emit(opening("s"))

    def _sinks(self, folder):
        return SessionLog(folder), LiveIndex(self.home / "sessions.db", folder), Folding()

    def emit(self, event):
        made = self.recorder.emit(event)
        self.events.append(made)
        return made

    def new(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    @rule(target=replies, words=texts)
    def ask(self, words):
        message_id, call_id = self.new("m"), self.new("s")
        message = {"role": "user", "content": words}
        self.emit(ev.MessageAdded(step=self.step, message_id=message_id, message=message))
        made = {"step": self.step, "call_id": call_id, "model": "big"}
        self.emit(ev.SupervisorCalled(**made, extends=None, message_ids=(message_id,), params={"seed": 1}))
        return call_id

    @rule(reply=replies, words=texts, usage=st.integers(0, 10**6), think=st.none() | texts)
    def answer(self, reply, words, usage, think):
        made = {"step": self.step, "call_id": reply, "model": "big", "usage": Usage(usage, 1, calls=1)}
        self.emit(ev.SupervisorReplied(**made, text=words, elapsed=0.5, reasoning=think))

    @rule(reply=replies)
    def fail(self, reply):
        self.emit(
            ev.SupervisorFailed(
                step=self.step, call_id=reply, model="big", usage=Usage(), elapsed=0.1, error="refused"
            )
        )

    @rule(reply=replies, action=st.sampled_from(["try_again", "stop"]))
    def decide_on_failure(self, reply, action):
        self.emit(
            ev.DecisionMade(step=self.step, proposal_id=f"failed:{reply}", action=action, by="ann", took=0.2)
        )

    @rule(target=cells, reply=replies, code=texts)
    def propose(self, reply, code):
        cell = self.new("c")
        self.emit(ev.CellProposed(step=self.step, cell_id=cell, call_id=reply, index=0, code=code))
        return cell

    @rule(cell=cells, code=texts)
    def start(self, cell, code):
        self.emit(ev.CellStarted(step=self.step, cell_id=cell, code=code))

    @rule(cell=cells, stream=st.sampled_from(["stdout", "stderr"]), words=texts)
    def write(self, cell, stream, words):
        self.emit(ev.CellOutput(step=self.step, cell_id=cell, stream=stream, text=words))

    @rule(
        cell=cells, status=st.sampled_from(["ok", "error", "final"]), value=st.none() | st.integers() | texts
    )
    def finish(self, cell, status, value):
        final = ev.Final(value=value, text=str(value)) if status == "final" else None
        self.emit(
            ev.CellFinished(step=self.step, cell_id=cell, status=status, elapsed=1.0, active=0.5, final=final)
        )

    @rule(target=calls, cell=cells, prompt=texts)
    def call(self, cell, prompt):
        call_id = self.new("w")
        self.emit(
            ev.WorkerCallStarted(
                step=self.step, call_id=call_id, cell_id=cell, prompt=prompt, model="small", params={}
            )
        )
        return call_id

    @rule(call=calls, words=texts, failed=st.booleans())
    def end_call(self, call, words, failed):
        made = {
            "step": self.step,
            "call_id": call,
            "model": "small",
            "usage": Usage(3, 2, calls=1),
            "elapsed": 0.1,
        }
        if failed:
            self.emit(ev.WorkerCallFailed(**made, error=words))
        else:
            self.emit(ev.WorkerCallReturned(**made, response=words))

    @rule(target=calls, call=calls, reaches=st.booleans(), by=names)
    def send_again(self, call, reaches, by):
        call_id = self.new("w")
        first = self.screen.state.calls[call]
        made = {"call_id": call_id, "cell_id": first.cell_id, "prompt": first.prompt, "model": "small"}
        self.emit(
            ev.WorkerCallStarted(
                step=self.step, **made, params={}, retry_of=call, reaches_cell=reaches, by=by
            )
        )
        return call_id

    @rule(reply=replies, problem=st.sampled_from(["prose", "empty"]))
    def find_no_code(self, reply, problem):
        self.emit(ev.ReplyRejected(step=self.step, call_id=reply, problem=problem))

    @rule(words=texts, by=names)
    def instruct(self, words, by):
        self.emit(ev.InstructionGiven(step=self.step, text=words, by=by))

    @rule(cell=cells, words=texts, by=names)
    def ask_further(self, cell, words, by):
        self.emit(
            ev.DecisionMade(
                step=self.step,
                proposal_id=f"final:{cell}",
                action="follow_up",
                by=by,
                took=1.0,
                guidance=words,
            )
        )

    @rule(target=judgements, call=calls, words=texts, by=names)
    def override(self, call, words, by):
        return self.emit(ev.WorkerCallOverridden(step=self.step, call_id=call, response=words, by=by)).seq

    @rule(
        reply=replies,
        by=names,
        took=st.floats(0, 100),
        words=texts,
        action=st.sampled_from(["approve", "reject"]),
    )
    def decide(self, reply, by, took, words, action):
        self.emit(
            ev.DecisionMade(
                step=self.step, proposal_id=reply, action=action, by=by, took=took, guidance=words
            )
        )

    @rule()
    def go_on(self):
        self.step += 1

    @rule(
        target=judgements,
        by=names,
        rating=st.none() | st.integers(1, 5),
        mark=st.sampled_from([None, -1, 0, 1]),
        labels=st.lists(texts, max_size=2).map(tuple),
        words=texts,
        kind=st.sampled_from(["session", "step", "answer"]),
    )
    def judge(self, by, rating, mark, labels, words, kind):
        target = ev.Target(kind=kind, id="1", field="code", start=0, end=1)
        made = {"rating": rating, "mark": mark, "labels": labels, "comment": words, "scores": {"depth": 0.5}}
        return self.emit(ev.Annotated(step=0, annotation_id=self.new("a"), target=target, by=by, **made)).seq

    @rule(target=judgements, undone=judgements, by=names)
    def undo(self, undone, by):
        return self.emit(ev.Retracted(step=0, retracts=undone, by=by)).seq

    @rule(cell=cells)
    def propose_answer(self, cell):
        self.emit(ev.FinalProposed(step=self.step, cell_id=cell, answer=ev.Final(value=None, text="None")))

    @rule(words=texts)
    def change(self, words):
        self.emit(ev.PolicyChanged(step=self.step, policy="ask", by=words))
        self.emit(ev.BudgetChanged(step=self.step, before=ev.Limits(), after=ev.Limits(turns=3), by=words))

    @rule()
    def reopen(self):
        """The program ends and the session goes on later."""
        self.log.close()
        self.live.close()
        self.log = SessionLog(self.folder, append=True)
        self.live = LiveIndex(self.home / "sessions.db", self.folder, before=self.events)
        self.recorder = Recorder([self.log, self.live, self.screen], last_seq=len(self.events))

    @rule()
    def look(self):
        """Somebody else looks at the home meanwhile."""
        Store(self.home).close()

    @rule()
    def rebuild_meanwhile(self):
        """Somebody else makes the index again, of a log that goes on."""
        rebuild(Home(self.home))

    @rule(target=judgements, by=names, cleared=st.sampled_from(["rating", "labels", "comment"]))
    def clear(self, by, cleared):
        target = ev.Target(kind="session", id="1", field="code", start=0, end=1)
        made = {"annotation_id": self.new("a"), "target": target, "by": by, "cleared": (cleared,)}
        return self.emit(ev.Annotated(step=0, **made)).seq

    @rule(target=judgements, by=names, winner=st.sampled_from(["this", "other", "neither"]))
    def prefer(self, by, winner):
        preference = ev.Preference(other="f1", winner=winner)
        made = {"annotation_id": self.new("a"), "target": ev.Target(kind="session"), "by": by}
        return self.emit(ev.Annotated(step=0, **made, preference=preference, done=True)).seq

    @rule(steps=st.integers(0, 3))
    def fork(self, steps):
        self.forks += 1
        folder = self.home / "sessions" / f"f{self.forks}"
        log, live, screen = self._sinks(folder)
        recorder = Recorder([log, live, screen])
        parent = ev.Parent(session_id="s", steps=steps)
        for event in self.events:
            if isinstance(event, ev.SessionStarted):
                recorder.emit(msgspec.structs.replace(event, session_id=folder.name, parent=parent))
            elif event.step <= steps and not isinstance(event, ev.Annotated | ev.Retracted):
                recorder.emit(msgspec.structs.replace(event, copied=True))
        log.close()
        live.close()
        assert fold(read_session(folder).events) == screen.state
        assert state_of(self.home / "sessions.db", folder.name) == screen.state

    def teardown(self):
        if not hasattr(self, "home"):
            return
        self.log.close()
        self.live.close()
        try:
            assert fold(read_session(self.folder).events) == self.screen.state
            assert state_of(self.home / "sessions.db", "s") == self.screen.state
            live = everything(self.home / "sessions.db")
            rebuild(Home(self.home))
            assert everything(self.home / "sessions.db") == live
        finally:
            shutil.rmtree(self.home)


AnySession.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnySession = AnySession.TestCase


def test_a_decision_that_falls_before_its_step_begins():
    session = AnySession()
    session.begin()
    reply = session.ask(words="")
    session.go_on()
    session.decide_on_failure(action="try_again", reply=reply)
    session.decide(action="approve", by="ada", reply=reply, took=0.0, words="")
    session.fork(2)
    session.live.close()
    with sqlite3.connect(session.home / "sessions.db") as index:
        told = "select proposal_id, step from decisions where copied = 0 order by seq"
        assert index.execute(told).fetchall() == [(f"failed:{reply}", 0), (reply, 2)]
    index.close()
    session.teardown()
