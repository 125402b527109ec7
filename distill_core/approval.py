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

from distill_core.analysis import CodeAnalysis
from distill_core.errors import ConfigError
from distill_core.events import Action, Final, Limits

PolicyName: TypeAlias = Literal["ask", "auto", "cheap", "on-error"]
POLICIES: dict[PolicyName, str] = {
    "ask": "a person decides every step and the answer",
    "auto": "every step and the answer are approved",
    "cheap": "steps with few worker calls and only known-harmless names are approved, a person decides the rest",
    "on-error": "steps are approved until a cell fails or a reply holds no code, then a person decides",
}


class ProposedCell(msgspec.Struct, frozen=True, kw_only=True):
    """One block waiting for its decision, with what can be told of it without running it."""

    cell_id: str
    code: str
    analysis: CodeAnalysis


class StepProposal(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of one supervisor reply. `troubled`: the step before it failed or held nothing to run."""

    proposal_id: str
    step: int
    turns: int | None
    reply: str
    cells: tuple[ProposedCell, ...]
    troubled: bool = False


class FinalProposal(msgspec.Struct, frozen=True, kw_only=True):
    """FINAL was called. `last`: no turn is left to send it back to."""

    proposal_id: str
    step: int
    answer: Final
    troubled: bool = False
    last: bool = False


class BudgetProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A bound is reached; `found` says which and by how much. Raise it, or let the session end."""

    proposal_id: str
    step: int
    limit: str
    found: str
    limits: Limits
    troubled: bool = False


Proposal: TypeAlias = StepProposal | FinalProposal | BudgetProposal


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a proposal.

    Args:
        action: what was decided; see `events.Action`.
        by: a person's name, or "policy:NAME".
        codes: for `edit` and `write`, the code of the cells to run instead.
        guidance: for `reject` and `send_back`, the words for the supervisor.
        answer: for `finish` (and an edited `accept`), the answer.
        limits: for `raise_budget`, the new bounds.
        took: seconds from proposal to decision.
        reason: why, for the record.
    """

    action: Action
    by: str
    codes: tuple[str, ...] | None = None
    guidance: str = ""
    answer: str | None = None
    limits: Limits | None = None
    took: float = 0.0
    reason: str = ""


class Approver(Protocol):
    """Decides on proposals."""

    async def decide(self, proposal: Proposal) -> Decision:
        """The decision on `proposal`; awaited on the engine's loop, for as long as it takes."""
        ...


class AutoApprover:
    """Approves every step and accepts every answer; a reached budget ends the session."""

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
        case BudgetProposal():
            return Decision(action="stop", by=by, reason=proposal.found)


class CheapBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to where `cheap` approves by itself: worker calls that the code of a step is seen to make."""

    worker_calls: int = 20


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
        self.on_switch: Callable[[str, str], None] = lambda policy, by: None
        self.policy: PolicyName = "auto"
        self.switch(policy)

    def switch(self, policy: PolicyName) -> None:
        """Decide by `policy` from the next proposal on."""
        if policy not in POLICIES:
            raise ConfigError("no such approval policy", found=policy, remedy="use " + ", ".join(POLICIES))
        if policy != "auto" and self._person is None:
            raise ConfigError(f"policy {policy} needs a person", remedy="use --approve auto")
        changed, self.policy = self.policy != policy, policy
        if changed:
            self.on_switch(policy, str(getattr(self._person, "name", "")) or "somebody")

    async def decide(self, proposal: Proposal) -> Decision:
        """Approve by rule, or ask."""
        if self._person is not None and self._asks(proposal):
            return await self._person.decide(proposal)
        return _approved(proposal, f"policy:{self.policy}")

    def _asks(self, proposal: Proposal) -> bool:
        if isinstance(proposal, BudgetProposal):
            return True
        match self.policy:
            case "ask":
                return True
            case "auto":
                return False
            case "on-error":
                return proposal.troubled
            case "cheap":
                return isinstance(proposal, StepProposal) and not self._is_cheap(proposal)

    def _is_cheap(self, proposal: StepProposal) -> bool:
        calls = [cell.analysis.worker_calls for cell in proposal.cells]
        bounded = all(n is not None for n in calls) and sum(n or 0 for n in calls) <= self._bound.worker_calls
        return bounded and all(cell.analysis.harmless for cell in proposal.cells)


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
