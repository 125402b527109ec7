"""The judgements that stand: one a person and target, and where a disagreement was settled, what settled it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from distill_core import events as ev
from sessions.judging.judgement import FIELDS, Judgement, together

_NOTHING = {name: getattr(Judgement(), name) for name in FIELDS}


def standing(annotations: Iterable[ev.Annotated]) -> list[ev.Annotated]:
    """The annotations that count, taken together by person and target, in the order in which they were last changed.

    What a settlement gives counts instead of what anybody else gave for it. Preferences between sessions are not among
    them; see `preferences`.
    """
    made = [one for one in annotations if one.preference is None]
    settled: dict[ev.Target, list[ev.Annotated]] = {}
    persons: dict[tuple[ev.Target, str], list[ev.Annotated]] = {}
    for one in made:
        if one.settles:
            settled.setdefault(one.target, []).append(one)
        else:
            persons.setdefault((one.target, one.by), []).append(one)
    given = {target: _fields(together(ones)) for target, ones in settled.items()}
    found = [_one(ones, hidden=given.get(target, {})) for (target, _), ones in persons.items()]
    found += [_one(ones, hidden={}) for ones in settled.values()]
    return sorted((one for one in found if one is not None), key=lambda one: one.seq)


def _fields(judgement: Judgement) -> dict[str, object]:
    return {name: value for name in FIELDS if (value := getattr(judgement, name)) != _NOTHING[name]}


def _one(made: list[ev.Annotated], *, hidden: dict[str, object]) -> ev.Annotated | None:
    fields = {name: value for name, value in _fields(together(made)).items() if name not in hidden}
    if not fields:
        return None
    return msgspec.structs.replace(made[-1], **{**_NOTHING, **fields}, cleared=())


def preferences(annotations: Iterable[ev.Annotated]) -> tuple[ev.Annotated, ...]:
    """What each person last said of this session beside each other one."""
    last = {(one.by, one.preference.other): one for one in annotations if one.preference is not None}
    return tuple(sorted(last.values(), key=lambda one: one.seq))
