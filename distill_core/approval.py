"""The gate: a proposal goes in, a decision comes out. Who decides is an `Approver`.

Policies decide by rule, `PersonApprover` hands the proposal to a person on whatever screen there is and waits, and
`PolicySwitch` lets the one replace the other while a session runs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import msgspec

from distill_core.errors import ConfigError
from distill_core.events import Action, Limits
from distill_core.forecast import Foresight
from distill_core.proposals import (
    BudgetProposal,
    Candidate,
    FailureProposal,
    FinalProposal,
    Proposal,
    ProposedCell,
    StepProposal,
)

__all__ = [
    "POLICIES",
    "STEPS",
    "Approver",
    "AutoApprover",
    "BudgetProposal",
    "Candidate",
    "CheapBound",
    "Decision",
    "FailureProposal",
    "FinalProposal",
    "PersonApprover",
    "PolicyApprover",
    "PolicyName",
    "Proposal",
    "ProposedCell",
    "StepProposal",
]

PolicyName: TypeAlias = Literal["ask", "auto", "cheap", "on-error"]
POLICIES: dict[PolicyName, str] = {
    "ask": "a person decides every step and the answer",
    "auto": "every step and the answer are approved",
    "cheap": "steps that are cheap and only use known-harmless names are approved, a person decides the rest",
    "on-error": "steps are approved until a cell fails or a reply holds no code, then a person decides",
}
STEPS = "steps"
"""Name of the policy by which the next n steps are approved and a person decides again from then on."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a proposal.

    Args:
        action: what was decided; see `events.Action`.
        by: a person's name, or "policy:NAME".
        codes: for `edit` and `write`, the code of the cells to run instead.
        guidance: for `reject` and `send_back`, the words for the supervisor; for `follow_up`, the new question.
        answer: for `finish` (and an edited `accept` or `follow_up`), the answer.
        limits: for `raise_budget`, the new bounds.
        took: seconds from proposal to decision.
        reason: why, for the record.
        chosen: where there were several candidates, the `call_id` of the one that this is about.
        more: for `regenerate`, how many more candidates are wanted.
    """

    action: Action
    by: str
    codes: tuple[str, ...] | None = None
    guidance: str = ""
    answer: str | None = None
    limits: Limits | None = None
    took: float = 0.0
    reason: str = ""
    chosen: str | None = None
    more: int = 1


class Approver(Protocol):
    """Decides on proposals."""

    async def decide(self, proposal: Proposal) -> Decision:
        """The decision on `proposal`; awaited on the engine's loop, for as long as it takes."""
        ...


class AutoApprover:
    """Approves every step and accepts every answer; a reached budget or a dead supervisor ends the session."""

    name: PolicyName = "auto"

    async def decide(self, proposal: Proposal) -> Decision:
        """Approve."""
        return _approved(proposal, f"policy:{self.name}")


def _approved(proposal: Proposal, by: str) -> Decision:
    match proposal:
        case StepProposal():
            return Decision(action="approve", by=by)
        case FinalProposal():
            return Decision(action="accept", by=by)
        case BudgetProposal() | FailureProposal():
            return Decision(action="stop", by=by, reason=proposal.found)


class CheapBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to where `cheap` approves by itself: worker calls of a step, and their cost (US dollars) where it is known."""

    worker_calls: int = 20
    cost: float = 0.05


class PolicyApprover:
    """Applies a policy by name, and asks `person` where the policy says to.

    Args:
        policy: one of `POLICIES`.
        person: who is asked; None where there is nobody, and then what would be asked is approved only by "auto".

    Raises:
        ConfigError: the policy asks and there is nobody to ask, or there is no such policy.
    """

    def __init__(
        self, policy: PolicyName, person: Approver | None = None, *, bound: CheapBound | None = None
    ) -> None:
        self._bound = bound or CheapBound()
        self._person = person
        self.on_switch: Callable[[str, str, int | None], None] = lambda policy, by, steps: None
        self.policy: PolicyName = "auto"
        self.steps = 0
        """How many more steps are approved whatever the policy says."""
        self.switch(policy)

    @property
    def name(self) -> str:
        """What decides now, for people."""
        return f"auto for {self.steps} more" if self.steps else self.policy

    def switch(self, policy: PolicyName) -> None:
        """Decide by `policy` from the next proposal on."""
        if policy not in POLICIES:
            raise ConfigError("no such approval policy", found=policy, remedy="use " + ", ".join(POLICIES))
        if policy != "auto" and self._person is None:
            raise ConfigError(f"policy {policy} needs a person", remedy="use --approve auto")
        changed, self.policy, self.steps = bool(self.steps) or self.policy != policy, policy, 0
        if changed:
            self.on_switch(policy, self._somebody, None)

    def approve_next(self, steps: int) -> None:
        """Approve the next `steps` steps without asking; then, and for every answer, a person decides.

        Raises:
            ConfigError: there is nobody to ask then, or `steps` is not positive.
        """
        if self._person is None:
            raise ConfigError("approving some steps needs a person for the next", remedy="use --approve auto")
        if steps < 1:
            raise ConfigError(
                "there is no such number of steps", found=str(steps), remedy="name at least one"
            )
        self.policy, self.steps = "ask", steps
        self.on_switch(STEPS, self._somebody, steps)

    async def decide(self, proposal: Proposal) -> Decision:
        """Approve by rule, or ask."""
        if self.steps and isinstance(proposal, StepProposal):
            return self._one_of_the_next(proposal)
        if self._person is not None and await self._asks(proposal):
            return await self._person.decide(proposal)
        return _approved(proposal, f"policy:{self.policy}")

    @property
    def _somebody(self) -> str:
        return str(getattr(self._person, "name", "")) or "somebody"

    def _one_of_the_next(self, proposal: StepProposal) -> Decision:
        self.steps -= 1
        if not self.steps:
            self.on_switch(self.policy, f"policy:{STEPS}", None)
        return _approved(proposal, f"policy:{STEPS}")

    async def _asks(self, proposal: Proposal) -> bool:
        if isinstance(proposal, BudgetProposal | FailureProposal):
            return True
        match self.policy:
            case "ask":
                return True
            case "auto":
                return False
            case "on-error":
                return proposal.troubled
            case "cheap":
                return isinstance(proposal, FinalProposal) or not await self._is_cheap(proposal)

    async def _is_cheap(self, proposal: StepProposal) -> bool:
        """Whether it is harmless as far as its names tell, and asks little of the worker."""
        if not all(cell.analysis.harmless for cell in proposal.cells):
            return False
        calls = [cell.analysis.worker_calls for cell in proposal.cells]
        seen = sum(n or 0 for n in calls) if all(n is not None for n in calls) else None
        if seen == 0 or proposal.foresight is None:
            return seen is not None and seen <= self._bound.worker_calls
        forecast = await proposal.foresight.forecast()
        if not forecast.complete:
            # What is read off the code is a bound all the same; its price is not known.
            return seen is not None and seen <= self._bound.worker_calls and not forecast.cost
        cheap = forecast.cost is None or forecast.cost <= self._bound.cost
        return cheap and max(forecast.worker_calls, seen or 0) <= self._bound.worker_calls


class PersonApprover:
    """Hands each proposal to a screen and waits for `answer`, which may come from any thread.

    Args:
        name: who decides, for the record.
        show: called on the engine's loop with each proposal that waits.
    """

    def __init__(self, name: str, show: Callable[[Proposal], None]) -> None:
        self.name = name
        self._show = show
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Future[Decision]]] = {}

    async def decide(self, proposal: Proposal) -> Decision:
        """The person's decision, with the time it took."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()
        with self._lock:
            self._waiting[proposal.proposal_id] = (loop, future)
        started = time.monotonic()
        try:
            self._show(proposal)
            # Shown first: nobody waits for what a dry run finds out.
            for foresight in _foresights(proposal):
                foresight.begin()
            decision = await future
        finally:
            with self._lock:
                self._waiting.pop(proposal.proposal_id, None)
        return msgspec.structs.replace(decision, by=decision.by or self.name, took=time.monotonic() - started)

    def answer(self, proposal_id: str, decision: Decision) -> bool:
        """Decide on a waiting proposal; False if it does not wait (decided already, or withdrawn)."""
        with self._lock:
            waiting = self._waiting.pop(proposal_id, None)
        if waiting is None:
            return False
        loop, future = waiting

        def settle() -> None:
            if not future.done():
                future.set_result(decision)

        loop.call_soon_threadsafe(settle)
        return True


def _foresights(proposal: Proposal) -> list[Foresight]:
    """What can be found out of `proposal` by trying it."""
    if not isinstance(proposal, StepProposal):
        return []
    others = [candidate.foresight for candidate in proposal.candidates]
    return list(dict.fromkeys(f for f in (proposal.foresight, *others) if f is not None))
