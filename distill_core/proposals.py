"""What waits for a decision: the cells of a step, the answer, a bound that is reached, a supervisor that does not
answer. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from distill_core.analysis import CodeAnalysis
from distill_core.budget import Spent
from distill_core.events import Final, Limits
from distill_core.evidence import Finding
from distill_core.forecast import Foresight


class ProposedCell(msgspec.Struct, frozen=True, kw_only=True):
    """One block waiting for its decision, with what can be told of it without running it."""

    cell_id: str
    code: str
    analysis: CodeAnalysis


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One reply to the prompt of a step. `problem` says why nothing of it can run, and then it has no cells."""

    call_id: str
    reply: str
    cells: tuple[ProposedCell, ...] = ()
    problem: str | None = None
    foresight: Foresight | None = None


class StepProposal(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of one supervisor reply.

    Args:
        proposal_id: what a decision names.
        step: the turn.
        turns: how many there are at most.
        reply: what the supervisor wrote.
        cells: what of it would run.
        troubled: the step before it failed or held nothing to run.
        call_id: the supervisor call that `reply` answers.
        candidates: all replies to the same prompt, where more than one was asked for.
        foresight: the dry run of `cells`; None where there is none.
    """

    proposal_id: str
    step: int
    turns: int | None
    reply: str
    cells: tuple[ProposedCell, ...]
    troubled: bool = False
    call_id: str = ""
    candidates: tuple[Candidate, ...] = ()
    foresight: Foresight | None = None

    def choosing(self, call_id: str) -> StepProposal:
        """The proposal with the candidate that answers `call_id` in front; a decision then is about that one.

        Raises:
            KeyError: there is no such candidate, or nothing of it can run.
        """
        for candidate in self.candidates:
            if candidate.call_id == call_id and candidate.problem is None:
                return msgspec.structs.replace(
                    self,
                    call_id=call_id,
                    reply=candidate.reply,
                    cells=candidate.cells,
                    foresight=candidate.foresight,
                )
        raise KeyError(call_id)


class FinalProposal(msgspec.Struct, frozen=True, kw_only=True):
    """FINAL was called.

    Args:
        answer: what was given.
        question: what it answers.
        troubled: the cell that gave it, or one beside it, failed.
        last: no turn is left to send it back to.
        spent: what the session has used so far.
        look: looks the answer's quotations up in the document; takes its time, on any thread.
    """

    proposal_id: str
    step: int
    answer: Final
    question: str = ""
    troubled: bool = False
    last: bool = False
    spent: Spent | None = None
    look: Callable[[], list[Finding]] | None = None


class BudgetProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A bound is reached; `found` says which and by how much. Raise it, or let the session end."""

    proposal_id: str
    step: int
    limit: str
    found: str
    limits: Limits
    troubled: bool = False


class FailureProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A call to the supervisor failed for good; `found` says why. Try again, or let the session end."""

    proposal_id: str
    step: int
    model: str
    found: str


Proposal: TypeAlias = StepProposal | FinalProposal | BudgetProposal | FailureProposal
