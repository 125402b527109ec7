"""The gate in a running session: asks the approver and records what was decided; once for each bound that is met."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from distill_core import events as ev
from distill_core.approval import (
    Approver,
    BudgetProposal,
    Decision,
    FailureProposal,
    FinalProposal,
    Proposal,
    StepProposal,
)
from distill_core.budget import Ledger
from distill_core.control import Control
from distill_core.errors import BudgetExceeded, ModelError
from distill_core.recorder import Recorder
from distill_core.signals import OnSignal, Phase


class Refusal(msgspec.Struct, frozen=True):
    """A bound was met in turn `step`, as `found` tells, and was not raised."""

    found: str
    step: int


class Gate:
    """Everything that waits for a decision passes here. `step` is the turn that the session is at."""

    def __init__(
        self, approver: Approver, recorder: Recorder, control: Control, ledger: Ledger, on_signal: OnSignal
    ) -> None:
        self.step = 0
        self._approver = approver
        self._recorder = recorder
        self._control = control
        self._ledger = ledger
        self._signal = on_signal
        self.refused: dict[str, Refusal] = {}
        """The bounds that nobody would raise."""
        self._asking = asyncio.Lock()

    def carry(self, refused: Mapping[str, Refusal]) -> None:
        """Go on from an earlier part of the session, which would not raise these bounds."""
        self.refused.update(refused)

    async def decide(self, proposal: Proposal) -> Decision:
        """The decision on `proposal`, recorded.

        Raises:
            Stopped: the session was ended while it waited.
        """
        self._signal(Phase(step=self.step, text="waiting"))
        try:
            decision = await self._control.race(self._approver.decide(proposal))
        except BaseException:
            _drop_forecasts(proposal)
            raise
        if decision.action != "regenerate":
            _drop_forecasts(proposal)
            if isinstance(proposal, StepProposal) and proposal.candidates:
                chosen = decision.chosen or proposal.call_id
                decision = msgspec.structs.replace(decision, chosen=chosen)
                proposal = proposal.choosing(chosen)
        before, after = _before_after(proposal, decision)
        self._recorder.emit(
            ev.DecisionMade(
                step=self.step,
                proposal_id=decision.chosen or proposal.proposal_id,
                action=decision.action,
                by=decision.by,
                took=decision.took,
                before=before,
                after=after,
                guidance=decision.guidance,
                chosen=decision.chosen,
                reason=decision.reason,
                more=decision.more if decision.action == "regenerate" else 0,
            )
        )
        return decision

    async def try_again(self, call_id: str, model: str, error: ModelError) -> bool:
        """Whether the supervisor, which did not answer the call, is to be asked once more."""
        proposal = FailureProposal(
            proposal_id=f"failed:{call_id}", step=self.step, model=model, found=str(error)
        )
        return (await self.decide(proposal)).action == "try_again"

    async def over_budget(self, error: BudgetExceeded) -> bool:
        """Whether the bound that `error` names was raised, so that the call may be tried again."""
        return await self.raise_bound(error.limit, error.found or str(error))

    async def raise_bound(self, limit: str, found: str) -> bool:
        """Ask whether to raise `limit`; once refused, it stays so for the session."""
        before = self._ledger.limits
        async with self._asking:
            # Many calls can meet the same bound at once; the first one asks for all.
            if self._ledger.limits != before:
                return True
            if limit in self.refused:
                return False
            proposal = BudgetProposal(
                proposal_id=f"budget:{limit}", step=self.step, limit=limit, found=found, limits=before
            )
            decision = await self.decide(proposal)
            if decision.action == "raise_budget" and decision.limits is not None:
                self._ledger.limits = decision.limits
                self._recorder.emit(
                    ev.BudgetChanged(step=self.step, before=before, after=decision.limits, by=decision.by)
                )
                return True
            self.refused[limit] = Refusal(found, self.step)
            return False


def _drop_forecasts(proposal: Proposal) -> None:
    if isinstance(proposal, StepProposal):
        for foresight in (proposal.foresight, *(c.foresight for c in proposal.candidates)):
            if foresight is not None:
                foresight.drop()


def _before_after(proposal: Proposal, decision: Decision) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The codes or the answer as proposed and, where the decision changed them, as decided."""
    match proposal:
        case StepProposal():
            after = decision.codes or ()
            if decision.action == "finish" and decision.answer is not None:
                after = (decision.answer,)
            return tuple(c.code for c in proposal.cells), after
        case FinalProposal():
            return (proposal.answer.text,), () if decision.answer is None else (decision.answer,)
        case BudgetProposal() | FailureProposal():
            return (), ()
