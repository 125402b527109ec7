"""Budgets: what a call may cost is reserved before it is sent, so that a batch of them cannot overshoot.

A reservation holds an upper estimate; settling it puts the truth in its place. A call that does not fit while others
are in flight waits for them, since they may turn out cheaper; one that does not fit alone is refused. Estimates learn
from what calls really took; where tokens or money are bounded, the first call of a role goes alone for that reason.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from distill_core.errors import BudgetExceeded
from distill_core.events import Limits
from distill_core.models.base import Usage

Role: TypeAlias = Literal["supervisor", "worker"]

CHARS_PER_TOKEN = 3.0
"""Below what tokenizers show on English prose (about 4) and code (about 3.3), so that the estimate errs high."""

MESSAGE_OVERHEAD = 16
"""Tokens a chat template adds around a message, at most."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens of a model. `cached` is for prompt tokens served from the server's cache."""

    prompt: float = 0.0
    completion: float = 0.0
    cached: float | None = None

    def cost(self, usage: Usage) -> float:
        """Dollars for `usage`."""
        fresh = usage.prompt_tokens - usage.cached_tokens
        cached = self.prompt if self.cached is None else self.cached
        parts = fresh * self.prompt + usage.cached_tokens * cached + usage.completion_tokens * self.completion
        return parts / 1e6


def unreported(prompt_tokens: int, reply_chars: int) -> Usage:
    """What counts against bounds for a call whose server reported no usage."""
    return Usage(prompt_tokens=prompt_tokens, completion_tokens=math.ceil(reply_chars / CHARS_PER_TOKEN))


def estimate(prompt_chars: int, max_tokens: int | None) -> Usage:
    """An upper estimate for a call of `prompt_chars` characters whose reply is bounded by `max_tokens`."""
    return Usage(
        prompt_tokens=math.ceil(prompt_chars / CHARS_PER_TOKEN) + MESSAGE_OVERHEAD,
        completion_tokens=max_tokens or 0,
        calls=1,
    )


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of one role were seen to take, at worst.

    Args:
        prompt: tokens read, as a multiple of `estimate`; never under 1.
        completion: tokens written.
    """

    prompt: float = 1.0
    completion: int = 0

    def expect(self, guess: Usage, max_tokens: int | None) -> Usage:
        """`guess` corrected by experience."""
        return Usage(
            prompt_tokens=math.ceil(guess.prompt_tokens * self.prompt),
            completion_tokens=self.completion if max_tokens is None else max_tokens,
            calls=1,
        )

    def learn(self, guess: Usage, usage: Usage) -> Habits:
        """What is known after one more call."""
        return Habits(
            prompt=max(self.prompt, usage.prompt_tokens / guess.prompt_tokens),
            completion=max(self.completion, usage.completion_tokens),
        )


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A place held in the budget for one call, which may make up to `attempts` requests."""

    role: Role
    guess: Usage
    usage: Usage
    cost: float
    attempts: int = 1


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a session has used so far. `cost` is in US dollars, None where no price is known."""

    worker_calls: int
    tokens: int
    cost: float | None
    seconds: float


class Ledger:
    """Counts what a session uses, against its limits. Used from one event loop.

    Args:
        limits: the bounds; None in a field is no bound.
        prices: per role; a role without prices costs nothing that is counted.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        limits: Limits,
        prices: dict[Role, Prices] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._prices = prices or {}
        self._clock = clock
        self._started = clock()
        self._calls = 0
        self._tokens = 0
        self._cost = 0.0
        self._held_calls = 0
        self._held_tokens = 0
        self._held_cost = 0.0
        self._in_flight = 0
        self._workers_in_flight = 0
        self._habits: dict[Role, Habits] = {}
        self._freed = asyncio.Condition()

    def begin(self) -> None:
        """The session begins now: what it took to get ready is no time of its own."""
        self._started = self._clock()

    def carry(self, usage: dict[Role, Usage], seconds: float, *, kept: int = 0) -> None:
        """Go on from what an earlier part of the session has used.

        Args:
            usage: per role.
            seconds: of wall time.
            kept: worker calls that kept replies answered; see `count_kept`.
        """
        self._started = self._clock() - seconds
        self._calls = usage["worker"].calls + kept
        self._tokens = sum(used.total_tokens for used in usage.values())
        self._cost = sum(prices.cost(usage[role]) for role, prices in self._prices.items())

    @property
    def spent(self) -> Spent:
        """What is used up, reservations not counted."""
        return Spent(
            worker_calls=self._calls,
            tokens=self._tokens,
            cost=self._cost if self._prices else None,
            seconds=self._clock() - self._started,
        )

    def remaining(self) -> dict[str, float | int | None]:
        """What is left of each bound (None: unbounded), reservations taken off; never below zero."""
        limits = self.limits
        left: dict[str, float | int | None] = {
            "worker_calls": _left(limits.worker_calls, self._calls + self._held_calls),
            "tokens": _left(limits.tokens, self._tokens + self._held_tokens),
            "money": _left(limits.money, self._cost + self._held_cost),
            "seconds": _left(limits.seconds, self._clock() - self._started),
        }
        return left

    def seconds_left(self) -> float | None:
        """Wall time left, None where it is unbounded."""
        if self.limits.seconds is None:
            return None
        return max(0.0, self.limits.seconds - (self._clock() - self._started))

    async def reserve(
        self,
        role: Role,
        prompt_chars: int,
        max_tokens: int | None,
        *,
        attempts: int = 1,
        waits: bool = True,
        metered: bool = True,
    ) -> Reservation:
        """Hold a place for one call; if `waits`, for as long as calls in flight may still free what it needs.

        Args:
            role: who is called.
            prompt_chars: characters of the prompt.
            max_tokens: bound of the reply, where there is one.
            attempts: requests that the call may make, retries counted; fewer are granted near the bound.
            waits: whether to wait for calls in flight.
            metered: whether the call takes tokens; where it does not, wall time alone can refuse it.

        Raises:
            BudgetExceeded: it does not fit.
        """
        guess, max_tokens = (
            (estimate(prompt_chars, max_tokens), max_tokens) if metered else (Usage(calls=1), 0)
        )
        async with self._freed:
            while True:
                held = self._expected(role, guess, max_tokens, attempts)
                problem = self._misfit(held)
                if problem is None:
                    break
                if not waits or not self._may_free(problem.limit):
                    raise problem
                await self._freed.wait()
            self._in_flight += 1
            if role == "worker":
                self._workers_in_flight += 1
                self._held_calls += held.attempts
            self._held_tokens += held.usage.total_tokens
            self._held_cost += held.cost
        return held

    def count_kept(self) -> None:
        """Count a worker call that a kept reply answered: it costs nothing, and the same program is left the same."""
        self._calls += 1

    def foresee(
        self, role: Role, prompt_chars: Sequence[int], max_tokens: int | None
    ) -> tuple[Usage, float | None]:
        """An upper estimate of what calls with prompts of so many characters would take, in tokens and in US dollars.

        The dollars are None where no price is known. Nothing is reserved.
        """
        usage = Usage()
        habits = self._habits.get(role, Habits())
        for chars in prompt_chars:
            usage = usage + habits.expect(estimate(chars, max_tokens), max_tokens)
        prices = self._prices.get(role)
        return usage, prices.cost(usage) if prices else None

    def _may_free(self, limit: str) -> bool:
        """Whether calls in flight may give back some of `limit`: estimates and unused attempts, never wall time."""
        if limit == "worker_calls":
            return self._held_calls > self._workers_in_flight
        return self._in_flight > 0 and limit != "seconds"

    def _expected(self, role: Role, guess: Usage, max_tokens: int | None, attempts: int) -> Reservation:
        usage = self._habits.get(role, Habits()).expect(guess, max_tokens)
        prices = self._prices.get(role)
        cost = prices.cost(usage) if prices else 0.0
        if role == "worker" and self.limits.worker_calls is not None:
            left = self.limits.worker_calls - self._calls - self._held_calls
            attempts = max(1, min(attempts, left))
        return Reservation(role=role, guess=guess, usage=usage, cost=cost, attempts=attempts)

    async def settle(
        self, held: Reservation, usage: Usage, *, attempts: int = 1, reply_chars: int | None = None
    ) -> None:
        """Put what the call really used in the place of its reservation; each attempt counts as a call.

        Args:
            usage: what the server reported.
            attempts: requests that the call made.
            reply_chars: characters of its reply, None where it failed. They stand in for tokens that nobody
                reported: a bound that the server can pass by saying nothing would be none.
        """
        prices = self._prices.get(held.role)
        if reply_chars is not None and not usage.total_tokens:
            usage = unreported(held.guess.prompt_tokens, reply_chars)
        async with self._freed:
            self._in_flight -= 1
            if held.role == "worker":
                self._workers_in_flight -= 1
                self._held_calls -= held.attempts
                self._calls += max(1, attempts)
            self._held_tokens -= held.usage.total_tokens
            self._held_cost -= held.cost
            if usage.total_tokens:  # a call that failed took none, and says nothing of those that do not
                self._habits[held.role] = self._habits.get(held.role, Habits()).learn(held.guess, usage)
            self._tokens += usage.total_tokens
            self._cost += prices.cost(usage) if prices else 0.0
            self._freed.notify_all()

    def _misfit(self, held: Reservation) -> BudgetExceeded | None:
        limits = self.limits
        if limits.seconds is not None and self._clock() - self._started >= limits.seconds:
            return _exceeded("seconds", f"{limits.seconds:g} s of wall time are used up")
        if held.role == "worker" and limits.worker_calls is not None:
            used = self._calls + self._held_calls
            if used + 1 > limits.worker_calls:
                return _exceeded("worker_calls", f"{used} of {limits.worker_calls} worker calls are used")
        if self._in_flight and held.role not in self._habits and (limits.tokens or limits.money) is not None:
            return _exceeded("tokens", "the first call is not back yet")
        if limits.tokens is not None:
            used = self._tokens + self._held_tokens
            if used + held.usage.total_tokens > limits.tokens:
                need = held.usage.total_tokens
                return _exceeded(
                    "tokens", f"{used} of {limits.tokens} tokens are used, the call may need {need}"
                )
        if limits.money is not None:
            spent = self._cost + self._held_cost
            if spent + held.cost > limits.money:
                found = f"${spent:.4f} of ${limits.money:g} is used, the call may need ${held.cost:.4f}"
                return _exceeded("money", found)
        return None


def _left(limit: float | int | None, used: float | int) -> float | int | None:
    return None if limit is None else max(0, limit - used)


def _exceeded(limit: str, found: str) -> BudgetExceeded:
    return BudgetExceeded("the budget is used up", limit=limit, found=found)
