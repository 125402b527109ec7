"""Deciding at a plain prompt: one question a line, an answer a line, for a dumb terminal or a screen reader."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click
import msgspec

from distill_core.approval import (
    BudgetProposal,
    Decision,
    FailureProposal,
    FinalProposal,
    PersonApprover,
    Proposal,
    StepProposal,
)
from distill_core.plurals import count
from distill_core.raising import raised
from distill_core.reply_problems import IN_WORDS
from distill_core.signals import Differs
from tui.headless import diverging, looking
from tui.headless.lines import typed_line
from tui.headless.looking import Around
from tui.lines import line_ends
from tui.live.words import money
from tui.saying import say

STEP = (
    "[a]pprove, [e]dit, [r]eject, [g] more candidates, [w]rite your own, [f]inish, [x] stop; "
    "[d]ry run, [v]ariables, [t]ry code, [k] worker calls, [p]olicy, [?] help"
)
CHOICE = "[c]hoose a candidate, " + STEP
FINAL = (
    "[a]ccept, [e]dit and accept, [r] send back, [u] follow up, [x] stop; "
    "[v]ariables, [t]ry code, [k] worker calls, [?] help"
)
BUDGET = "[r]aise it, [x] stop"
FAILURE = "[t]ry again, [x] stop"
HELP = (
    "a: run the code as it is, or take the answer",
    "e: change it in your editor first ($EDITOR); what you save is run or taken",
    "r: send it back with your words; the supervisor tries again",
    "g: have more candidates drafted from the same prompt; c: choose one of them",
    "w: write the code yourself, from a strategy of the playbook or from nothing",
    "f: end with an answer of your own; x: stop with what there is",
    "u: ask something further of the same session, with its variables as they stand",
    "d: run the code on a copy, without a worker: calls, tokens and cost it would take",
    "v: variables with type and size; t: try code on a throw-away copy",
    "k: read worker calls, retry or change one",
    "p: who decides from now on: you, or a policy",
    "Letters or whole words (approve, edit, stop …), then enter. What decides nothing asks again afterwards.",
)


class Asker:
    """Asks on stderr, reads from stdin.

    Args:
        who: how decisions are signed.
        read: gives a line for a question; for tests.
    """

    def __init__(self, who: str, read: Callable[[str], str] | None = None) -> None:
        self.quiet: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.approver = PersonApprover(who, self._show)
        self.around = Around()
        self._read = read or typed_line

    def _show(self, proposal: Proposal) -> None:
        # A prompt blocks; the engine's loop must not.
        threading.Thread(target=self._ask, args=(proposal,), name="prompt", daemon=True).start()

    def _ask(self, proposal: Proposal) -> None:
        with self.quiet():
            try:
                decision = self._decision(proposal)
            except (EOFError, click.Abort):
                decision = Decision(action="stop", by="policy:end-of-input", reason="the input ended")
            except Exception as error:  # noqa: BLE001  # whatever it is, the session must not wait for ever
                decision = Decision(
                    action="stop", by="policy:no-prompt", reason=f"the prompt failed: {error}"
                )
        self.approver.answer(proposal.proposal_id, decision)

    def differs(self, differs: Differs) -> None:
        """Show how a recorded cell came out differently, and take somebody's word on it; nobody's is a no."""

        def ask() -> None:
            keep = False
            try:
                with self.quiet():
                    keep = diverging.asked(differs.run, may_branch=False) == "keep"
            finally:
                differs.answer(keep)

        threading.Thread(target=ask, name="prompt", daemon=True).start()

    def _decision(self, proposal: Proposal) -> Decision:
        match proposal:
            case StepProposal():
                _tell_step(proposal)
                _tell_candidates(proposal)
                return self._on_step(proposal)
            case FinalProposal():
                _tell_final(proposal)
                return self._on_final(proposal)
            case BudgetProposal():
                say(f"budget: {proposal.found}")
                return self._on_budget(proposal)
            case FailureProposal():
                say(f"the supervisor {proposal.model} did not answer: {proposal.found}")
                return self._on_failure(proposal)

    def _on_step(self, proposal: StepProposal) -> Decision:
        decision: Decision | None = None
        while decision is None:
            match self._read(CHOICE if proposal.candidates else STEP):
                case "a" | "approve":
                    decision = Decision(action="approve", by="")
                case "e" | "edit":
                    codes = edited([cell.code for cell in proposal.cells])
                    if codes is not None:
                        decision = Decision(action="edit", by="", codes=codes)
                    else:
                        say("nothing changed")
                case "r" | "reject":
                    words = self._read("what should it do instead?")
                    decision = Decision(action="reject", by="", guidance=words)
                case "g" | "more":
                    wanted = self._read("how many more?")
                    if wanted.isdigit() and int(wanted) > 0:
                        return Decision(action="regenerate", by="", more=int(wanted))
                    say("a number is needed")
                case "c" | "choose" if proposal.candidates:
                    proposal = self._chosen(proposal)
                case "w" | "write":
                    codes = self._written(proposal)
                    if codes is not None:
                        decision = Decision(action="write", by="", codes=codes)
                case "f" | "finish":
                    decision = Decision(action="finish", by="", answer=self._read("the answer:"))
                case "x" | "stop":
                    decision = Decision(action="stop", by="")
                case "d" | "dry run":
                    looking.dry_run(proposal)
                case "p" | "policy":
                    looking.switch_policy(self.around, self._read)
                case other:
                    self._look(other)
        chosen = proposal.call_id if proposal.candidates else None
        return msgspec.structs.replace(decision, chosen=chosen)

    def _on_final(self, proposal: FinalProposal) -> Decision:
        while True:
            match self._read(FINAL):
                case "a" | "accept":
                    return Decision(action="accept", by="")
                case "e" | "edit":
                    changed = click.edit(proposal.answer.text, extension=".txt", require_save=True)
                    if changed is not None:
                        return Decision(action="accept", by="", answer=changed.rstrip("\n"))
                    say("nothing changed")
                case "r" | "reject":
                    return Decision(action="send_back", by="", guidance=self._read("what is wrong with it?"))
                case "u" | "follow up":
                    if question := self._read("what do you want to know further?"):
                        return Decision(action="follow_up", by="", guidance=question)
                case "x" | "stop":
                    return Decision(action="stop", by="")
                case other:
                    self._look(other)

    def _on_budget(self, proposal: BudgetProposal) -> Decision:
        while True:
            match self._read(BUDGET):
                case "r" | "raise":
                    limits = raised(proposal.limits, proposal.limit)
                    return Decision(action="raise_budget", by="", limits=limits)
                case "x" | "stop":
                    return Decision(action="stop", by="", reason=proposal.found)
                case other:
                    self._look(other)

    def _on_failure(self, proposal: FailureProposal) -> Decision:
        while True:
            match self._read(FAILURE):
                case "t" | "again" | "try again":
                    return Decision(action="try_again", by="")
                case "x" | "stop":
                    return Decision(action="stop", by="", reason=proposal.found)
                case "?" | "h" | "help":
                    say("t: ask the supervisor once more; x: end the session with what there is")
                case other:
                    say(f"{other!r} is none of these; t asks the supervisor once more, x ends the session")

    def _look(self, what: str) -> None:
        """What decides nothing."""
        match what:
            case "v" | "variables":
                looking.variables(self.around)
            case "t" | "try":
                looking.scratch(self.around, self._read)
            case "k" | "calls":
                looking.calls(self.around, self._read, self.approver.name)
            case "?" | "h" | "help":
                for line in HELP:
                    say(line)
            case other:
                say(f"{other!r} is none of these; ? tells what each does")

    def _chosen(self, proposal: StepProposal) -> StepProposal:
        number = self._read("which one?")
        candidates = proposal.candidates
        if number.isdigit() and 0 < int(number) <= len(candidates) and candidates[int(number) - 1].cells:
            proposal = proposal.choosing(candidates[int(number) - 1].call_id)
            _tell_step(proposal)
        else:
            say(f"{number!r} is none of those that can run")
        return proposal

    def _written(self, proposal: StepProposal) -> tuple[str, ...] | None:
        """Code of the person's own, from a program of the playbook."""
        from distill_core.playbook import program, strategies

        for name, about in strategies().items():
            say(f"{name}: {about}")
        name = self._read("start from which (nothing: from nothing)?")
        if name and name not in strategies():
            say(f"{name!r} is none of these")
            return None
        state = self.around.state() if self.around.state is not None else None
        start = program(name, state.question if state is not None else "") if name else ""
        code = click.edit(start, extension=".py", require_save=True)
        if code is None or not code.strip():
            say("nothing was saved")
            return None
        return (code.rstrip("\n"),)


def _tell_step(proposal: StepProposal) -> None:
    turns = f" of {proposal.turns}" if proposal.turns else ""
    say(f"step {proposal.step}{turns}. The supervisor says:\n{line_ends(proposal.reply).strip()}")
    for cell in proposal.cells:
        found = cell.analysis
        known = found.worker_calls
        calls = "an unknown number of worker calls" if known is None else count(known, "worker call")
        say(f"cell {cell.cell_id}: {calls}; imports: {', '.join(found.imports) or 'none'}")
        if found.suspects:
            say(f"  look at: {', '.join(found.suspects)}")
        if found.error:
            say(f"  does not parse: {found.error}")


def _tell_candidates(proposal: StepProposal) -> None:
    for number, candidate in enumerate(proposal.candidates, 1):
        if candidate.problem is not None:
            say(
                f"candidate {number} has nothing to run: {IN_WORDS.get(candidate.problem, candidate.problem)}"
            )
        elif candidate.call_id == proposal.call_id:
            say(f"candidate {number} is the one above")
        else:
            say(f"candidate {number}:\n{line_ends(candidate.reply).strip()}")


def _tell_final(proposal: FinalProposal) -> None:
    say(f"step {proposal.step}, answer: {proposal.answer.text}")
    if proposal.spent is not None:
        spent = proposal.spent
        cost = "" if spent.cost is None else f", {money(spent.cost)}"
        calls = count(spent.worker_calls, "worker call")
        say(f"spent so far: {count(spent.tokens, 'token')}, {calls}{cost}")
    if proposal.look is not None:
        found = proposal.look()
        for finding in found:
            say(f"evidence {finding.status}: {finding.quote}")
        if not found:
            say("the answer quotes nothing from the document")


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
