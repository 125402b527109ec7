"""A past session on the screen of a live one: every moment of it looks as it did, from wherever one comes."""

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import AutoApprover
from distill_core.models.base import Usage
from distill_core.state import fold
from tests.fakes.scripted import ScriptedSession
from tests.fakes.sinks import Kept
from tests.tui.stories import STORIES
from tui.live.model import LiveModel
from tui.live.panes import Panes
from tui.live.playback import COPY_EVERY, LONGEST, Playback, told


@pytest.fixture(scope="module")
def events():
    kept = Kept()
    steps = [step for name in ("step", "running", "final") if name in STORIES for step in STORIES[name][0]]
    held = [
        msgspec.structs.replace(s, hold="", cells=tuple(msgspec.structs.replace(c, hold="") for c in s.cells))
        for s in steps
    ]
    session = ScriptedSession(held, AutoApprover(), (kept,))
    asyncio.run(asyncio.wait_for(session.run(), 20))
    assert len(kept.events) > 25
    return kept.events


def seen(panes):
    rows = [panes.timeline, panes.supervisor, panes.output, panes.workers]
    return [[pane.row(y) for y in range(pane.height(100))] for pane in rows]


def shown(model, panes):
    panes.take(model.changes())
    for rows in panes.slow.values():
        rows.height(100)
        rows.catch_up(60)
    return seen(panes)


def fresh(events, at):
    """The panes of a screen that was opened at this moment."""
    model = LiveModel()
    panes = Panes(model)
    for event in events[:at]:
        model.take(event)
    return shown(model, panes)


def test_every_moment_is_the_state_and_the_rows_of_that_moment(events):
    model, playback = LiveModel(), Playback(events)
    panes = Panes(model)
    playback.open(model)
    panes.take(model.changes())
    for at in random.Random(1).sample(range(1, len(events) + 1), len(events)):
        playback.show(model, at)
        assert model.state == fold(events[:at])
        assert shown(model, panes) == fresh(events, at)


def test_back_and_on_meet_the_same_moments(events):
    model, playback = LiveModel(), Playback(events)
    playback.open(model)
    back = [playback.at]
    while playback.at > 1:
        playback.move(model, -1)
        back.append(playback.at)
    on = [playback.at]
    while playback.at < len(events):
        playback.move(model, 1)
        on.append(playback.at)
    assert on == back[::-1]
    assert len(on) < len(events), "what comes in crowds is one moment"


def test_steps_end_where_the_next_begins(events):
    model, playback = LiveModel(), Playback(events)
    playback.open(model)
    for number in range(1, playback.steps + 1):
        assert playback.jump(model, number)
        assert len(model.state.steps) == number
    assert not playback.jump(model, playback.steps + 1)
    playback.jump(model, 1)
    playback.step(model, 1)
    assert len(model.state.steps) == 2
    playback.step(model, -1)
    playback.step(model, -1)
    assert len(model.state.steps) == 0
    assert model.state.started is not None


def test_playing_keeps_time_and_cuts_silences_short(events):
    slow = [
        msgspec.structs.replace(e, timestamp=e.timestamp + timedelta(hours=n)) for n, e in enumerate(events)
    ]
    model, playback = LiveModel(), Playback(slow, begin=1)
    playback.open(model)
    playback.toggle(model)
    playback.tick(model, LONGEST * 0.9)
    assert playback.at == 1
    playback.tick(model, LONGEST * 0.2)
    assert playback.at == 2
    playback.change_speed(1)
    playback.tick(model, LONGEST)
    assert playback.at == 4
    playback.tick(model, LONGEST * len(slow))
    assert (playback.at, playback.playing) == (len(slow), False)
    playback.toggle(model)
    assert (playback.at, playback.playing) == (1, True)


def test_a_long_session_is_gone_back_in_by_copies(events):
    opening, rest = events[0], ev.MessageAdded(step=1, message_id="", message={})
    crowd = [msgspec.structs.replace(rest, seq=n, message_id=f"m{n}") for n in range(2, COPY_EVERY * 3)]
    model, playback = LiveModel(), Playback([opening, *crowd])
    playback.open(model)
    taken = []
    take = model.take
    model.take = lambda event: (taken.append(event), take(event))
    playback.show(model, COPY_EVERY * 2 + 5)
    assert len(taken) <= COPY_EVERY
    assert len(model.state.messages) == COPY_EVERY * 2 + 4


def test_what_was_thought_of_a_session_is_none_of_its_moments(events):
    made = ev.Annotated(step=0, annotation_id="a", target=ev.Target(kind="session"), by="x", rating=4)
    last = events[-1].seq
    judged = [
        *events,
        msgspec.structs.replace(made, seq=last + 1),
        ev.Retracted(step=0, retracts=last + 1, by="x", seq=last + 2),
    ]
    model, playback = LiveModel(), Playback(judged)
    playback.open(model)
    assert playback.happened(model) == Playback(events).happened(model)
    assert f"{playback.steps} of {playback.steps} steps" in "".join(text for text, _ in playback.line(200))
    assert playback.whole == fold(judged)
    playback.move(model, -1)
    assert model.state.finished is None
    assert Playback(judged).whole == fold(judged), "also where the end was never shown"


@pytest.mark.parametrize("place", [5, -1])
def test_a_judgement_that_was_made_meanwhile_is_none_either(events, place):
    made = ev.Annotated(step=0, annotation_id="a", target=ev.Target(kind="session"), by="x", rating=4)
    numbered = [
        msgspec.structs.replace(event, seq=n)
        for n, event in enumerate([*events[:place], made, *events[place:]], 1)
    ]
    model, playback = LiveModel(), Playback(numbered)
    playback.open(model)
    assert playback.whole == fold(numbered)
    assert not model.state.annotated


def test_the_moment_is_told_in_words(events):
    model, playback = LiveModel(), Playback(events)
    playback.open(model)
    number = next(i for i, e in enumerate(events, 1) if isinstance(e, ev.DecisionMade))
    playback.show(model, number)
    ((_, (words, _)),) = playback.happened(model)
    assert words == (told(events[number - 1], model.state) or "decision made")


def test_a_long_session_opens_as_it_would_have_looked_event_by_event(events):
    head = events[0]
    long = [head]
    for number in range(1, 700):
        call, cell = f"s{number}", f"c{number}"
        long += [
            ev.SupervisorCalled(
                step=number, call_id=call, model="m", extends=None, message_ids=(), params={}
            ),
            ev.SupervisorReplied(
                step=number, call_id=call, text="```repl\n1\n```", model="m", usage=Usage(), elapsed=1.0
            ),
            ev.CellProposed(step=number, cell_id=cell, call_id=call, index=0, code="1"),
            ev.CellStarted(step=number, cell_id=cell, code="1"),
            ev.CellOutput(step=number, cell_id=cell, stream="stdout", text=f"{number}\n"),
            ev.CellFinished(step=number, cell_id=cell, status="ok", elapsed=0.1, active=0.1),
        ]
    long = [msgspec.structs.replace(event, seq=n) for n, event in enumerate(long, 1)]
    model, playback = LiveModel(), Playback(long)
    panes = Panes(model)
    playback.open(model)
    panes.take(model.changes())
    for rows in panes.slow.values():
        assert rows.behind
        rows.height(100)
        rows.catch_up(60)
    assert seen(panes) == fresh(long, len(long))
    playback.show(model, 4100)
    panes.take(model.changes())
    for rows in panes.slow.values():
        rows.catch_up(60)
    assert seen(panes) == fresh(long, 4100)
    assert playback.whole == fold(long)
