"""What the live screen knows of a reply that is still being written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from distill_core import events as ev
from distill_core.models.base import Usage
from distill_core.signals import Phase, ReplyDelta
from tests.fakes.scripted import START
from tui.headless.progress import told
from tui.lines import plain
from tui.live import words
from tui.live.model import LiveModel
from tui.live.panes import Panes
from tui.live.status import second
from tui.live.supervisor import reply_lines

CALLED = ev.SupervisorCalled(
    step=1, seq=1, call_id="s1", model="m", extends=None, message_ids=(), params={}, candidate=0
)

BEGUN = ev.SessionStarted(
    step=0,
    session_id="20260301-093000-abc123",
    kind="research",
    query="who?",
    document=ev.DocumentRef(sha256="0" * 64, kind="str", chars=10),
    supervisor="s",
    worker="w",
    limits=ev.Limits(),
    isolation="good",
    program="p",
    python="3",
)


def piece(kind: Literal["text", "reasoning", "again"], text: str = "") -> ReplyDelta:
    return ReplyDelta(call_id="s1", step=1, kind=kind, text=text)


def test_a_reply_that_begins_anew_leaves_nothing_of_what_broke_off() -> None:
    model = LiveModel()
    model.take(CALLED)
    for delta in (piece("reasoning", "hm"), piece("text", "I lo"), piece("again"), piece("text", "I look")):
        model.take(delta)
    assert (model.drafts["s1"].reasoning, model.drafts["s1"].text) == ("", "I look")


def row(model: LiveModel, silence: float | None = None, *, away: bool = False) -> str:
    """What stands under the heading of the reply."""
    lines = reply_lines(model.state, 1, "s1", model.drafts.get("s1"), silence, away=away)
    return "".join(text for text, _ in lines[1])


def test_until_the_first_piece_the_prompt_is_being_read() -> None:
    model, prompt = LiveModel(), {"role": "user", "content": "x" * 5000}
    model.take(ev.MessageAdded(step=1, message_id="m1", message=prompt))
    model.take(msgspec.structs.replace(CALLED, timestamp=START, message_ids=("m1",)))
    silence = model.silence("s1", START + timedelta(seconds=75.4))
    assert (model.silent, silence) == (["s1"], 75.4)
    assert row(model, silence) == "✎ reading the prompt, 5,000 characters · 1m15s"
    assert row(model, silence, away=True) == "↻ no answer yet · 1m15s"
    model.take(piece("text", "I look"))
    assert (model.silent, model.silence("s1", START)) == ([], None)
    assert row(model) == "I look"


def test_a_call_that_a_stop_cut_short_has_not_failed() -> None:
    model = LiveModel()
    model.take(CALLED)
    cut = ev.SupervisorFailed(
        step=1, call_id="s1", model="m", usage=Usage(), elapsed=1.0, error="stopped by ada", cut=True
    )
    model.take(cut)
    assert row(model) == "■ stopped by ada, before it had replied"
    assert words.step_mark(model.state, model.state.steps[0], False).text == "■ stopped"
    assert told(cut, model.state) == "step 1: stopped by ada, before the supervisor had replied"


def test_a_session_without_a_wall_says_so_first_also_where_it_only_went_on_without_one() -> None:
    model = LiveModel()
    model.take(msgspec.structs.replace(BEGUN, isolation="good"))
    assert plain(second(model)).startswith("s → w · isolation good")
    resumed = ev.SessionResumed(
        step=0, timestamp=START, program="p", python="3", supervisor="s", worker="w", isolation="none"
    )
    model.take(resumed)
    assert plain(second(model)).startswith("✗ no sandbox: code runs with all your rights · ")
    assert "isolation none" in plain(second(model))
    assert (
        told(resumed, model.state) == "goes on, isolation none (✗ no sandbox: code runs with all your rights)"
    )
    assert "no sandbox" in told(msgspec.structs.replace(BEGUN, isolation="none"), model.state)


def test_the_time_of_a_session_that_goes_on_leaves_out_what_lay_between() -> None:
    model = LiveModel()

    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    model.take(Phase(step=1, text="resuming"))
    model.take(msgspec.structs.replace(CALLED, timestamp=at(0)))
    model.take(msgspec.structs.replace(CALLED, timestamp=at(60)))
    model.take(Phase(step=1, text="rebuilding 1/2"))
    assert model.elapsed(at(5000)) == 60, "it does not run yet"
    resumed = ev.SessionResumed(
        step=1, timestamp=at(5000), program="p", python="3", supervisor="a", worker="b", isolation="none"
    )
    model.take(resumed)
    assert model.elapsed(at(5007)) == 67


def test_a_cell_of_a_call_that_no_log_tells_of_is_drawn_without_it() -> None:
    model = LiveModel()
    panes = Panes(model)
    model.take(BEGUN)
    model.take(ev.CellProposed(step=1, cell_id="c1", call_id="s1", index=0, code="1"))
    model.take(ev.CellStarted(step=1, cell_id="c1", code="1"))
    panes.take(model.changes())
    assert "c1" in "".join(plain(panes.output.row(y)) for y in range(panes.output.height(80)))
