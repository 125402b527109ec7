"""Do annotators agree? Krippendorff's α over all of them, Cohen's κ for each pair, and "n/a" where it is undefined.

Sources: K. Krippendorff, Content Analysis (2019), chapter 12, by the `krippendorff` package; J. Cohen, A coefficient of
agreement for nominal scales, Educational and Psychological Measurement 20 (1960), unweighted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations

import msgspec

from distill_core.config.rubric import Measure, Rubric
from distill_core.events import Annotated
from distill_core.state import SessionState
from sessions.judging.judgement import Judgement, done_by, judgements

Values = dict[Hashable, dict[str, float]]
"""What each person said, by the unit that it was said of."""


class Kappa(msgspec.Struct, frozen=True, kw_only=True):
    """Cohen's κ of two annotators over the `units` that both judged; None where it is undefined."""

    one: str
    other: str
    units: int
    kappa: float | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far annotators agree on one question.

    Args:
        question: what was asked: "rating", "mark", "label: …" or a criterion of the rubric.
        measure: how the values are meant.
        annotators: who answered it of anything that another answered it of too.
        units: things that at least two answered it of.
        alpha: Krippendorff's α; None where it is undefined, and then `why` says why.
    """

    question: str
    measure: Measure
    annotators: tuple[str, ...]
    units: int
    alpha: float | None
    why: str = ""
    kappas: tuple[Kappa, ...] = ()


def agreement(
    sessions: Iterable[tuple[str, SessionState]], rubric: Rubric, *, everyone: bool = False
) -> list[Agreement]:
    """How far annotators agree over `sessions`, question by question; those that nobody answered are left out.

    Args:
        sessions: names and states.
        rubric: the criteria and how their scores are meant.
        everyone: count those too who are not done with a session.
    """
    asked: dict[str, Values] = {}
    for name, state in sessions:
        done = done_by(state)
        counted = [a for a in state.annotations() if not a.settles and (everyone or a.by in done)]
        _gather(asked, name, counted)
    measures: dict[str, Measure] = {"rating": "ordinal", "mark": "ordinal"}
    measures |= {criterion.id: criterion.measure for criterion in rubric.criteria}
    order = [*measures, *sorted(question for question in asked if question not in measures)]
    return [measured(q, asked[q], measures.get(q, "nominal")) for q in order if q in asked]


def _gather(asked: dict[str, Values], session: str, annotations: Iterable[Annotated]) -> None:
    said = judgements(annotations)
    labels = sorted({label for persons in said.values() for j in persons.values() for label in j.labels})
    for target, persons in said.items():
        for by, judgement in persons.items():
            for question, value in _answers(judgement, labels):
                asked.setdefault(question, {}).setdefault((session, target), {})[by] = value


def _answers(judgement: Judgement, labels: Iterable[str]) -> Iterable[tuple[str, float]]:
    if judgement.rating is not None:
        yield "rating", float(judgement.rating)
    if judgement.mark is not None:
        yield "mark", float(judgement.mark)
    yield from judgement.scores.items()
    if judgement.labels:
        # Whoever labels a thing has said no to the labels that they did not give.
        yield from ((f"label: {label}", float(label in judgement.labels)) for label in labels)


def measured(question: str, values: Mapping[Hashable, Mapping[str, float]], measure: Measure) -> Agreement:
    """The agreement of annotators on one question."""
    shared = [persons for persons in values.values() if len(persons) > 1]
    annotators = tuple(sorted({by for persons in shared for by in persons}))
    alpha, why = _alpha(shared, annotators, measure)
    return Agreement(
        question=question,
        measure=measure,
        annotators=annotators,
        units=len(shared),
        alpha=alpha,
        why=why,
        kappas=tuple(_kappa(one, other, shared) for one, other in combinations(annotators, 2)),
    )


def _alpha(
    shared: list[Mapping[str, float]], annotators: tuple[str, ...], measure: Measure
) -> tuple[float | None, str]:
    if not shared:
        return None, "nothing was judged by two"
    if len({value for persons in shared for value in persons.values()}) < 2:
        return None, "everybody always said the same"
    import krippendorff
    import numpy as np

    matrix = np.full((len(annotators), len(shared)), np.nan)
    for column, persons in enumerate(shared):
        for row, by in enumerate(annotators):
            if by in persons:
                matrix[row, column] = persons[by]
    return float(krippendorff.alpha(reliability_data=matrix, level_of_measurement=measure)), ""


def _kappa(one: str, other: str, shared: list[Mapping[str, float]]) -> Kappa:
    pairs = [(persons[one], persons[other]) for persons in shared if one in persons and other in persons]
    return Kappa(one=one, other=other, units=len(pairs), kappa=cohen(pairs))


def cohen(pairs: list[tuple[float, float]]) -> float | None:
    """Cohen's κ of pairs of answers; None where there are none, or where chance alone would always agree."""
    if not pairs:
        return None
    count = len(pairs)
    observed = sum(a == b for a, b in pairs) / count
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[value] * second[value] for value in first) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def number(value: float | None) -> str:
    """A coefficient for people: two digits, or "n/a"."""
    return "n/a" if value is None else f"{value:.2f}".replace("-", "−")
