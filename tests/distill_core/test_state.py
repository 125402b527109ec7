"""The fold: what a session is after its events."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.recorder import Recorder
from distill_core.sequence import Sequence
from distill_core.state import EMPTY, apply, fold
from tests.fakes.clock import Clock
from tests.fakes.sinks import Kept

TARGET = ev.Target(kind="session")


def opening() -> ev.SessionStarted:
    return ev.SessionStarted(
        step=0,
        session_id="x",
        kind="research",
        query="why?",
        document=ev.DocumentRef(sha256="0", kind="str", chars=3),
        supervisor="big",
        worker="small",
        limits=ev.Limits(),
        isolation="none",
        program="distill-tui",
        python="3",
    )


def call(number: int, extends: str | None, *ids: str) -> ev.SupervisorCalled:
    return ev.SupervisorCalled(
        step=number, call_id=f"s{number}", model="big", extends=extends, message_ids=ids, params={}
    )


def recorded(*events: ev.Event) -> list[ev.Event]:
    kept = Kept()
    recorder = Recorder([kept], clock=Clock().utc)
    for event in events:
        recorder.emit(event)
    return kept.events


def test_the_exact_prompt_of_a_call_is_rebuilt_from_what_each_call_added():
    messages = {f"m{i}": {"role": "user", "content": f"words {i}"} for i in range(4)}
    state = fold(
        recorded(
            opening(),
            *(ev.MessageAdded(step=1, message_id=k, message=m) for k, m in messages.items()),
            call(1, None, "m0", "m1"),
            call(2, "s1", "m2", "m3"),
            call(3, "s2", "m1"),
        )
    )
    assert state.prompt("s3") == [messages[m] for m in ("m0", "m1", "m2", "m3", "m1")]


def test_output_keeps_the_order_of_both_streams():
    out = [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]
    state = fold(
        recorded(
            opening(),
            call(1, None),
            ev.CellProposed(step=1, cell_id="c1", call_id="s1", index=0, code="x"),
            ev.CellStarted(step=1, cell_id="c1", code="y"),
            *(ev.CellOutput(step=1, cell_id="c1", stream=s, text=t) for s, t in out),
        )
    )
    cell = state.cells["c1"]
    assert list(cell.output) == out
    assert cell.text() == "abc"
    assert (cell.proposed, cell.code, cell.phase) == ("x", "y", "running")


def test_copied_events_cost_nothing():
    reply = ev.SupervisorReplied(
        step=1, call_id="s1", text="t", model="big", usage=Usage(prompt_tokens=7, calls=1), elapsed=1.0
    )
    fresh = fold(recorded(opening(), call(1, None), reply))
    copied = fold(recorded(opening(), call(1, None), msgspec.structs.replace(reply, copied=True)))
    assert fresh.supervisor_usage.prompt_tokens == 7
    assert copied.supervisor_usage == Usage()


def test_undo_and_redo_are_events_too():
    made = [opening(), ev.Annotated(step=0, annotation_id="a", target=TARGET, by="me", rating=4)]
    assert len(fold(recorded(*made)).annotations()) == 1
    made.append(ev.Retracted(step=0, retracts=2, by="me"))
    assert fold(recorded(*made)).annotations() == []
    made.append(ev.Retracted(step=0, retracts=3, by="me"))
    assert len(fold(recorded(*made)).annotations()) == 1


def test_undoing_and_redoing_may_go_on_for_longer_than_a_stack_is_high():
    moves = [ev.Retracted(step=0, retracts=number, by="me") for number in range(2, 3002)]
    made = [opening(), ev.Annotated(step=0, annotation_id="a", target=TARGET, by="me", rating=4), *moves]
    assert len(fold(recorded(*made)).annotations()) == 1
    assert fold(recorded(*made[:-1])).annotations() == []


def test_what_takes_itself_back_takes_nothing_back():
    made = ev.Annotated(step=0, seq=2, annotation_id="a", target=TARGET, by="me", rating=4)
    twice = [ev.Retracted(step=0, seq=3, retracts=number, by="me") for number in (2, 3)]
    assert fold([*recorded(opening()), made, *twice]).annotations() == []


def test_calls_that_extend_one_another_in_a_circle_have_no_prompt():
    state = fold(recorded(opening(), call(1, "s2"), call(2, "s1")))
    with pytest.raises(KeyError):
        state.prompt("s1")


def test_a_call_before_the_first_step_is_refused():
    with pytest.raises(KeyError, match="step 0"):
        fold(recorded(opening(), call(0, None)))


def test_a_retracted_override_gives_way_to_the_one_before():
    start = ev.WorkerCallStarted(step=1, call_id="w1", cell_id="c1", prompt="p", model="m", params={})
    events = [
        opening(),
        start,
        ev.WorkerCallOverridden(step=1, call_id="w1", response="first", by="me"),
        ev.WorkerCallOverridden(step=1, call_id="w1", response="second", by="me"),
    ]
    assert fold(recorded(*events)).calls["w1"].override == "second"
    events.append(ev.Retracted(step=1, retracts=4, by="me"))
    assert fold(recorded(*events)).calls["w1"].override == "first"
    events.append(ev.Retracted(step=1, retracts=3, by="me"))
    assert fold(recorded(*events)).calls["w1"].override is None


def test_an_old_state_never_changes():
    events = recorded(opening(), call(1, None), call(2, "s1"))
    before = fold(events[:2])
    kept = (len(before.steps), before.seq)
    apply(before, events[2])
    assert (len(before.steps), before.seq) == kept
    assert EMPTY.started is None


def test_every_event_is_folded_and_has_a_stream():
    kinds = set(ev.Event.__args__)
    assert kinds == set(ev.STREAM)


@given(st.lists(st.tuples(st.sampled_from(["add", "undo"]), st.integers(0, 30)), max_size=30))
def test_an_annotation_counts_unless_an_odd_chain_of_undos_stands_on_it(moves):
    events: list[ev.Event] = [opening()]
    undone: dict[int, list[int]] = {}
    for move, at in moves:
        if move == "add" or at % len(events) == 0:
            events.append(ev.Annotated(step=0, annotation_id="a", target=TARGET, by="me"))
        else:
            target = at % len(events) + 1
            events.append(ev.Retracted(step=0, retracts=target, by="me"))
            undone.setdefault(target, []).append(len(events))

    def stands(seq: int) -> bool:
        return all(not stands(u) for u in undone.get(seq, []))

    state = fold(recorded(*events))
    expected = [i for i, e in enumerate(events, 1) if isinstance(e, ev.Annotated) and stands(i)]
    assert [a.seq for a in state.annotations()] == expected


@given(st.lists(st.integers()), st.data())
def test_a_sequence_behaves_like_a_list(items, data):
    sequence: Sequence[int] = Sequence()
    for item in items:
        sequence = sequence.append(item)
    assert list(sequence) == items
    if items:
        index = data.draw(st.integers(-len(items), len(items) - 1))
        changed = sequence.replace(index, 99)
        assert sequence[index] == items[index]
        assert changed[index] == 99
    with pytest.raises(IndexError):
        sequence[len(items)]
