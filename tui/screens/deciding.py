"""From a key to a decision: asks for the words or the code that a decision needs, and hands it to the approver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from distill_core.approval import (
    POLICIES,
    BudgetProposal,
    Decision,
    FinalProposal,
    PolicyName,
    Proposal,
    StepProposal,
)
from distill_core.events import Action
from distill_core.text import encodable
from tui.live import decision
from tui.live.model import Changes
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane
from tui.screens.write import Page, WriteScreen

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

POLICY_KEYS: dict[str, PolicyName] = {"1": "ask", "2": "cheap", "3": "on-error", "4": "auto"}


class Deciding:
    """The decisions that a person makes on `screen`."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._interrupted: str | None = None

    def panes(self) -> Mapping[str, Pane]:
        """None: what waits is shown by `Proposing`."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """The actions that decide or steer."""
        return {
            "decide.approve": self._approve,
            "decide.edit": self._edit,
            "decide.reject": self._reject,
            "decide.finish": self._finish,
            "session.stop": self._stop,
            "session.pause": self._pause,
            "session.policy": self._policy,
            "cell.interrupt": self._interrupt,
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    # ------------------------------------------------------------ at the gate

    def _approve(self) -> None:
        match self._screen.model.proposal:
            case StepProposal() as proposal:
                self._answer(proposal, "approve")
            case FinalProposal() as proposal:
                self._answer(proposal, "accept")
            case BudgetProposal() as proposal:
                self._raise(proposal)
            case None:
                pass

    def _edit(self) -> None:
        match self._screen.model.proposal:
            case StepProposal() as proposal:
                self._edit_code(proposal)
            case FinalProposal() as proposal:
                self._edit_answer(proposal)
            case _:
                pass

    def _edit_code(self, proposal: StepProposal) -> None:
        before = tuple(cell.code for cell in proposal.cells)

        def run(codes: tuple[str, ...]) -> None:
            # Untouched code is an approval, whatever its path through the editor.
            if codes == tuple(code.replace("\r\n", "\n") for code in before):
                self._answer(proposal, "approve")
            else:
                self._answer(proposal, "edit", codes=tuple(encodable(code) for code in codes))

        self._write(
            [Page(f"Edit {cell.cell_id} of step {proposal.step}", cell.code) for cell in proposal.cells],
            run,
            hint="What you save runs in the place of the proposal; both are kept.",
            done="save and run",
            language="python",
        )

    def _edit_answer(self, proposal: FinalProposal) -> None:
        def accept(texts: tuple[str, ...]) -> None:
            changed = texts[0] != proposal.answer.text
            self._answer(proposal, "accept", answer=encodable(texts[0]) if changed else None)

        self._write(
            [Page("Edit the answer", proposal.answer.text)],
            accept,
            hint="What you save is accepted as the answer; both versions are kept.",
            done="accept this",
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
        self._write(
            [Page(title, "")],
            lambda texts: self._answer(proposal, action, guidance=encodable(texts[0].strip())),
            hint="The supervisor gets your words. ctrl+j begins a new line.",
            done=done,
            one_line=True,
            check=lambda texts: None if texts[0].strip() else "say a few words, they are what it learns from",
        )

    def _finish(self) -> None:
        proposal = self._screen.model.proposal
        if not isinstance(proposal, StepProposal):
            return
        offered = self._screen.model.state.final_proposed
        self._write(
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

        self._write(
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
        made = Decision(action=action, by=screen.wiring.who, **parts)  # type: ignore[arg-type]  # fields of Decision
        if not screen.wiring.person.answer(proposal.proposal_id, made):
            self._screen.say("This was decided already or withdrawn; nothing was changed.", warning=True)
        screen.model.decided()
        screen.redraw()

    # ------------------------------------------------------------ while it runs

    def _stop(self) -> None:
        screen = self._screen

        def stop(choice: str | None) -> None:
            if choice is not None:
                screen.wiring.engine.stop(screen.wiring.who)

        screen.app.push_screen(
            ConfirmScreen("Stop the session?", [Choice("x", "stop", "stop it with its best partial result")]),
            stop,
        )

    def _pause(self) -> None:
        screen = self._screen
        screen.model.paused = not screen.model.paused
        if screen.model.paused:
            screen.wiring.engine.pause()
        else:
            screen.wiring.engine.resume()
        screen.redraw(everything=True)

    def _interrupt(self) -> None:
        cell = self._screen.model.running_cell
        if cell == self._interrupted:
            # Asked a second time: it does not listen, or the person wants to go.
            self._screen.action_act("app.quit")
            return
        self._interrupted = cell
        self._screen.wiring.engine.interrupt(self._screen.wiring.who)
        self._screen.say("The cell was asked to stop.")

    def _policy(self) -> None:
        screen = self._screen

        def switch(choice: str | None) -> None:
            if choice is None:
                return
            policy = next(name for name in POLICIES if name == choice)
            screen.wiring.policy.switch(policy)
            screen.redraw(everything=True)

        now = screen.wiring.policy.policy
        choices = [
            Choice(key, name, POLICIES[name] + (" (now)" if name == now else ""), title=name)
            for key, name in POLICY_KEYS.items()
        ]
        screen.app.push_screen(ConfirmScreen("Who approves from the next step on?", choices), switch)

    # ------------------------------------------------------------ asking

    def _write(
        self,
        pages: Sequence[Page],
        use: Callable[[tuple[str, ...]], None],
        *,
        hint: str,
        done: str,
        language: str | None = None,
        one_line: bool = False,
        check: Callable[[tuple[str, ...]], str | None] = lambda _: None,
    ) -> None:
        wiring = self._screen.wiring
        modal = WriteScreen(
            pages,
            hint=hint,
            palette=wiring.palettes[self._screen.app.theme],
            language=language,
            done=done,
            one_line=one_line,
            check=check,
        )
        self._screen.app.push_screen(modal, lambda texts: None if texts is None else use(texts))
