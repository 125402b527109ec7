"""Rubrics: the program's own, a person's, and those that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.config.layers import load_settings
from distill_core.config.rubric import load_rubric
from distill_core.errors import ConfigError

GOOD = '[[criteria]]\nid = "a"\ntitle = "A"\n'


def test_the_programs_own_has_words_and_help() -> None:
    rubric = load_rubric()
    assert [c.id for c in rubric.criteria] == ["faithful", "complete", "evidence", "economy"]
    assert all(c.help for c in rubric.criteria)
    assert rubric.criteria[0].word(5.0) == "in every point"
    assert rubric.criteria[0].word(7) == ""


def test_a_persons_rubric_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(
        'name = "Mine"\n' + GOOD + 'least = 0\nmost = 2\nmeasure = "nominal"\nlevels = { 0 = "no" }\n'
    )
    rubric = load_rubric(path)
    assert (rubric.name, rubric.criteria[0].measure, rubric.criteria[0].word(0)) == ("Mine", "nominal", "no")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name = 1", "name"),
        ('name = "x"\ncriteria = []', "0 criteria"),
        ('name = "x"\n' + GOOD + GOOD, "two criteria"),
        ('name = "x"\n[[criteria]]\nid = "rating"\ntitle = "A"\n', "'rating' is judged without"),
        ('name = "x"\n[[criteria]]\nid = "label: good"\ntitle = "A"\n', "'label: good' is judged"),
        ('name = "x"\n' + GOOD + "least = 5\n", "goes from 5 to 5"),
        ('name = "x"\n' + GOOD + 'levels = { 9 = "far" }\n', "not on its scale"),
        ('name = "x"\n' + GOOD + "colour = 1\n", "colour"),
        ('name = "x"\n[[criteria]]\nid = ""\ntitle = "A"\n', "without an id"),
        (
            'name = "x"\n' + GOOD + GOOD.replace("[[", "\n[[") + 'most = "x"\n',
            "most of criterion 2: Expected int",
        ),
        ("name = ", "rubric"),
    ],
)
def test_what_is_no_rubric_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=found):
        load_rubric(path)


def test_a_rubric_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"annotation\.rubric"):
        load_rubric(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("labels", "found"), [("[]", "name one"), ('["a", "a"]', "once"), ('["a, b"]', "comma")]
)
def test_labels_can_be_typed_and_told_apart(tmp_path: Path, labels: str, found: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[annotation]\nlabels = {labels}\n")
    with pytest.raises(ConfigError, match=rf"annotation\.labels is wrong.*{found}"):
        load_settings(path=path, environ={}, folder=tmp_path)


def test_vocabulary_and_rubric_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[annotation]\nlabels = ["good", "bad"]\nrubric = "r.toml"\n')
    settings = load_settings(path=path, environ={}, folder=tmp_path).settings
    assert settings.annotation.labels == ["good", "bad"]
    assert settings.annotation.rubric == "r.toml"
    assert "correct" in load_settings(path=None, environ={}, folder=tmp_path).settings.annotation.labels
