"""A trace says what was sent, what was decided and what there is to learn."""

import json

import msgspec
import pytest

from distill_core.approval import Decision
from distill_core.errors import ExportError
from distill_core.reading import read_session
from distill_core.state import fold
from sessions.example_sessions import example_folders
from sessions.export import calling, chat
from sessions.export.tracing import trace_of
from tests.sessions.export.making import annotate, block, make, traced


@pytest.fixture(scope="module")
def decided(home):
    return traced(home / "sessions" / "s2-decided")


def test_every_reply_has_its_outcome(home, decided):
    assert [turn.outcome for turn in decided.turns] == [
        "edited",
        "rejected",
        "approved",
        "approved",
        "approved",
        "approved",
    ]
    assert [t.outcome for t in traced(home / "sessions" / "s3-candidates").turns] == [
        "superseded",
        "approved",
        "approved",
    ]
    assert [t.outcome for t in traced(home / "sessions" / "s5-codeless").turns] == [
        "nothing_to_run",
        "approved",
    ]
    assert [t.outcome for t in traced(home / "sessions" / "s7-stopped").turns] == ["not_run"]


def test_prompts_are_the_exact_messages_sent(home):
    events = read_session(home / "sessions" / "s2-decided").events
    state = fold(events)
    for turn in trace_of(events).turns:
        assert list(turn.prompt) == state.prompt(turn.call_id)


def test_an_edited_reply_is_what_the_conversation_went_on_with(decided):
    first, second = decided.turns[:2]
    assert "print(contxt)" in first.reply
    assert first.decided == second.prompt[-2]["content"]
    assert "print(context)" in first.decided
    assert first.decided == first.text


def test_answers_that_were_sent_back_are_known(decided):
    assert [turn.sent_back for turn in decided.turns] == [False, False, False, False, True, False]
    assert decided.turns[4].guidance == "Read clause 8 again."
    assert decided.answer == decided.given == "clause 7"


def test_worker_calls_keep_the_workers_words_and_the_correction(decided):
    first, second = decided.calls
    assert (first.response, first.text) == ("It says: one", "One is right.")
    assert first.labels == ("wrong",)
    assert (second.response, second.text) == ("It says: two", "It says: two")


def test_marks_are_of_the_whole_turn_or_of_a_piece(decided):
    assert [turn.mark for turn in decided.turns] == [1, None, 0, -1, None, None]
    (mark,) = decided.turns[5].marks
    assert (decided.turns[5].text[mark.start : mark.end], mark.mark) == ("Surely.", -1)


def test_copied_turns_are_marked(home):
    fork = traced(home / "sessions" / "s6-fork")
    assert [turn.copied for turn in fork.turns] == [True, True, True]
    assert all(call.copied for call in fork.calls)
    assert fork.family == "s2-decided"


def test_what_was_retracted_does_not_count(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(worker('x'))")])
    target = {"kind": "worker_call", "id": "w1"}
    annotate(folder, {"target": target, "correction": "no", "mark": -1})
    taken_back = read_session(folder).events[-1].seq
    assert traced(folder).calls[0].text == "no"
    annotate(folder, {"retracts": taken_back})
    assert traced(folder).calls[0].text == "It says: x"
    annotate(folder, {"retracts": taken_back + 1})
    assert traced(folder).calls[0].text == "no"


def test_the_last_correction_of_the_whole_counts_and_spans_are_replaced_in_place(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(worker('x'))", "First words.")])
    annotate(
        folder,
        {"step": 1, "target": {"kind": "cell", "id": "c1", "field": "code"}, "correction": "FINAL(2)"},
        {
            "step": 1,
            "target": {"kind": "step", "id": "1", "field": "reply", "start": 0, "end": 5},
            "correction": "Two",
        },
        {"target": {"kind": "answer"}, "correction": "two"},
    )
    (turn,) = traced(folder).turns
    assert turn.text == "Two words.\n\n```repl\nFINAL(2)\n```\n"
    assert "FINAL(worker('x'))" in turn.decided
    assert traced(folder).answer == "two"
    assert traced(folder).given == "It says: x"


def test_an_edit_that_changes_nothing_is_an_approval(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(1)")], Decision(action="edit", by="ada", codes=("FINAL(1)",)))
    assert traced(folder).turns[0].outcome == "approved"


def test_a_conversation_is_what_was_sent_with_each_reply_as_decided(home):
    for name in ("s1-plain", "s2-decided", "s3-candidates", "s5-codeless"):
        trace = traced(home / "sessions" / name)
        said = chat.conversation(trace)
        last = trace.conversation()[-1]
        assert [one.message for one in said[:-1]] == list(last.prompt), name
        assert said[-1].message["content"] == last.text


def test_events_without_a_session_are_refused(home):
    events = read_session(home / "sessions" / "s1-plain").events
    with pytest.raises(ExportError, match="damaged"):
        trace_of([event for event in events if event.seq != 4])
    with pytest.raises(ExportError, match="no beginning"):
        trace_of(events[:0])


def test_a_trace_is_plain_data(decided):
    assert json.loads(msgspec.json.encode(decided))["session_id"] == "s2-decided"


def test_a_candidate_without_code_is_passed_over_like_any_other(tmp_path):
    replies = [block("print(1)"), "Only words.", block("FINAL(2)")]
    decisions = [Decision(action="regenerate", by="ada"), Decision(action="approve", by="ada", chosen="s1")]
    trace = traced(make(tmp_path, "s", replies, *decisions))
    assert [turn.outcome for turn in trace.turns] == ["approved", "superseded", "approved"]
    assert [said.message["role"] for said in chat.conversation(trace)] == [
        *("system", "user", "assistant", "user", "assistant")
    ]


@pytest.mark.parametrize("reads", [("calls",), ("turns", "calls")])
def test_calls_traced_from_their_two_events_are_as_the_fold_tells_them(monkeypatch, home, reads):
    folders = [*example_folders(), *sorted((home / "sessions").iterdir())]
    quick = [trace_of(read_session(folder).events, reads=reads) for folder in folders]
    assert any(calling.plain(read_session(folder).events) for folder in folders)
    monkeypatch.setattr(calling, "plain", lambda events: {})
    assert quick == [trace_of(read_session(folder).events, reads=reads) for folder in folders]
