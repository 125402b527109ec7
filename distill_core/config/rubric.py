"""Rubrics: the criteria that answers and sessions are scored by, read from TOML and checked before anybody uses them.

The one that comes with the program is `rubric.toml` beside this file.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from distill_core.errors import ConfigError

Measure: TypeAlias = Literal["nominal", "ordinal", "interval"]

MOST_CRITERIA, MOST_LEVELS = 30, 20
REMEDY = "docs/CONFIG.md shows one under Judging"


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is scored.

    Args:
        id: its name in the log.
        title: a word or two for people.
        help: what to look at, in a line.
        least: the lowest score.
        most: the highest.
        levels: words for scores, by the score as text.
        measure: whether scores are names ("nominal"), an order, or distances that mean something ("interval").
    """

    id: str
    title: str
    help: str = ""
    least: int = 1
    most: int = 5
    levels: dict[str, str] = msgspec.field(default_factory=dict)
    measure: Measure = "ordinal"

    def word(self, score: float) -> str:
        """What a score means; empty where the rubric does not say."""
        return self.levels.get(f"{score:g}", "")


class Rubric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Criteria under a name."""

    name: str
    criteria: tuple[Criterion, ...]


def load_rubric(path: str | Path | None = None) -> Rubric:
    """The rubric in a TOML file; without a path the program's own.

    Raises:
        ConfigError: the file cannot be read, or is no rubric.
    """
    file = Path(path).expanduser() if path is not None else Path(__file__).parent / "rubric.toml"
    try:
        rubric = msgspec.toml.decode(file.read_bytes(), type=Rubric)
    except OSError as error:
        raise ConfigError(
            f"cannot read the rubric {file}", found=error.strerror, remedy="see annotation.rubric"
        ) from error
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the rubric {file} is not right", found=_plainly(error), remedy=REMEDY) from error
    problem = _problem(rubric)
    if problem is not None:
        raise ConfigError(f"the rubric {file} is not right", found=problem, remedy=REMEDY)
    return rubric


JUDGED_ANYWAY = ("rating", "mark", "labels", "comment", "correction", "reason", "scores")
"""What a judgement has beside the scores of criteria, under whose names agreement and disputes tell of it."""


def _plainly(error: Exception) -> str:
    """What a decoder says, with the place first and by words: `$.criteria[0].most` is "most of criterion 1"."""
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    what, _, place = str(error).replace("`", "").partition(" - at ")
    inside = re.fullmatch(r"\$\.criteria\[(\d+)\]\.?(.*)", place)
    if inside is None:
        return what if place in ("", "$") else f"{place.removeprefix('$.')}: {what}"
    criterion = f"criterion {int(inside[1]) + 1}"
    return f"{inside[2]} of {criterion}: {what}" if inside[2] else f"{criterion}: {what}"


def _problem(rubric: Rubric) -> str | None:
    if not 1 <= len(rubric.criteria) <= MOST_CRITERIA:
        return f"{len(rubric.criteria)} criteria, of 1 to {MOST_CRITERIA}"
    ids = [criterion.id for criterion in rubric.criteria]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        return f"two criteria are called {twice!r}"
    taken = next((id for id in ids if id in JUDGED_ANYWAY or id.startswith("label:")), None)
    if taken is not None:
        return f"{taken!r} is judged without a rubric too; give the criterion another id"
    for criterion in rubric.criteria:
        if not criterion.id or not criterion.title:
            return "a criterion without an id or a title"
        if not 0 < criterion.most - criterion.least < MOST_LEVELS:
            scale = f"{criterion.least} to {criterion.most}"
            return f"{criterion.id} goes from {scale}, not over 2 to {MOST_LEVELS} levels"
        levels = {str(level) for level in range(criterion.least, criterion.most + 1)}
        strange = next((level for level in criterion.levels if level not in levels), None)
        if strange is not None:
            return f"{criterion.id} has a level {strange!r} that is not on its scale"
    return None
