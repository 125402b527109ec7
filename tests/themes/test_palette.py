"""Palettes: those that come along, and a person's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.errors import ConfigError
from themes import available, load
from themes.palette import contrast

NIGHT = Path(__file__).parents[2] / "themes" / "night.toml"


def test_there_is_a_choice() -> None:
    palettes = available().values()
    assert sum(p.dark for p in palettes) >= 2
    assert sum(not p.dark for p in palettes) >= 2
    assert [p.name for p in palettes if p.contrast == "high"]


def test_a_theme_is_added_by_one_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(NIGHT.read_text().replace('"night"', '"mine"'))
    assert available(tmp_path)["mine"].title == "Dark, calm blue-grey"


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('foreground = "#d5dae4"', 'foreground = "white"', "colours.foreground: 'white'"),
        ('foreground = "#d5dae4"', 'foreground = "#222222"', "hard to read"),
        ('foreground = "#d5dae4"', 'forground = "#d5dae4"', "forground"),
        ("dark = true", 'dark = "yes"', "dark"),
        ("[colours]", "[colours", "theme"),
        ('keyword = "#c6a3ff"\n', "", "keyword"),
    ],
)
def test_a_wrong_theme_says_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    text = NIGHT.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_theme_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")
