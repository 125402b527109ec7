"""`distill-tui fork`: a new session with another's first steps, which goes its own way from there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli.options import config_options, going_on_options, model_options, session_options
from tui.saying import say

if TYPE_CHECKING:
    from distill_core.config import Effective, Models
    from distill_core.continuing import Earlier
    from distill_core.record import Record
    from tui.cli.planned import Plan


@click.command("fork")
@click.argument("session")
@click.option("--at", type=click.IntRange(1), help="The step to branch off at. [default: behind the last]")
@click.option("--edit", is_flag=True, help="Change the code of that step in your editor first.")
@click.option("--code", type=click.Path(path_type=Path), help="Run the code of this file at that step.")
@click.option(
    "--instruct", metavar="TEXT", default="", help="Words for the supervisor in front of that step."
)
@click.option("--tree", is_flag=True, help="Only show the session's tree of forks.")
@going_on_options
@session_options
@model_options
@config_options
def command(
    session: str,
    at: int | None,
    edit: bool,
    code: Path | None,
    instruct: str,
    tree: bool,
    on_divergence: str,
    **options: Any,
) -> int:
    """Branch off from SESSION at a step: with other code, other words, another model, other bounds.

    SESSION is a folder, an id, the beginning of one, or last (the newest). The steps before are copied and marked so;
    the variables come back by running their cells again with the recorded replies, so that no model is called for them.
    """
    from distill_core.forking import fork
    from tui.cli.kept import limits_for, opened, same_models, settings_for, who
    from tui.cli.launch import launch_planned
    from tui.cli.planned import Plan, place
    from tui.cli.rebuilding import BranchHere, checked

    kept = opened(session, options)
    if tree:
        _show_tree(kept.folder)
        return 0
    record = kept.record
    step = at if at is not None else len(record.state.steps) + 1
    codes = _codes(record, step, edit=edit, code=code)
    effective = settings_for(record, options)

    def earlier(isolation: str) -> Earlier:
        branch = fork(record, step, codes=codes, instruction=instruct, by=who(effective))
        way: Any = on_divergence
        while True:
            try:
                return checked(branch, kept, isolation, way)
            except BranchHere as here:
                say(f"branching off at step {here.step}; its code runs anew")
                branch = fork(record, here.step, by=who(effective), at="decision")

    def plan(effective: Effective, models: Models, isolation: str) -> Plan:
        from distill_core.primitives import load_primitives
        from distill_core.respecifying import spec_of

        same_models(record, models, options)
        spec = spec_of(
            record,
            kept.context,
            limits=limits_for(record, effective),
            prices=models.prices,
            prompt_style=models.prompt_style,
            worker_ctx_k=models.worker_ctx_k,
            output_limit=effective.settings.session.output_limit,
            primitives=load_primitives(effective.settings.session.primitives),
            isolation=isolation,
            **place(effective),
        )
        return Plan(spec=spec, earlier=earlier(isolation), asks=on_divergence == "ask")

    return launch_planned(effective, options, plan)


def _codes(record: Record, step: int, *, edit: bool, code: Path | None) -> tuple[str, ...] | None:
    """The code that runs in the place of the step's own; None where that stays."""
    from distill_core.errors import DistillError
    from distill_core.forking import codes_of
    from tui.headless.asking import MARK, edited

    if edit and code is not None:
        raise click.UsageError("--edit and --code exclude one another.")
    if code is not None:
        try:
            text = code.read_text(encoding="utf-8")
            return tuple(piece.strip("\n") for piece in text.split(f"\n{MARK}\n"))
        except OSError as error:
            raise DistillError(f"cannot read {code}", found=error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise DistillError(f"cannot read {code}", found="no text in UTF-8") from error
    if not edit:
        return None
    changed = edited(list(codes_of(record, step)))
    if changed is None:
        raise DistillError("nothing was changed", remedy="save the file to fork with other code")
    return changed


def _show_tree(folder: Path) -> None:
    from sessions.forking import family
    from tui.browsing.tree import words

    for node in family(folder):
        name, branch, question = words(node)
        mark = "  <" if node.folder.absolute() == folder.absolute() else ""
        click.echo(f"{name}{branch}  {question}{mark}")
