"""One pass over many texts rules nothing out that a finder would find in one of them."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.export.redact import KINDS, Finders, Redactor, make_finders, redactor
from sessions.export.redact.glance import encoded
from sessions.export.redact.sweep import literal, sweep
from tests.sessions.export.test_glance import PIECES, texts
from tests.sessions.export.test_redact import HOME, KEY

FOREIGN = ("schlüssel-von-mir", "ключ-от-всех-дверей-9", "/srv/größe/eva", "/srv/日本/eva")
FINDERS = make_finders(KINDS, keys=[KEY, *FOREIGN[:2]], homes=[HOME, *FOREIGN[2:]])
anything = st.lists(texts | st.sampled_from(FOREIGN) | st.text(max_size=5), max_size=5)


@pytest.fixture(params=["RE2", "no RE2"])
def finders(request, monkeypatch):
    if request.param == "RE2":
        pytest.importorskip("re2")
    else:
        monkeypatch.setattr(redactor, "sweep", lambda forms: None)
    return Finders(FINDERS)


def stands(form, text):
    return re.search(form.encode(), encoded(text)) is not None


@settings(deadline=None)
@given(anything.map("".join))
def test_a_form_stands_wherever_something_is_found(text):
    for finder in FINDERS:
        if list(finder.find(text)):
            assert finder.holds(text) if finder.holds else any(stands(form, text) for form in finder.forms)


@pytest.mark.parametrize("piece", [*PIECES, *FOREIGN])
def test_a_form_stands_in_each_piece_in_which_something_is_found(piece):
    for text in (piece, f"word {piece}\nword", f"日{piece}日"):
        for finder in FINDERS:
            if finder.forms is not None and list(finder.find(text)):
                assert any(stands(form, text) for form in finder.forms)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=anything)
def test_who_finds_something_in_one_of_many_texts_is_asked_about_them(finders, told):
    asked = [find for find, _, _ in finders.showing("\n".join(told))]
    for finder in FINDERS:
        if any(list(finder.find(text)) for text in told):
            assert finder.find in asked


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_a_piece_of_a_word_stands_wherever_the_word_does(before, word, after):
    assert stands(literal(word), before + word + after)


def test_who_looks_for_anything_is_always_asked(finders):
    def anybody(text):
        return ()

    assert anybody in [find for find, _, _ in Finders([*FINDERS, anybody]).showing("the fee")]


def test_in_plain_words_there_is_nothing(finders):
    assert (
        finders.showing("the fee of Clause 7.2 is due within 30 days, see https://example.org/terms.") == []
    )
    assert Redactor(finders).text("the fee") == "the fee"


def test_many_keys_are_looked_for_without_it(capfd):
    keys = [f"key-number-{number}-of-very-many" for number in range(200)]
    many = Finders(make_finders(KINDS, keys=keys))
    assert Redactor(many).text(f"the fee, {keys[7]}") == "the fee, <KEY_1>"
    assert many.showing("the fee " * 4000) == []
    assert sweep([literal(key) for key in keys] * 4) is None
    assert capfd.readouterr().err == ""


def test_re2_finds_what_re_finds():
    pytest.importorskip("re2")
    forms = [form for finder in FINDERS for form in finder.forms or ()]
    found = sweep(forms)
    for text in [*PIECES, *FOREIGN, "", "the fee", "é", "日本", "\ud800", "a" * 19]:
        assert found(encoded(text)) == any(stands(form, text) for form in forms)
