"""From a prompt to a proposal: the supervisor is asked, its reply is read, the cells in it are put on record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from distill_core import events as ev
from distill_core import fences
from distill_core.analysis import analyse
from distill_core.conversation import Conversation
from distill_core.dry_run import DryRunner
from distill_core.errors import BudgetExceeded, ModelError
from distill_core.forecast import Forecast, Foresight
from distill_core.models.base import LMResponse
from distill_core.proposals import Candidate, ProposedCell, StepProposal
from distill_core.record import number
from distill_core.recorder import Recorder
from distill_core.supervising import SupervisorLine

WARMER = 0.7
"""Temperature of further candidates, where the supervisor's own is lower: at zero they would all be the same."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One reply of the supervisor and what is in it."""

    call_id: str
    reply: LMResponse
    found: fences.Extraction
    cells: tuple[ProposedCell, ...] = ()
    foresight: Foresight | None = None


class Proposer:
    """Makes the proposals of one session.

    Args:
        dialect: of the code, for reading replies.
        dry: tries what is proposed, on demand.
        tell: gets each forecast.
    """

    def __init__(
        self,
        line: SupervisorLine,
        conversation: Conversation,
        recorder: Recorder,
        dry: DryRunner,
        *,
        dialect: Literal["distill", "rlm"],
        tell: Callable[[Forecast], None],
    ) -> None:
        self._line = line
        self._conversation = conversation
        self._recorder = recorder
        self._dry = dry
        self._dialect = dialect
        self._tell = tell
        self._cells = 0

    async def draft(self, step: int) -> Draft:
        """Ask the supervisor, read what it says, and record the cells in it.

        Raises:
            ModelError: the call failed for good.
            BudgetExceeded: the budget has no room for it.
            Stopped: the session ends.
        """
        return self._read(step, *await self._line.ask(self._conversation, step, 0))

    def _read(self, step: int, call_id: str, reply: LMResponse) -> Draft:
        found = fences.extract_blocks(reply.text, finish_reason=reply.finish_reason, dialect=self._dialect)
        draft = Draft(call_id=call_id, reply=reply, found=found)
        if found.problem is not None:
            self._recorder.emit(ev.ReplyRejected(step=step, call_id=call_id, problem=found.problem))
            return draft
        cells = [self.new_cell(step, call_id, i, block.code) for i, block in enumerate(found.blocks)]
        codes = [cell.code for cell in cells]
        foresight = Foresight(lambda: self._dry.look(call_id, codes), self._tell)
        return msgspec.structs.replace(draft, cells=tuple(cells), foresight=foresight)

    async def more(self, step: int, first: int, count: int) -> list[Draft]:
        """`count` further replies to the same prompt, asked for at once; numbers go on from `first`.

        Those that fail or that the budget does not allow are left out; what failed is on record.

        Raises:
            Stopped: the session ends.
        """
        asked = (self._one_more(step, first + i) for i in range(count))
        replies: list[tuple[str, LMResponse]] = []
        for result in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            if result is not None:
                replies.append(result)
        # Cells are named in the order of the calls, not of the replies: so they get the same names when this is
        # gone through once more from the record.
        replies.sort(key=lambda answered: number(answered[0]))
        return [self._read(step, call_id, reply) for call_id, reply in replies]

    async def _one_more(self, step: int, place: int) -> tuple[str, LMResponse] | None:
        try:
            extra = _warmer(self._line.sampling, place)
            return await self._line.ask(self._conversation, step, place, extra)
        except (ModelError, BudgetExceeded):
            # What there is already is still to be decided on.
            return None

    def new_cell(
        self, step: int, call_id: str, index: int, code: str, *, by_person: bool = False
    ) -> ProposedCell:
        """Record a cell that may run."""
        self._cells += 1
        cell_id = f"c{self._cells}"
        self._recorder.emit(
            ev.CellProposed(
                step=step,
                cell_id=cell_id,
                call_id=call_id,
                index=index,
                code=code,
                origin="person" if by_person else "supervisor",
            )
        )
        return ProposedCell(cell_id=cell_id, code=code, analysis=analyse(code))


def proposal(drafts: Sequence[Draft], step: int, turns: int | None, *, troubled: bool) -> StepProposal:
    """What is decided on: the first of `drafts` that can run, with the others beside it."""
    first = next(draft for draft in drafts if draft.cells)
    candidates = tuple(
        Candidate(
            call_id=draft.call_id,
            reply=draft.reply.text,
            cells=draft.cells,
            problem=draft.found.problem,
            foresight=draft.foresight,
        )
        for draft in drafts
    )
    return StepProposal(
        proposal_id=drafts[-1].call_id,
        step=step,
        turns=turns,
        reply=first.reply.text,
        cells=first.cells,
        troubled=troubled,
        call_id=first.call_id,
        candidates=candidates if len(drafts) > 1 else (),
        foresight=first.foresight,
    )


def _warmer(sampling: dict[str, Any], place: int) -> dict[str, Any]:
    """What a further candidate is asked with so that it may differ: another seed, and some warmth."""
    changed: dict[str, Any] = {}
    if isinstance(sampling.get("seed"), int):
        changed["seed"] = sampling["seed"] + place
    temperature = sampling.get("temperature")
    if isinstance(temperature, int | float) and temperature < WARMER:
        changed["temperature"] = WARMER
    return changed
