"""What a selection of sessions comes to: counts, cost, acceptance by model, edits by kind, time to decide, labels."""

from __future__ import annotations

from typing import Any

import msgspec

from distill_core.trying_again import KIND
from sessions.database import telling
from sessions.filters import Filter
from sessions.store import Store

BINS = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0)
"""Upper ends of the bins of decision times, in seconds; the last bin has none."""


class ModelShare(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions on one supervisor's proposals by persons: `accepted` are those that ran as proposed.

    `rate` is accepted out of decided; None where nothing was decided.
    """

    model: str
    sessions: int
    decided: int
    accepted: int
    rate: float | None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What began on one day (UTC). `cost` counts sessions whose cost is known."""

    day: str
    sessions: int
    worker_calls: int
    tokens: int
    cost: float


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a selection.

    Args:
        by_status: sessions by how they ended; `by_kind` by kind.
        priced: sessions whose cost is known; `cost` is their sum in US dollars.
        seconds: sum of the sessions' time.
        models: acceptance by supervisor, most decided first.
        actions: decisions by persons, by action; `policies` decisions by policies, by action.
        edits: changed proposals by what was changed.
        decision_seconds: median and 90th percentile of persons' decisions; None where there are none.
        decision_bins: how many took up to each of `BINS`, and longer.
        labels: sessions by label; `labelled` and `rated` and `reviewed` are how many have any.
        ratings: sessions by rounded rating.
        days: by day, oldest first.
    """

    sessions: int
    by_status: dict[str, int]
    by_kind: dict[str, int]
    steps: int
    cells: int
    errors: int
    worker_calls: int
    failed_calls: int
    tokens: int
    seconds: float
    cost: float
    priced: int
    models: tuple[ModelShare, ...]
    actions: dict[str, int]
    policies: dict[str, int]
    edits: dict[str, int]
    decision_seconds: tuple[float, float] | None
    decision_bins: tuple[int, ...]
    labels: dict[str, int]
    labelled: int
    rated: int
    reviewed: int
    ratings: dict[str, int]
    days: tuple[Day, ...]


PERSON = f"(d.by not like 'policy:%' and d.by != '{KIND}')"
"""A replay gives a person's decisions again, which count once."""

_TOTALS = """
select count(*), coalesce(sum(steps), 0), coalesce(sum(cells), 0), coalesce(sum(errors), 0),
    coalesce(sum(worker_calls), 0), coalesce(sum(failed_calls), 0), coalesce(sum(tokens), 0),
    coalesce(sum(elapsed), 0.0), coalesce(sum(cost), 0.0), count(cost),
    coalesce(sum(labels != '[]'), 0), count(rating), coalesce(sum(annotations > 0), 0)
from {judged} where id in chosen
"""
_TOTALLED = (
    *("sessions", "steps", "cells", "errors", "worker_calls", "failed_calls", "tokens", "seconds", "cost"),
    *("priced", "labelled", "rated", "reviewed"),
)
_MODELS = f"""
select s.supervisor, count(distinct s.id), count(d.id),
    coalesce(sum(d.action in ('approve', 'accept')), 0)
from sessions s left join decisions d on d.session = s.id and {PERSON} and not d.copied
    and d.action not in ('raise_budget', 'try_again')
where s.id in chosen group by s.supervisor order by count(d.id) desc, count(distinct s.id) desc, s.supervisor
"""
_EDITED = f"""
select case
    when proposal_id like 'final:%' then 'answer'
    when action = 'write' then 'written by hand'
    when action = 'edit' then 'code edited'
    when action in ('reject', 'send_back') then 'sent back with guidance'
    when action = 'regenerate' then 'regenerated'
end as what, count(*)
from decisions d where session in chosen and not copied and {PERSON}
    and action in ('edit', 'write', 'reject', 'send_back', 'regenerate')
group by what order by count(*) desc, what
"""


def stats(store: Store, filter: Filter = Filter()) -> Stats:  # noqa: B008  # frozen
    """The statistics of the sessions that `filter` selects. Steps copied into forks count once, in their parent.

    They count every judgement, also what is closed to the store's reader; that of a single session does not.

    Raises:
        StoreError: the index cannot be read.
    """
    with telling(store.home.index):
        return _Asking(store, filter).stats()


def own(store: Store, wanted: Filter, *, examples: bool = False) -> tuple[Stats, int]:
    """The statistics of what `wanted` selects, and how many sessions that come with the program were left out of it.

    Args:
        examples: count those too; they are counted anyway where the filter asks for them.

    Raises:
        StoreError: the index cannot be read.
    """
    filter = wanted if examples else wanted.without_examples()
    return stats(store, filter), store.count(wanted) - store.count(filter)


class _Asking:
    """Queries over one selection."""

    def __init__(self, store: Store, filter: Filter) -> None:
        self._connection = store.connection
        where, values = store.where(filter)
        self._with = f"with chosen as materialized (select id from {store.shown} where {where}) "
        self._values = values
        # What a single session was judged is not to be told by its statistics.
        self._judged = store.shown if self._all("select count(*) from chosen") == [(1,)] else "sessions"

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._with + query, self._values).fetchall()

    def _counts(self, query: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in self._all(query)}

    def stats(self) -> Stats:
        (totals,) = self._all(_TOTALS.format(judged=self._judged))
        took = self._took()
        return Stats(
            **dict(zip(_TOTALLED, totals, strict=True)),
            by_status=self._by("status"),
            by_kind=self._by("kind"),
            models=tuple(
                ModelShare(
                    model=model,
                    sessions=sessions,
                    decided=decided,
                    accepted=accepted,
                    rate=accepted / decided if decided else None,
                )
                for model, sessions, decided, accepted in self._all(_MODELS)
            ),
            actions=self._actions(PERSON),
            policies=self._actions(f"not {PERSON}"),
            edits=self._counts(_EDITED),
            decision_seconds=(_quantile(took, 0.5), _quantile(took, 0.9)) if took else None,
            decision_bins=_binned(took),
            labels=self._counts(
                f"select value, count(*) from {self._judged} s, json_each(s.labels) where s.id in chosen "
                "group by value order by count(*) desc, value"
            ),
            ratings=self._counts(
                f"select cast(round(rating) as integer) as r, count(*) from {self._judged} "
                "where id in chosen and rating is not null group by r order by r"
            ),
            days=tuple(
                Day(day=day, sessions=sessions, worker_calls=calls, tokens=tokens, cost=cost)
                for day, sessions, calls, tokens, cost in self._all(
                    "select substr(started, 1, 10) as day, count(*), sum(worker_calls), sum(tokens), "
                    "coalesce(sum(cost), 0.0) from sessions where id in chosen and started is not null "
                    "group by day order by day"
                )
            ),
        )

    def _by(self, column: str) -> dict[str, int]:
        return self._counts(
            f"select {column}, count(*) from sessions where id in chosen "
            f"group by {column} order by count(*) desc, {column}"
        )

    def _actions(self, who: str) -> dict[str, int]:
        return self._counts(
            f"select action, count(*) from decisions d where session in chosen and not copied and {who} "
            "group by action order by count(*) desc, action"
        )

    def _took(self) -> list[float]:
        rows = self._all(
            f"select took from decisions d where session in chosen and not copied and {PERSON} order by took"
        )
        return [took for (took,) in rows]


def _quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted `values` lie."""
    return values[min(len(values) - 1, int(share * len(values)))]


def _binned(values: list[float]) -> tuple[int, ...]:
    counts = [0] * (len(BINS) + 1)
    for value in values:
        counts[next((n for n, end in enumerate(BINS) if value <= end), len(BINS))] += 1
    return tuple(counts)
