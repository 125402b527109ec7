"""Before a session goes on: do its recorded cells still come out the same, and what to do where they do not?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, TypeAlias

import click
import msgspec

if TYPE_CHECKING:
    from distill_core.continuing import Earlier
    from distill_core.rerunning import Rerun
    from sessions.kept import Kept
    from tui.cli.launch import Stage
    from tui.diverging import Choice as Answer

Choice: TypeAlias = Literal["ask", "stop", "keep", "branch"]


class BranchHere(Exception):  # not an error: it says where to go on from
    """The person goes on from the step that came out differently."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def checked(
    earlier: Earlier, kept: Kept, isolation: str, choice: Choice, *, may_branch: bool = True
) -> Earlier:
    """`earlier` as it may go on: with every difference let pass that the person lets pass.

    Args:
        choice: what to do where a cell comes out differently; "ask" asks where there is somebody to ask.
        may_branch: whether one can go on from the step that differs.

    Raises:
        RebuildStopped: the person would rather stop.
        BranchHere: the person goes on from the step that differs.
    """
    from distill_core.continuing import RebuildStopped
    from distill_core.replaying import replay

    passed: set[str] = set()

    def seen(run: Rerun) -> None:
        if not run.differences:
            return
        taken = choice if choice != "ask" else _ask(run, may_branch=may_branch)
        if taken == "branch":
            raise BranchHere(run.cell.step)
        if taken != "keep":
            raise RebuildStopped(run)
        passed.add(run.cell.cell_id)

    async def look() -> None:
        await replay(earlier.record, kept.context, isolation=isolation, to_the_end=True, on_rerun=seen)

    if earlier.record.finished_cells:
        asyncio.run(look())

    async def go_on(run: Rerun) -> bool:
        return choice == "keep" or run.cell.cell_id in passed

    return msgspec.structs.replace(earlier, go_on=go_on)


def _ask(run: Rerun, *, may_branch: bool) -> Answer:
    """What the person wants: on the screen that the program runs on, else at the terminal."""
    from tui.headless.diverging import asked

    context = click.get_current_context(silent=True)
    stage: Stage | None = context.obj if context is not None else None
    if stage is not None:
        return stage.ask_about(run, may_branch=may_branch)
    return asked(run, may_branch=may_branch)
