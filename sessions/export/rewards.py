"""What a session was worth: numbers from what people said of it, for reinforcement learning."""

from __future__ import annotations

import msgspec

from sessions.export.rows import Options
from sessions.export.trace import Trace


class Rewards(msgspec.Struct, frozen=True, kw_only=True):
    """Each number is None where nobody said anything of it.

    Args:
        rating: the mean of the annotators' last ratings, from 0 to 1.
        verdict: 1 if a person accepted the answer as it was, 0 if not; a reviewer's mark goes before the decision.
        score: the mean of the annotators' scores, each from 0 to 1 on the scale of its criterion; scores that are
            names and no numbers are not among them.
        gold: 1 if the answer is the one that a reviewer gave as right, 0 if not.
        compression: worker tokens written for each one read: how much the workers condensed.
    """

    rating: float | None
    verdict: float | None
    score: float | None
    gold: float | None
    compression: float | None

    @property
    def reward(self) -> float | None:
        """The first there is of rating, score, gold, verdict."""
        return next((r for r in (self.rating, self.score, self.gold, self.verdict) if r is not None), None)

    def told(self) -> dict[str, float]:
        """The numbers that there are."""
        return {
            name: round(value, 6) for name, value in msgspec.structs.asdict(self).items() if value is not None
        }


def rewards(trace: Trace, options: Options) -> Rewards:
    """The rewards of a session, on the scales that `options` tell."""
    ratings = {made.by: made.rating for made in trace.judgements if made.rating is not None}
    marks = {made.by: made.mark for made in trace.judgements if made.mark is not None}
    scales: dict[str, tuple[float, float] | None] = {
        **dict.fromkeys(_criteria(trace), (1.0, float(options.best))),
        **options.scales,
    }
    given = [(scales[name], score) for made in trace.judgements for name, score in made.scores.items()]
    scores = [_placed(score, *scale) for scale, score in given if scale is not None]
    corrected = trace.answer != trace.given
    usage = trace.worker_usage
    return Rewards(
        rating=_mean([_placed(rating, 1.0, float(options.best)) for rating in ratings.values()]),
        verdict=_verdict(trace, list(marks.values())),
        score=_mean(scores),
        gold=float(_plain(trace.given) == _plain(trace.answer)) if corrected else None,
        compression=usage.completion_tokens / usage.prompt_tokens if usage.prompt_tokens else None,
    )


def gold(trace: Trace) -> str:
    """The right answer as far as a person vouched for it; "" where nobody did."""
    if trace.answer != trace.given:
        return trace.answer or ""
    vouched = _verdict(trace, [m.mark for m in trace.judgements if m.mark is not None])
    return trace.given or "" if vouched == 1.0 else ""


def _verdict(trace: Trace, marks: list[int]) -> float | None:
    if marks and sum(marks) != 0:
        return float(sum(marks) > 0)
    last = trace.final_decision
    if last is None or last.by.startswith("policy:"):
        return None
    return float(last.action in ("accept", "follow_up") and last.after in ((), last.before))


def _criteria(trace: Trace) -> set[str]:
    return {name for made in trace.judgements for name in made.scores}


def _placed(value: float, low: float, high: float) -> float:
    """Where a value stands between the lowest and the highest there is, from 0 to 1."""
    return (min(max(value, low), high) - low) / (high - low) if high > low else 0.0


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _plain(answer: str | None) -> str:
    return " ".join((answer or "").split()).casefold()
