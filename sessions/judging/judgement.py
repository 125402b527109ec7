"""Judgements: the annotations of one person on one target, taken together.

Of several annotations the last that gives a field counts for it, unless a later one clears it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from distill_core.events import Annotated, Target
from distill_core.state import SessionState

FIELDS = ("rating", "mark", "labels", "comment", "correction", "reason", "scores")
_NONE: tuple[object, ...] = (None, "", (), {})
"""What a field holds that says nothing."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody thinks of something. None and empty mean that nothing was said: a mark of 0 is neutral, None is
    unmarked."""

    rating: int | None = None
    mark: Literal[-1, 0, 1] | None = None
    labels: tuple[str, ...] = ()
    comment: str = ""
    correction: str | None = None
    reason: str = ""
    scores: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return self == NOTHING


NOTHING = Judgement()


def together(annotations: Iterable[Annotated]) -> Judgement:
    """The annotations of one person on one target, in the order they were made, as one judgement."""
    fields: dict[str, Any] = {}
    for made in annotations:
        for name in FIELDS:
            given = getattr(made, name)
            if name in made.cleared:
                fields.pop(name, None)
            if given not in _NONE:
                fields[name] = {**fields.get(name, {}), **given} if name == "scores" else given
    return Judgement(**fields)


def change(before: Judgement, after: Judgement) -> dict[str, Any]:
    """The fields of an `Annotated` that make `after` out of `before`; empty where they are equal."""
    given: dict[str, Any] = {}
    cleared: list[str] = []
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if new not in _NONE:
            given[name] = new
        if new in _NONE or (name == "scores" and not set(old) <= set(new)):
            cleared.append(name)
    if cleared:
        given["cleared"] = tuple(cleared)
    return given


def judgements(annotations: Iterable[Annotated]) -> dict[Target, dict[str, Judgement]]:
    """Every judgement that says something, by target and person, in the order in which targets were first judged.

    A preference between sessions is none of this one alone, and its reason belongs to it.
    """
    by_target: dict[Target, dict[str, list[Annotated]]] = {}
    for made in annotations:
        if made.preference is not None:
            continue
        by_target.setdefault(made.target, {}).setdefault(made.by, []).append(made)
    found: dict[Target, dict[str, Judgement]] = {}
    for target, persons in by_target.items():
        said = {by: judgement for by, of in persons.items() if not (judgement := together(of)).empty}
        if said:
            found[target] = said
    return found


def labelled(state: SessionState) -> list[tuple[Annotated, str]]:
    """Every label that counts, with the annotation that gave it: the last of one person on one target that gave any.

    Where a disagreement was settled with labels, those count and nobody else's.
    """
    return _labelled(state.annotations())


def labels_in(annotations: Iterable[Annotated]) -> list[str]:
    """The labels that count in the annotations of one session, each once, sorted."""
    return sorted({label for _, label in _labelled(annotations)})


def _labelled(annotations: Iterable[Annotated]) -> list[tuple[Annotated, str]]:
    given = _last(annotations, "labels", lambda made: made.target)
    return [(made, label) for made in given for label in made.labels]


def overall(annotations: Iterable[Annotated]) -> float | None:
    """The rating of a session: what was settled, else the mean of each annotator's last rating of it or its answer.

    Returns:
        None where nobody rated it. Ratings of words in its answer are none of it.
    """
    rated = [
        made
        for made in annotations
        if made.target.kind in ("session", "answer") and made.target.field is None
    ]
    given = _last(rated, "rating", lambda _: "overall")
    last = {"" if made.settles else made.by: made.rating for made in given if made.rating is not None}
    return sum(last.values()) / len(last) if last else None


def _last(
    annotations: Iterable[Annotated], field: str, about: Callable[[Annotated], Hashable]
) -> list[Annotated]:
    """The annotations whose `field` counts, in their order: the last of one person on one target that gave it.

    Args:
        about: what an annotation speaks of; where that was settled, only what settled it counts.
    """
    last: dict[tuple[str, Target, bool], Annotated] = {}
    for made in annotations:
        # Whoever settles speaks for all, and takes the place of whoever settled before.
        key = ("" if made.settles else made.by, made.target, made.settles)
        if getattr(made, field) not in _NONE:
            last[key] = made
        elif field in made.cleared:
            last.pop(key, None)
    settled = {about(made) for made in last.values() if made.settles}
    return sorted(
        (made for made in last.values() if made.settles or about(made) not in settled),
        key=lambda made: made.seq,
    )


def judgement_of(state: SessionState, target: Target, by: str) -> Judgement:
    """What `by` thinks of `target`."""
    return (
        judgements(a for a in state.annotations() if a.target == target and not a.settles)
        .get(target, {})
        .get(by, NOTHING)
    )


def done_by(state: SessionState) -> frozenset[str]:
    """Who has finished judging the session."""
    return frozenset(a.by for a in state.annotations() if a.done)


def open_to(state: SessionState, who: str) -> list[Annotated]:
    """The annotations that `who` may see: their own, and once they are done those of others who are done.

    What settles a disagreement is seen by whoever is done.
    """
    return open_among(state.annotations(), who)


def open_among(annotations: Sequence[Annotated], who: str) -> list[Annotated]:
    """As `open_to`, of the annotations of one session that count."""
    done = {a.by for a in annotations if a.done}
    return [a for a in annotations if a.by == who or (who in done and (a.settles or a.by in done))]


def settled(state: SessionState) -> dict[Target, Judgement]:
    """What counts where annotators disagreed, by target."""
    by_target: dict[Target, list[Annotated]] = {}
    for made in state.annotations():
        if made.settles:
            by_target.setdefault(made.target, []).append(made)
    return {target: together(made) for target, made in by_target.items()}
