"""A person steps in on worker calls: what the code gets, what is on record, and what it costs."""

import asyncio

import pytest

from distill_core import events as ev
from distill_core.budget import Ledger
from distill_core.errors import DistillError, ModelError
from distill_core.models.base import LMResponse, ModelHandler, Usage
from distill_core.record import record_of
from distill_core.recorder import Recorder
from distill_core.state import fold
from distill_core.workers import Place, WorkerGateway
from tests.fakes.sinks import Kept


class Held(ModelHandler):
    """A worker whose replies a test lets out one by one: "PROMPT#n" for the nth time a prompt is asked."""

    model = "held"
    native_async = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()
        self._open: dict[str, asyncio.Event] = {}

    def chat(self, messages, **kwargs):
        raise AssertionError

    def chat_batch(self, message_batches, **kwargs):
        raise AssertionError

    def let(self, *replies: str) -> None:
        for reply in replies:
            self._event(reply).set()

    def _event(self, reply: str) -> asyncio.Event:
        return self._open.setdefault(reply, asyncio.Event())

    async def achat(self, messages, *, on_delta=None, **kwargs):
        prompt = messages[-1]["content"]
        self.asked.append(prompt)
        reply = f"{prompt}#{self.asked.count(prompt)}"
        await self._event(reply).wait()
        if reply in self.failing:
            raise ModelError(f"{reply} failed")
        return LMResponse(text=reply, usage=Usage(prompt_tokens=10, completion_tokens=5, calls=1))


class Desk:
    """A gateway over a held worker, with what it put on record."""

    def __init__(self, **options) -> None:
        self.worker = options.pop("worker", None) or Held()
        self.kept = Kept()
        recorder = Recorder((self.kept,))

        async def no(_):
            return False

        limits = options.pop("limits", ev.Limits())
        self.gateway = WorkerGateway(self.worker, recorder, Ledger(limits), over_budget=no, **options)
        self.gateway.place = Place(1, "c1")
        for event in (
            ev.SupervisorCalled(step=1, call_id="s1", model="m", extends=None, message_ids=(), params={}),
            ev.CellProposed(step=1, cell_id="c1", call_id="s1", index=0, code=""),
            ev.CellStarted(step=1, cell_id="c1", code=""),
        ):
            recorder.emit(event)

    async def asked(self, number: int) -> None:
        """Wait until so many calls are on their way."""
        while len(self.worker.asked) < number:
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def done(self, number: int) -> None:
        """Wait until so many calls have come back."""
        while len(self.kept.of(ev.WorkerCallReturned)) + len(self.kept.of(ev.WorkerCallFailed)) < number:
            await asyncio.sleep(0)

    def given(self) -> list[tuple[str | None, str | None]]:
        """What the code got, as the fold and the record tell it; they must agree."""
        (cell,) = record_of(self.kept.events).cells
        told = [(call.given.text, call.given.error) for call in cell.calls if call.call_id]
        state = fold(self.kept.events)
        assert told == [state.given(call.call_id) for call in cell.calls if call.call_id]
        return told


def texts(results) -> list[str]:
    return [r if isinstance(r, str) else f"! {r}" for r in results]


pytestmark = pytest.mark.timeout(30)


async def test_a_reply_that_came_is_overridden_while_its_batch_waits_for_others():
    desk = Desk()
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b"]))
    await desk.asked(2)
    desk.worker.let("a#1")
    await desk.done(1)
    desk.gateway.override("w1", "better", "ada")
    desk.worker.let("b#1")
    assert await batch == ["better", "b#1"]
    made = desk.kept.of(ev.WorkerCallOverridden)[0]
    assert (made.call_id, made.response, made.by, made.reached_cell) == ("w1", "better", "ada", True)
    assert desk.kept.of(ev.WorkerCallReturned)[0].response == "a#1"
    assert desk.given() == [("better", None), ("b#1", None)]


async def test_an_override_on_its_way_reaches_the_code_at_once():
    desk = Desk()
    call = asyncio.ensure_future(desk.gateway.call("a"))
    await desk.asked(1)
    desk.gateway.override("w1", "mine", "ada")
    assert await call == "mine"
    assert "a person put a reply in its place" in desk.kept.of(ev.WorkerCallFailed)[0].error
    assert desk.given() == [("mine", None)]


async def test_an_override_after_the_hand_over_corrects_the_record_only():
    desk = Desk()
    desk.worker.let("a#1")
    assert await desk.gateway.call("a") == "a#1"
    desk.gateway.override("w1", "better", "ada")
    assert not desk.kept.of(ev.WorkerCallOverridden)[0].reached_cell
    state = fold(desk.kept.events)
    assert (state.calls["w1"].override, desk.given()) == ("better", [("a#1", None)])


async def test_a_hanging_call_is_sent_again_and_the_code_gets_the_second_reply():
    desk = Desk()
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b"]))
    await desk.asked(2)
    desk.gateway.retry("w1", "ada")
    await desk.asked(3)
    desk.worker.let("a#2", "b#1")
    assert await batch == ["a#2", "b#1"]
    again = desk.kept.of(ev.WorkerCallStarted)[2]
    assert (again.call_id, again.retry_of, again.by, again.reaches_cell) == ("w3", "w1", "ada", True)
    assert [e.error for e in desk.kept.of(ev.WorkerCallFailed)] == ["sent again by ada"]
    assert desk.given() == [("a#2", None), ("b#1", None)]


async def test_the_batch_waits_for_a_retry_of_a_call_that_had_come():
    desk = Desk()
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b"]))
    await desk.asked(2)
    desk.worker.let("a#1")
    await desk.done(1)
    desk.gateway.retry("w1", "ada")
    desk.worker.let("b#1")
    await desk.done(2)
    await desk.asked(3)
    assert not batch.done()
    desk.worker.let("a#2")
    assert await batch == ["a#2", "b#1"]
    assert desk.given() == [("a#2", None), ("b#1", None)]


async def test_a_retry_that_fails_takes_no_reply_away():
    desk = Desk()
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b"]))
    await desk.asked(2)
    desk.worker.let("a#1")
    await desk.done(1)
    desk.worker.failing.add("a#2")
    desk.worker.let("a#2")
    desk.gateway.retry("w1", "ada")
    await desk.done(2)
    desk.worker.let("b#1")
    assert await batch == ["a#1", "b#1"]
    assert desk.given() == [("a#1", None), ("b#1", None)]


async def test_a_retry_after_the_hand_over_is_there_for_the_record():
    desk = Desk()
    desk.worker.let("a#1", "a#2")
    await desk.gateway.call("a")
    desk.gateway.retry("w1", "ada")
    await desk.done(2)
    state = fold(desk.kept.events)
    assert (state.calls["w1"].retries, state.calls["w2"].response) == (("w2",), "a#2")
    assert desk.given() == [("a#1", None)]
    assert desk.gateway.usage.calls == 2


async def test_a_retry_of_a_retry_belongs_to_the_first_call():
    desk = Desk()
    desk.worker.let("a#1", "a#2", "a#3")
    await desk.gateway.call("a")
    desk.gateway.retry("w1", "ada")
    await desk.done(2)
    desk.gateway.retry("w2", "ada")
    await desk.done(3)
    assert fold(desk.kept.events).calls["w1"].retries == ("w2", "w3")


async def test_what_was_sent_again_for_the_record_ends_with_the_session():
    desk = Desk()
    desk.worker.let("a#1")
    await desk.gateway.call("a")
    desk.gateway.retry("w1", "ada")
    await desk.asked(2)
    await desk.gateway.close()
    assert [e.error for e in desk.kept.of(ev.WorkerCallFailed)] == ["the call was cancelled"]


async def test_cancelling_the_rest_of_a_batch_keeps_what_came_and_sends_nothing_more():
    desk = Desk(concurrency=2)
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b", "c", "d", "e"]))
    await desk.asked(2)
    desk.worker.let("a#1")
    await desk.asked(3)
    desk.gateway.cancel("w1", "ada")
    assert texts(await batch) == ["a#1", *["! cancelled by ada"] * 4]
    assert desk.worker.asked == ["a", "b", "c"]
    made = desk.kept.of(ev.WorkerCallsCancelled)[0]
    assert (made.batch_id, made.call_ids, made.unsent, made.by) == ("b1", ("w2", "w3"), 2, "ada")
    assert [e.prompt for e in desk.kept.of(ev.WorkerCallRefused)] == ["d", "e"]
    assert desk.given() == [("a#1", None), *[(None, "cancelled by ada")] * 2]


async def test_a_call_made_alone_is_cancelled_alone():
    desk = Desk()
    call = asyncio.ensure_future(desk.gateway.call("a"))
    other = asyncio.ensure_future(desk.gateway.call("b"))
    await desk.asked(2)
    desk.gateway.cancel("w1", "ada")
    with pytest.raises(DistillError, match="cancelled by ada"):
        await call
    desk.worker.let("b#1")
    assert await other == "b#1"


async def test_cancelling_what_was_handed_over_does_nothing():
    desk = Desk()
    desk.worker.let("a#1")
    await desk.gateway.call("a")
    desk.gateway.cancel("w1", "ada")
    assert desk.kept.of(ev.WorkerCallsCancelled) == []


async def test_a_call_that_is_not_known_is_told_plainly():
    desk = Desk()
    for act in (desk.gateway.retry, desk.gateway.cancel):
        with pytest.raises(DistillError, match="there is no worker call w9"):
            act("w9", "ada")


async def test_an_interrupted_cell_ends_retries_too():
    desk = Desk()
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b"]))
    await desk.asked(2)
    desk.gateway.retry("w1", "ada")
    await desk.asked(3)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    assert len(desk.kept.of(ev.WorkerCallFailed)) == 3
    assert len({e.call_id for e in desk.kept.of(ev.WorkerCallFailed)}) == 3


async def test_a_retry_counts_against_the_budget():
    desk = Desk(limits=ev.Limits(worker_calls=1))
    desk.worker.let("a#1", "a#2")
    await desk.gateway.call("a")
    desk.gateway.retry("w1", "ada")
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.worker.asked == ["a"]


class Whole(Held):
    """A worker that takes a batch as one."""

    native_async = False

    async def achat_batch(self, message_batches, **kwargs):
        return [await self.achat(messages) for messages in message_batches]


async def test_a_batch_that_goes_out_as_one_can_be_overridden_retried_and_cancelled():
    desk = Desk(worker=Whole())
    batch = asyncio.ensure_future(desk.gateway.batch(["a", "b", "c"]))
    await desk.asked(1)
    desk.gateway.override("w1", "mine", "ada")
    desk.worker.let("b#1")
    desk.gateway.retry("w2", "ada")
    await desk.asked(2)
    await desk.done(1)
    desk.gateway.cancel("w3", "ada")
    assert texts(await batch) == ["mine", "b#1", "! cancelled by ada"]
    assert desk.given() == [("mine", None), ("b#1", None), (None, "cancelled by ada")]
