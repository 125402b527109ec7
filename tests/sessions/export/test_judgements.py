"""Which judgements stand, and what comes of a comparison of two sessions."""

import shutil

import msgspec
import pytest

from distill_core.approval import Decision
from sessions.export import Plan, Splits, explain, export, sources
from sessions.export.formats import find
from sessions.export.pipeline import sifted
from sessions.export.several import Kept
from sessions.home import Home
from tests.sessions.export.making import annotate, block, make, traced

STEP = {"kind": "step", "id": "1"}


def test_of_one_persons_judgements_the_last_that_gives_a_field_counts(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(1)")])
    annotate(folder, {"step": 1, "target": STEP, "mark": -1, "labels": ("odd",)})
    annotate(folder, {"step": 1, "target": STEP, "mark": 1, "cleared": ("labels",)})
    (turn,) = traced(folder).turns
    assert (turn.mark, turn.labels) == (1, ())
    annotate(folder, {"step": 1, "target": STEP, "cleared": ("mark",)})
    assert traced(folder).turns[0].mark is None
    assert traced(folder).turns[0].judgements == ()


def test_several_persons_marks_come_together_unless_one_settles_it(tmp_path):
    folder = make(tmp_path, "s", [block("FINAL(1)")])
    for who, mark in (("ada", -1), ("bo", -1), ("cy", 1)):
        annotate(folder, {"step": 1, "target": STEP, "mark": mark, "comment": who}, by=who)
    assert traced(folder).turns[0].mark == -1
    annotate(folder, {"step": 1, "target": STEP, "mark": 1, "settles": True}, by="bo")
    (turn,) = traced(folder).turns
    assert turn.mark == 1
    assert [made.comment for made in turn.judgements] == ["ada", "bo", "cy", ""]


@pytest.fixture
def compared(tmp_path):
    """Two sessions of one question, of which the second was preferred."""
    home = tmp_path / "home"
    worse = make(home, "a-worse", [block("print(1)", "Same."), block("FINAL(1)", "Worse.")])
    better = make(home, "b-better", [block("print(1)", "Same."), block("FINAL(2)", "Better.")])
    for folder, other, winner in ((worse, "b-better", "other"), (better, "a-worse", "this")):
        annotate(folder, {"target": {"kind": "session"}, "preference": {"other": other, "winner": winner}})
    return home


def plan(home, name, **options):
    return Plan(format=find(name), sources=tuple(sources(Home(home).folders())), **options)


def rows(home, name, **options):
    return [v.row for _, v in sifted(plan(home, name, **options)) if isinstance(v, Kept)]


@pytest.mark.parametrize("name", ["preference", "openai-preference", "sharegpt-preference"])
def test_the_preferred_session_is_chosen_from_where_they_part(compared, name):
    (row,) = rows(compared, name)
    assert row.key == "b-better/over/a-worse"
    assert row.origin.annotators == ("ada",)
    text = str(row.columns)
    assert text.count("Same.") == 1
    assert text.index("Better.") < text.index("Worse.") if name != "openai-preference" else "Better." in text


@pytest.mark.parametrize("name", ["preference", "openai-preference", "sharegpt-preference"])
def test_what_was_edited_and_then_preferred_is_one_pair(tmp_path, name):
    home, reply = tmp_path / "home", block("FINAL(1)", "Same.")
    make(home, "a-worse", [reply])
    better = make(home, "b-better", [reply], Decision(action="edit", by="ada", codes=("FINAL(2)",)))
    preference = {"other": "a-worse", "winner": "this"}
    annotate(better, {"target": {"kind": "session"}, "preference": preference}, by="bo")
    (row,) = rows(home, name)
    assert row.key == "b-better/1/s1/edited"
    (line,) = [line for line in explain(plan(home, name), "b-better/over") if "over" in line]
    assert line.endswith("(equal to a row before it): b-better/1/s1/edited")


def test_the_prompt_is_what_both_were_sent(compared):
    (row,) = rows(compared, "preference")
    assert row.columns["prompt"][-1]["role"] == "user"
    assert [m["role"] for m in row.columns["chosen"]] == ["assistant"]
    assert list(traced(compared / "sessions" / "b-better").turns[1].prompt) == row.columns["prompt"]


def test_of_two_sessions_in_one_row_equal_placeholders_are_equal_things(tmp_path):
    home = tmp_path / "home"
    make(home, "a-worse", [block("FINAL('carl@x.org, then bob@x.org')", "So.")])
    better = make(home, "b-better", [block("FINAL('bob@x.org')", "So.")])
    annotate(better, {"target": {"kind": "session"}, "preference": {"other": "a-worse", "winner": "this"}})
    (row,) = rows(home, "preference")
    chosen, rejected = (row.columns[side][0]["content"] for side in ("chosen", "rejected"))
    assert "FINAL('<EMAIL_1>')" in chosen
    assert "FINAL('<EMAIL_2>, then <EMAIL_1>')" in rejected


def test_sessions_that_part_early_differ_in_several_messages(tmp_path, compared):
    other = make(compared, "c-best", [block("print(2)", "Other."), block("FINAL(3)", "Best.")])
    annotate(other, {"target": {"kind": "session"}, "preference": {"other": "a-worse", "winner": "this"}})
    row = next(r for r in rows(compared, "preference") if r.key == "c-best/over/a-worse")
    assert [m["role"] for m in row.columns["chosen"]] == ["assistant", "user", "assistant"]
    (line,) = [line for line in explain(plan(compared, "openai-preference"), "c-best/over") if "over" in line]
    assert "several_messages" in line


def test_a_session_alone_or_in_another_split_is_not_compared(compared, tmp_path):
    alone = Plan(format=find("preference"), sources=tuple(sources([compared / "sessions" / "b-better"])))
    lines = explain(alone, "b-better/over")
    assert lines == [
        "b-better/over/a-worse: out by no_pair (there is nothing to compare it with): a-worse: it is not exported too"
    ]
    for seed in range(40):
        splits = Splits(shares={"test": 0.5}, seed=seed)
        if splits.of("a-worse") != splits.of("b-better"):
            assert rows(compared, "preference", splits=splits) == []
            assert "another split" in explain(plan(compared, "preference", splits=splits), "b-better/over")[0]
            return
    raise AssertionError("no seed divides them")


def test_an_incremental_export_sees_that_the_other_session_changed(compared, tmp_path):
    export(plan(compared, "preference"), str(tmp_path / "out"))
    step = {"kind": "step", "id": "2", "field": "reply", "start": 0, "end": 6}
    annotate(compared / "sessions" / "a-worse", {"step": 2, "target": step, "correction": "Worst."})
    export(plan(compared, "preference"), str(tmp_path / "out"))
    export(plan(compared, "preference"), str(tmp_path / "fresh"))
    told = (tmp_path / "out" / "data" / "train" / "00000.jsonl").read_text()
    assert told == (tmp_path / "fresh" / "data" / "train" / "00000.jsonl").read_text()
    assert "Worst." in told
    shutil.rmtree(compared)


SCORES = {"depth": 2.0, "tone": 1.0, "genre": 4.0}


def test_rewards_are_on_the_scales_of_ratings_and_criteria(tmp_path):
    from sessions.export import Options
    from sessions.export.rewards import rewards

    folder = make(tmp_path, "s", [block("FINAL(1)")])
    annotate(folder, {"target": {"kind": "session"}, "rating": 3, "scores": SCORES})
    annotate(folder, {"target": {"kind": "answer"}, "correction": "2"}, by="bo")
    options = Options(best=9, scales={"depth": (0.0, 4.0), "tone": (1.0, 2.0), "genre": None})
    worth = rewards(traced(folder), options)
    assert (worth.rating, worth.score, worth.gold, worth.verdict) == (0.25, 0.25, 0.0, 1.0)
    assert worth.reward == 0.25


def test_a_score_that_stands_for_a_name_has_no_part_in_the_mean(tmp_path):
    from distill_core.config import Settings
    from sessions.export import Options
    from sessions.export.configured import scales
    from sessions.export.rewards import rewards

    rubric = tmp_path / "rubric.toml"
    rubric.write_text(
        'name = "faults"\n[[criteria]]\nid = "depth"\ntitle = "Depth"\n'
        '[[criteria]]\nid = "fault"\ntitle = "Fault"\nmost = 9\nmeasure = "nominal"\n'
    )
    settings = msgspec.convert({"annotation": {"rubric": str(rubric)}}, Settings)
    folder = make(tmp_path, "s", [block("FINAL(1)")])
    annotate(folder, {"target": {"kind": "session"}, "scores": {"depth": 2.0, "fault": 9.0}})
    assert rewards(traced(folder), Options(scales=scales(settings))).score == 0.25
