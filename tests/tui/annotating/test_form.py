"""The form: what each key makes of a judgement, and what it refuses."""

from __future__ import annotations

from distill_core.config.rubric import load_rubric
from sessions.judging.judgement import NOTHING, Judgement
from tui.annotating.form import Form, said


def form(judgement: Judgement = NOTHING) -> Form:
    return Form(judgement, ["correct", "wrong"], load_rubric())


def at(made: Form, part: str, name: str = "") -> int:
    return next(i for i, e in enumerate(made.entries) if e.part == part and name in ("", e.name))


def words(made: Form, index: int) -> str:
    return "".join(text for text, _ in made.line(index))


def test_a_digit_rates_and_zero_takes_the_rating_away() -> None:
    made = form()
    assert made.digit(at(made, "rating"), 4)
    assert made.judgement.rating == 4
    assert words(made, at(made, "rating")).split() == ["Rating", "★★★★☆", "4"]
    assert not made.digit(at(made, "rating"), 6)
    assert made.digit(at(made, "rating"), 0)
    assert made.judgement.rating is None


def test_a_mark_goes_round_and_neutral_differs_from_unmarked() -> None:
    made = form()
    place = at(made, "mark")
    seen = []
    for _ in range(4):
        made.turn(place, 1)
        seen.append(made.judgement.mark)
    assert seen == [-1, 0, 1, None]
    assert "(•) not marked" in words(made, place)
    made.digit(place, 0)
    assert "(•) 0 neutral" in words(made, place)


def test_labels_are_kept_in_the_order_of_the_vocabulary() -> None:
    made = form(Judgement(labels=("odd one",)))
    for name in ("wrong", "correct"):
        made.toggle(at(made, "label", name))
    assert made.judgement.labels == ("correct", "wrong", "odd one")
    made.clear(at(made, "label", "odd one"))
    made.toggle(at(made, "label", "wrong"))
    assert made.judgement.labels == ("correct",)


def test_scores_stay_on_their_scale_and_say_what_they_mean() -> None:
    made = form()
    place = at(made, "score", "faithful")
    assert not made.digit(place, 9)
    assert made.digit(place, 1)
    assert made.judgement.scores == {"faithful": 1.0}
    assert words(made, place).endswith("contradicts it")
    made.turn(place, -1)
    assert made.judgement.scores == {}
    assert words(made, place).endswith("Does the document say what the answer says?")


def test_a_correction_wants_a_reason() -> None:
    made = form()
    made.write(at(made, "correction"), "better\nso")
    assert made.problem is not None
    assert "1 more line" in words(made, at(made, "correction"))
    made.write(at(made, "reason"), " it was wrong ")
    assert made.problem is None
    assert made.judgement == Judgement(correction="better\nso", reason="it was wrong")


def test_where_criteria_do_not_apply_there_are_none() -> None:
    assert not [e for e in Form(NOTHING, ["correct"]).entries if e.part == "score"]


def test_a_judgement_in_one_line() -> None:
    line = said(Judgement(rating=2, mark=0, labels=("wrong",), scores={"faithful": 3.0}, comment="no\nway"))
    assert "".join(text for text, _ in line) == "★★ · 0 · wrong · faithful 3 · “no way”"


def test_a_label_is_shown_with_what_it_means():
    form = Form(NOTHING, ["correct", "wrong"], definitions={"wrong": "It is\nnot so."})
    lines = ["".join(text for text, _ in form.line(at)) for at in range(len(form.entries))]
    assert any(line.endswith("[ ] correct") for line in lines)
    assert any(line.endswith("[ ] wrong  It is not so.") for line in lines)
