"""From a key to a decision: asks for the words or the code that a decision needs, and hands it to the approver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core.approval import (
    BudgetProposal,
    Decision,
    FailureProposal,
    FinalProposal,
    Proposal,
    StepProposal,
)
from distill_core.events import Action
from distill_core.text import encodable
from tui.lines import Line
from tui.live import decision
from tui.live.difference import difference_lines
from tui.live.model import Changes
from tui.live.programs import programs, started
from tui.screens import compare
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane
from tui.screens.read import ReadScreen
from tui.screens.write import Page, write

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

START_KEYS = "123456789abcdefghijklmnoprstuvwxyz"
MORE = (1, 2, 3, 5, 8)
"""How many further candidates may be asked for at once."""


class Deciding:
    """The decisions that a person makes on `screen`."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._awaited = False

    def panes(self) -> Mapping[str, Pane]:
        """None: what waits is shown by `Proposing`."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """The actions at a gate."""
        return {
            "decide.approve": self._approve,
            "decide.edit": self._edit,
            "decide.edit-outside": lambda: self._edit(outside=True),
            "decide.reject": self._reject,
            "decide.regenerate": self._regenerate,
            "decide.compare": self._compare,
            "decide.write": self._write_own,
            "decide.difference": self._difference,
            "decide.follow-up": self._follow_up,
            "decide.finish": self._finish,
        }

    def take(self, changes: Changes) -> None:
        """Look an answer's quotations up; show candidates that were asked for as soon as they are there."""
        proposal = self._screen.model.proposal
        if not changes.gate:
            return
        if isinstance(proposal, FinalProposal) and proposal.look is not None:
            self._look_up(proposal)
        if self._awaited and isinstance(proposal, StepProposal):
            self._awaited = False
            if proposal.candidates:
                self._compare()
            else:
                self._screen.say("No further candidate came of it.", warning=True)

    def _look_up(self, proposal: FinalProposal) -> None:
        screen, look = self._screen, proposal.look
        if look is None or proposal.proposal_id in screen.model.findings:
            return

        def work() -> None:
            found = tuple(look())
            screen.app.call_from_thread(screen.model.evidence, proposal.proposal_id, found)

        # A pass over a long document takes its time; the screen does not wait for it.
        screen.run_worker(work, thread=True, exit_on_error=False)

    # ------------------------------------------------------------ at the gate

    def _approve(self) -> None:
        match self._screen.model.proposal:
            case StepProposal() as proposal:
                self._answer(proposal, "approve")
            case FinalProposal() as proposal:
                self._answer(proposal, "accept")
            case BudgetProposal() as proposal:
                self._raise(proposal)
            case FailureProposal() as proposal:
                self._answer(proposal, "try_again")
            case None:
                pass

    def _edit(self, *, outside: bool = False) -> None:
        match self._screen.model.proposal:
            case StepProposal() as proposal:
                self._edit_code(proposal, outside)
            case FinalProposal() as proposal:
                self._edit_answer(proposal, outside)
            case _:
                pass

    def _edit_code(self, proposal: StepProposal, outside: bool) -> None:
        before = tuple(cell.code for cell in proposal.cells)

        def run(codes: tuple[str, ...]) -> None:
            # Untouched code is an approval, whatever its path through the editor.
            if codes == tuple(code.replace("\r\n", "\n") for code in before):
                self._answer(proposal, "approve")
            else:
                self._answer(proposal, "edit", codes=tuple(encodable(code) for code in codes))

        write(
            self._screen,
            [Page(f"Edit {cell.cell_id} of step {proposal.step}", cell.code) for cell in proposal.cells],
            run,
            hint="What you save runs in the place of the proposal; both are kept.",
            done="save and run",
            language="python",
            outside=outside,
        )

    def _edit_answer(self, proposal: FinalProposal, outside: bool) -> None:
        def accept(texts: tuple[str, ...]) -> None:
            changed = texts[0] != proposal.answer.text
            self._answer(proposal, "accept", answer=encodable(texts[0]) if changed else None)

        write(
            self._screen,
            [Page("Edit the answer", proposal.answer.text)],
            accept,
            hint="What you save is accepted as the answer; both versions are kept.",
            done="accept this",
            outside=outside,
        )

    def _reject(self) -> None:
        match self._screen.model.proposal:
            case StepProposal() as proposal:
                self._guide(proposal, "reject", "Reject: what should the supervisor do instead?", "reject")
            case FinalProposal() as proposal:
                self._guide(proposal, "send_back", "Send back: what is wrong with the answer?", "send back")
            case _:
                pass

    def _guide(self, proposal: Proposal, action: Action, title: str, done: str) -> None:
        write(
            self._screen,
            [Page(title, "")],
            lambda texts: self._answer(proposal, action, guidance=encodable(texts[0].strip())),
            hint="The supervisor gets your words. ctrl+j begins a new line.",
            done=done,
            one_line=True,
            check=lambda texts: None if texts[0].strip() else "say a few words, they are what it learns from",
        )

    def _regenerate(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, StepProposal):
            return

        def ask(choice: str | None) -> None:
            if choice is not None:
                self._awaited = True
                self._answer(proposal, "regenerate", more=int(choice))

        choices = [
            Choice(
                str(n),
                str(n),
                "more candidate" if n == 1 else "more candidates, asked for at once",
                title=str(n),
            )
            for n in MORE
        ]
        self._screen.app.push_screen(
            ConfirmScreen("How many more, from the same prompt? What there is stays.", choices), ask
        )

    def _compare(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, StepProposal) or not proposal.candidates:
            return

        def use(chosen: compare.Choice | None) -> None:
            waiting = self._screen.model.proposal
            if chosen is None or not isinstance(waiting, StepProposal):
                return
            self._screen.model.choose(chosen.call_id)
            self._screen.redraw()
            if chosen.approve:
                self._approve()

        model = self._screen.model
        self._screen.app.push_screen(
            compare.CompareScreen(proposal.candidates, proposal.call_id, model.forecasts), use
        )

    def _write_own(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, StepProposal):
            return

        def begin(name: str | None) -> None:
            if name is not None:
                self._write_from(proposal, name)

        choices = [
            Choice(key, name, about, title=name)
            for key, (name, about) in zip(START_KEYS, programs().items(), strict=False)
        ]
        self._screen.app.push_screen(ConfirmScreen("Start your own code from which program?", choices), begin)

    def _write_from(self, proposal: StepProposal, name: str) -> None:
        state = self._screen.model.state
        write(
            self._screen,
            [Page(f"Your own code for step {proposal.step}", started(name, state, proposal))],
            lambda texts: self._answer(proposal, "write", codes=(encodable(texts[0]),)),
            hint="What you save runs in the place of the proposal; that is kept.",
            done="save and run",
            language="python",
            check=lambda texts: None if texts[0].strip() else "there is nothing to run yet",
        )

    def _difference(self) -> None:
        revisions = self._screen.model.revisions
        lines: list[Line] = []
        for cell_id, revision in revisions.items():
            lines.append(((f"{cell_id} revises {revision.of}", "heading"),))
            lines += [*difference_lines(revision.before, revision.after), ()]
        self._screen.app.push_screen(ReadScreen("What the code changes", lines, indent=2))

    def _follow_up(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, FinalProposal):
            return
        write(
            self._screen,
            [Page("Follow up: what do you want to know further?", "")],
            lambda texts: self._answer(proposal, "follow_up", guidance=encodable(texts[0].strip())),
            hint="The answer is accepted; the REPL keeps its variables.",
            done="ask",
            one_line=True,
            check=lambda texts: None if texts[0].strip() else "a question is needed; a accepts without one",
        )

    def _finish(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, StepProposal):
            return
        offered = self._screen.model.state.final_proposed
        write(
            self._screen,
            [Page("Finish with this answer", offered.answer.text if offered is not None else "")],
            lambda texts: self._answer(proposal, "finish", answer=encodable(texts[0].strip())),
            hint="The proposed code does not run; the session ends with what you write.",
            done="finish",
            check=lambda texts: None if texts[0].strip() else "an answer is needed; x stops without one",
        )

    def _raise(self, proposal: BudgetProposal) -> None:
        limits, limit = proposal.limits, proposal.limit

        def check(texts: tuple[str, ...]) -> str | None:
            try:
                decision.raised(limits, limit, texts[0])
            except ValueError as error:
                return str(error)
            return None

        write(
            self._screen,
            [Page(f"New bound on {decision.bound_name(limit)}", decision.suggested(limits, limit))],
            lambda texts: self._answer(
                proposal, "raise_budget", limits=decision.raised(limits, limit, texts[0])
            ),
            hint=proposal.found,
            done="raise and go on",
            one_line=True,
            check=check,
        )

    def _answer(self, proposal: Proposal, action: Action, **parts: object) -> None:
        """Hand the decision over, unless the proposal was withdrawn while it was thought about."""
        screen = self._screen
        if isinstance(proposal, StepProposal) and proposal.candidates and action != "regenerate":
            parts["chosen"] = proposal.call_id
        made = Decision(action=action, by=screen.wiring.who, **parts)  # type: ignore[arg-type]  # fields of Decision
        if not screen.wiring.person.answer(proposal.proposal_id, made):
            self._screen.say("This was decided already or withdrawn; nothing was changed.", warning=True)
        screen.model.decided()
        screen.redraw()
