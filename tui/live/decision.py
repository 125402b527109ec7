"""What waits for a decision, said before it is made: names, imports and worker calls of the code, or the answer."""

from __future__ import annotations

import re

from distill_core import raising
from distill_core.analysis import CodeAnalysis
from distill_core.approval import (
    BudgetProposal,
    FailureProposal,
    FinalProposal,
    ProposedCell,
    StepProposal,
)
from distill_core.events import Limits, SessionFinished
from distill_core.evidence import Finding
from distill_core.plurals import count
from distill_core.revision import Revision
from tui.bridge import EngineEnded
from tui.lines import Line, Span, line_ends, roled
from tui.live import words
from tui.live.candidates import forecast_line
from tui.live.difference import difference_lines
from tui.live.model import LiveModel


def lines(model: LiveModel, *, forks: bool = False) -> list[Line]:
    """What the decision pane says now; `forks` if the session can be forked."""
    match model.proposal:
        case StepProposal():
            return _step(model, model.proposal)
        case FinalProposal():
            return _final(model, model.proposal)
        case BudgetProposal():
            return _budget(model.proposal)
        case FailureProposal():
            return _failure(model.proposal, forks)
        case None:
            return _nothing(model, forks)


def _step(model: LiveModel, proposal: StepProposal) -> list[Line]:
    cells = count(len(proposal.cells), "cell")
    shown: list[Line] = [
        (
            (words.WAITING.text, "warn"),
            (f" · step {proposal.step} proposes {cells}", "heading"),
            *_which(proposal),
            _trouble(proposal),
        )
    ]
    if proposal.foresight is not None or proposal.call_id in model.forecasts:
        told = forecast_line(model.forecasts.get(proposal.call_id), waiting=proposal.foresight is not None)
        shown.append(told)
    for cell in proposal.cells:
        shown += _cell(cell)
        revision = model.revisions.get(cell.cell_id)
        if revision is not None:
            shown += _revision(revision)
    return shown


def _which(proposal: StepProposal) -> tuple[Span, ...]:
    """Which candidate is in front, where there are several."""
    names = [candidate.call_id for candidate in proposal.candidates]
    if proposal.call_id not in names:
        return ()
    return ((f" · candidate {names.index(proposal.call_id) + 1} of {len(names)}, c compares", "active"),)


MOST_CHANGES = 8
"""Lines of a difference that are shown beside the rest; all of it has a screen of its own."""


def _revision(revision: Revision) -> list[Line]:
    if revision.before == revision.after:
        return [((f"   = the same code as {revision.of}", "warn"),)]
    head: Line = (
        (f"   revises {revision.of}: ", "muted"),
        (f"+{revision.added} −{count(revision.removed, 'line')}", ""),
        (" · d shows all", "muted"),
    )
    changes = difference_lines(revision.before, revision.after, context=0, indent="   ")
    changed = [line for line in changes if not line[0][0].lstrip().startswith("@@")]
    return [head, *changed[:MOST_CHANGES]]


def _trouble(proposal: StepProposal | FinalProposal) -> Span:
    return (" · the step before it went wrong", "warn") if proposal.troubled else ("", "")


def _cell(cell: ProposedCell) -> list[Line]:
    analysis = cell.analysis
    lines_of_code = count(line_ends(cell.code).count("\n") + 1, "line")
    head: list[Span] = [(f"{cell.cell_id} ", "heading"), (lines_of_code, "muted"), *_calls(analysis)]
    if analysis.error is not None:
        return [tuple(head), (("   ✗ does not parse: " + analysis.error, "error"),)]
    if analysis.suspects:
        head += [(" · ! look at ", "warn"), (", ".join(analysis.suspects), "warn")]
    else:
        head.append((" · ✓ known-harmless names only", "ok"))
    found: list[Line] = [tuple(head)]
    parts = (("imports", analysis.imports), ("uses", analysis.uses), ("sets", analysis.assigns))
    spans: list[Span] = []
    for title, names in parts:
        if names:
            spans += [(f"{'   ' if not spans else ' · '}{title} ", "muted"), (_listed(names), "")]
    return [*found, tuple(spans)] if spans else found


MOST_NAMES = 12
"""Names of a kind that are listed; more would push out what matters."""


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f", … {more} more" if more > 0 else "")


def _calls(analysis: CodeAnalysis) -> list[Span]:
    if analysis.worker_calls is None:
        return [(" · ? worker calls depend on the data", "warn")]
    calls = count(analysis.worker_calls, "worker call") if analysis.worker_calls else "no worker calls"
    return [(f" · {calls}", "muted")]


def _final(model: LiveModel, proposal: FinalProposal) -> list[Line]:
    last = ((" · no turn is left to send it back to", "warn"),) if proposal.last else ()
    return [
        (
            (words.WAITING.text, "warn"),
            (" · FINAL: is this the answer?", "heading"),
            _trouble(proposal),
            *last,
        ),
        *_spent(proposal),
        *_evidence(proposal, model.findings.get(proposal.proposal_id)),
        *roled(proposal.answer.text if proposal.answer.text.strip() else "(an empty answer)"),
    ]


def _spent(proposal: FinalProposal) -> list[Line]:
    """What the answer has cost so far."""
    spent = proposal.spent
    if spent is None:
        return []
    cost = f" · {words.money(spent.cost)}" if spent.cost is not None else " · no price known"
    calls = count(spent.worker_calls, "worker call")
    return [
        (
            ("spent so far: ", "muted"),
            (f"{words.tokens(spent.tokens)} tok · {calls}{cost} · {words.seconds(spent.seconds)}", ""),
        )
    ]


FOUND = {
    "found": words.Mark("✓", "found", "ok"),
    "near": words.Mark("≈", "near", "warn"),
    "missing": words.Mark("✗", "not found", "error"),
}


def _evidence(proposal: FinalProposal, findings: tuple[Finding, ...] | None) -> list[Line]:
    """What the document says to the answer's quotations."""
    if findings is None:
        return [(("evidence: …", "muted"),)] if proposal.look is not None else []
    if not findings:
        return [(("evidence: ", "muted"), ("the answer quotes nothing", "warn"))]
    spans: list[Span] = [("evidence: ", "muted")]
    for status, mark in FOUND.items():
        count = sum(1 for finding in findings if finding.status == status)
        if count:
            spans += [
                (" · " if len(spans) > 1 else "", "muted"),
                (f"{mark.glyph} {count} {mark.word}", mark.role),
            ]
    lines: list[Line] = [tuple(spans)]
    for finding in findings:
        if finding.status != "found":
            mark = FOUND[finding.status]
            lines.append(((f"   {mark.text}: ", mark.role), (" ".join(finding.quote.split()), "")))
    return lines


def _budget(proposal: BudgetProposal) -> list[Line]:
    return [
        (
            (words.WAITING.text, "warn"),
            (f" · the bound on {bound_name(proposal.limit)} is reached", "heading"),
        ),
        ((proposal.found, ""),),
        (("a raises it and goes on, x ends the session with its best partial result", "muted"),),
    ]


def _failure(proposal: FailureProposal, forks: bool) -> list[Line]:
    ways = "a tries again, x ends the session with its best partial result"
    further = ", F goes on in a fork, with another model if you like" if forks else ""
    return [
        ((words.WAITING.text, "warn"), (f" · the supervisor {proposal.model} did not answer", "heading")),
        *roled(proposal.found, "error"),
        ((ways + further, "muted"),),
    ]


def _nothing(model: LiveModel, forks: bool) -> list[Line]:
    finished = model.state.finished
    if model.ended is not None and model.ended.error is not None:
        return _failed(model, model.ended, forks)
    if finished is not None:
        return _finished(finished)
    if model.ended is not None:
        return [(("■ The session has ended.", "muted"),)]
    if model.state.started is None:
        return [(("Starting. The first step appears here as soon as the supervisor writes it.", "muted"),)]
    if model.paused:
        return [(("‖ Paused: the session holds at its next boundary. Space goes on.", "warn"),)]
    if model.running_cell is not None:
        return [((f"▸ {model.running_cell} runs. Nothing to decide; ctrl+c interrupts it.", "muted"),)]
    return [(("✎ The supervisor is at work. Nothing to decide now.", "muted"),)]


def _failed(model: LiveModel, ended: EngineEnded, forks: bool) -> list[Line]:
    """An error of the engine: what it says, what there is all the same, and what can be done next."""
    lines, finished = roled(f"✗ failed · {ended.error}", "error"), model.state.finished
    if finished is not None and finished.answer is not None:
        lines += [(("the best partial result:", "warn"),), *roled(finished.answer.text)]
    if ended.details:
        place = _place(ended.details)
        lines.append((("a fault of the program itself", "warn"), (f"{place} · T shows all of it", "muted")))
    kept = "what happened is kept" if model.state.started is not None else "nothing has run"
    further = " · F goes on from a step, with another model if you like" if forks else ""
    return [*lines, ((f"{kept}{further} · q leaves", "muted"),)]


def _place(details: str) -> str:
    """The last line of code that a traceback names, as " · orchestrator.py, line 12"."""
    found = re.findall(r'^  File "(?:.*[/\\])?([^/\\"]+)", line (\d+)', details, re.M)
    return f" · {found[-1][0]}, line {found[-1][1]}" if found else ""


def _finished(finished: SessionFinished) -> list[Line]:
    mark = words.SESSION[finished.status]
    head: Line = (
        (mark.text, mark.role),
        (" · the best partial result" if finished.partial and finished.answer else "", "warn"),
        (f" · {finished.reason}", "muted"),
    )
    if finished.answer is None:
        return [head, (("There is no answer.", ""),)]
    return [head, *roled(finished.answer.text)]


BOUNDS = {
    "turns": "turns",
    "worker_calls": "worker calls",
    "tokens": "tokens",
    "money": "money (US dollars)",
    "seconds": "wall time (seconds)",
}


def bound_name(limit: str) -> str:
    """A bound's name for people."""
    return BOUNDS.get(limit, limit)


def raised(limits: Limits, limit: str, text: str) -> Limits:
    """`limits` with the bound raised to what a person typed.

    Raises:
        ValueError: it is no number, or not above the bound there is.
    """
    return raising.raised(limits, limit, float(text.replace(",", "").replace("_", "")))


def suggested(limits: Limits, limit: str) -> str:
    """Twice the bound there is, as text to start from."""
    bound = getattr(limits, limit)
    return f"{bound * 2 or 1:g}" if bound is not None else ""
