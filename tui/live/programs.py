"""Programs of the playbook as a start for code of one's own, fitted to the question and to what is known so far."""

from __future__ import annotations

from distill_core.playbook import program, strategies
from distill_core.playbook.transcript import read
from distill_core.proposals import StepProposal
from distill_core.state import SessionState

NOTHING = "nothing"


def programs() -> dict[str, str]:
    """What one can start from, each with a line on it."""
    return {**strategies(), NOTHING: "an empty page"}


def started(name: str, state: SessionState, proposal: StepProposal) -> str:
    """The program called `name`, ready to be changed and run."""
    if name == NOTHING:
        return ""
    talk = read(state.prompt(proposal.call_id)) if proposal.call_id in state.replies else None
    room = talk.room if talk is not None and talk.room is not None else None
    facts = talk.facts if talk is not None else None
    if room is None:
        return program(name, state.question, facts=facts)
    return program(name, state.question, facts=facts, room=room)
