"""The same supervisor's code with another worker: what would that one have said, and what would have come of it?

It is a session of its own, of the kind "replay": the replies of the supervisor and the decisions are the recorded ones,
given again without a call; the worker is asked for real. It names the recorded session as its parent, none of whose
steps it has copied.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from distill_core import events as ev
from distill_core.approval import BudgetProposal, Decision, FailureProposal, FinalProposal, Proposal
from distill_core.models.base import LMResponse
from distill_core.models.recorded import Prompt, RecordedHandler
from distill_core.record import Record
from distill_core.redriving import recorded_decision
from distill_core.state import SessionState, Step

KIND = "replay"
"""The kind of session; also signs what a person decided then. What a policy or nobody decided is signed as a policy's,
so that it ends as it ended then: an answer after the budget was used up counts where a person accepted it."""

BY_POLICY = f"policy:{KIND}"


def supervisor_again(record: Record) -> RecordedHandler:
    """The supervisor's replies, in order, to whatever it is asked now; nothing is paid for them again."""
    replies: list[tuple[Prompt, LMResponse]] = []
    for step in record.state.steps:
        if not step.calls:
            continue  # a bound was met before the supervisor was asked
        taken = _taken(step)
        for exchange in record.exchanges:
            if exchange.called.call_id == taken and (reply := exchange.response()) is not None:
                replies.append((None, msgspec.structs.replace(reply, cached=True)))
    return RecordedHandler(replies, model=record.started.supervisor)


def _taken(step: Step) -> str:
    """The call whose reply the step went on with."""
    calls = list(step.calls)
    on_step = [d for d in step.decisions if d.proposal_id in calls and d.action != "regenerate"]
    return on_step[-1].proposal_id if on_step else calls[-1]


class DecidedAgain:
    """Decides as it was decided: the code that ran runs, what was rejected is rejected."""

    def __init__(self, record: Record) -> None:
        self._record = record

    async def decide(self, proposal: Proposal) -> Decision:
        """The recorded decision. An answer on which none was made is accepted, code that never ran is not run."""
        if isinstance(proposal, BudgetProposal | FailureProposal):
            return Decision(action="stop", by=KIND, reason=proposal.found)
        steps = self._record.state.steps
        step = steps[proposal.step - 1] if proposal.step <= len(steps) else Step(number=proposal.step)
        if isinstance(proposal, FinalProposal):
            on_final = [d for d in step.decisions if d.proposal_id.startswith("final:")]
            return self._again(on_final[-1]) if on_final else Decision(action="accept", by=BY_POLICY)
        on_code = [d for d in step.decisions if not d.proposal_id.startswith(("final:", *ev.BESIDE))]
        settled = [d for d in on_code if d.action != "regenerate"]
        if settled:
            return self._again(settled[-1])
        return Decision(action="approve" if self._ran(step) else "stop", by=BY_POLICY)

    def _again(self, made: ev.DecisionMade) -> Decision:
        """The decision `made`. The one reply that is given again is the one that was chosen then."""
        by = BY_POLICY if made.by.startswith("policy:") else KIND
        decision = msgspec.structs.replace(recorded_decision(made), by=by, took=0.0, chosen=None)
        finished = self._record.state.finished
        if made.action == "finish" and decision.answer is None and finished is not None and finished.answer:
            # A step that was finished by hand has its answer in the session's end alone.
            return msgspec.structs.replace(decision, answer=finished.answer.text)
        return decision

    def _ran(self, step: Step) -> bool:
        return any(self._record.state.cells[cell_id].phase != "proposed" for cell_id in step.cells)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What two workers said to the same prompt; None where one was not asked, or failed."""

    step: int
    prompt: str
    before: str | None
    now: str | None

    @property
    def same(self) -> bool:
        """Whether they said the same, spaces apart."""
        return self.before is not None and self.now is not None and self.before.split() == self.now.split()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two sessions with the same code and different workers."""

    before: SessionState
    now: SessionState
    pairs: tuple[Pair, ...]

    @property
    def same(self) -> int:
        """How many prompts got the same reply."""
        return sum(pair.same for pair in self.pairs)


def compare(before: SessionState, now: SessionState) -> Comparison:
    """What the workers of two sessions said, prompt by prompt; equal prompts in their order."""
    first, second = _said(before), _said(now)
    pairs = []
    for key in dict.fromkeys([*first, *second]):
        a, b = first.get(key, []), second.get(key, [])
        for place in range(max(len(a), len(b))):
            pairs.append(
                Pair(
                    step=key[0],
                    prompt=key[1],
                    before=a[place] if place < len(a) else None,
                    now=b[place] if place < len(b) else None,
                )
            )
    return Comparison(before=before, now=now, pairs=tuple(pairs))


def _said(state: SessionState) -> dict[tuple[int, str], list[str | None]]:
    said: defaultdict[tuple[int, str], list[str | None]] = defaultdict(list)
    for call_id in state.call_order:
        call = state.calls[call_id]
        said[call.step, call.prompt].append(call.override if call.override is not None else call.response)
    return dict(said)
