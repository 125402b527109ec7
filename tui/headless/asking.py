"""Deciding at a plain prompt: one question a line, an answer a line, for a dumb terminal or a screen reader."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from distill_core.approval import (
    BudgetProposal,
    Decision,
    FinalProposal,
    PersonApprover,
    Proposal,
    StepProposal,
)
from distill_core.raising import raised
from tui.saying import say

STEP = "[a]pprove, [e]dit, [r]eject, [f]inish, [x] stop"
FINAL = "[a]ccept, [r] send back, [x] stop"
BUDGET = "[r]aise it, [x] stop"


class Asker:
    """Asks on stderr, reads from stdin.

    Args:
        who: how decisions are signed.
        read: gives a line for a question; for tests.
    """

    def __init__(self, who: str, read: Callable[[str], str] | None = None) -> None:
        self.quiet: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.approver = PersonApprover(who, self._show)
        self._read = read or _prompt

    def _show(self, proposal: Proposal) -> None:
        # A prompt blocks; the engine's loop must not.
        threading.Thread(target=self._ask, args=(proposal,), name="prompt", daemon=True).start()

    def _ask(self, proposal: Proposal) -> None:
        with self.quiet():
            try:
                decision = self._decision(proposal)
            except (EOFError, click.Abort):
                decision = Decision(action="stop", by="", reason="the input ended")
            except Exception as error:  # noqa: BLE001  # whatever it is, the session must not wait for ever
                decision = Decision(action="stop", by="", reason=f"the prompt failed: {error}")
        self.approver.answer(proposal.proposal_id, decision)

    def _decision(self, proposal: Proposal) -> Decision:
        match proposal:
            case StepProposal():
                _tell_step(proposal)
                return self._on_step(proposal)
            case FinalProposal():
                say(f"step {proposal.step}, answer: {proposal.answer.text}")
                return self._on_final()
            case BudgetProposal():
                say(f"budget: {proposal.found}")
                return self._on_budget(proposal)

    def _on_step(self, proposal: StepProposal) -> Decision:
        while True:
            match self._read(STEP):
                case "a" | "approve":
                    return Decision(action="approve", by="")
                case "e" | "edit":
                    codes = edited([cell.code for cell in proposal.cells])
                    if codes is not None:
                        return Decision(action="edit", by="", codes=codes)
                    say("nothing changed")
                case "r" | "reject":
                    return Decision(action="reject", by="", guidance=self._read("what should it do instead?"))
                case "f" | "finish":
                    return Decision(action="finish", by="", answer=self._read("the answer:"))
                case "x" | "stop":
                    return Decision(action="stop", by="")
                case other:
                    say(f"{other!r} is none of these")

    def _on_final(self) -> Decision:
        while True:
            match self._read(FINAL):
                case "a" | "accept":
                    return Decision(action="accept", by="")
                case "r" | "reject":
                    return Decision(action="send_back", by="", guidance=self._read("what is wrong with it?"))
                case "x" | "stop":
                    return Decision(action="stop", by="")
                case other:
                    say(f"{other!r} is none of these")

    def _on_budget(self, proposal: BudgetProposal) -> Decision:
        while True:
            match self._read(BUDGET):
                case "r" | "raise":
                    limits = raised(proposal.limits, proposal.limit)
                    return Decision(action="raise_budget", by="", limits=limits)
                case "x" | "stop":
                    return Decision(action="stop", by="", reason=proposal.found)
                case other:
                    say(f"{other!r} is none of these")


def _prompt(question: str) -> str:
    answer: str = click.prompt(question, prompt_suffix=" > ", err=True, default="", show_default=False)
    return answer.strip()


def _tell_step(proposal: StepProposal) -> None:
    turns = f" of {proposal.turns}" if proposal.turns else ""
    say(f"step {proposal.step}{turns}. The supervisor says:\n{proposal.reply.strip()}")
    for cell in proposal.cells:
        found = cell.analysis
        calls = "an unknown number of" if found.worker_calls is None else str(found.worker_calls)
        say(f"cell {cell.cell_id}: {calls} worker calls; imports: {', '.join(found.imports) or 'none'}")
        if found.suspects:
            say(f"  look at: {', '.join(found.suspects)}")
        if found.error:
            say(f"  does not parse: {found.error}")


MARK = "# ---- next cell (leave this line) ----"


def edited(codes: list[str]) -> tuple[str, ...] | None:
    """The codes as changed in the person's editor; None if they were not."""
    before = f"\n{MARK}\n".join(codes) + "\n"
    after = click.edit(before, extension=".py", require_save=True)
    if after is None or after == before:
        return None
    for line in difflib.unified_diff(
        before.splitlines(), after.splitlines(), "proposed", "yours", lineterm=""
    ):
        say(line)
    return tuple(piece.strip("\n") for piece in after.split(f"\n{MARK}\n"))
