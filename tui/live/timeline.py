"""The timeline: one entry a step, with its cells, what it used and who decided."""

from __future__ import annotations

from distill_core.plurals import count
from distill_core.state import SessionState, Step
from tui.lines import Line
from tui.live import words


def step_lines(
    state: SessionState, number: int, *, waiting: bool, used: int, cost: float | None = None
) -> list[Line]:
    """The entry of step `number`; `waiting` if the person is to decide; tokens `used`, dollars `cost` so far."""
    step = state.steps[number - 1]
    mark = words.step_mark(state, step, waiting)
    head: Line = ((f"{number:>2} ", "heading"), (mark.text, mark.role), (_used(step, used, cost), "muted"))
    lines: list[Line] = [head]
    for cell_id in step.cells:
        cell = state.cells[cell_id]
        if cell.phase == "proposed":
            continue
        shown = words.cell_mark(cell)
        spans: list[tuple[str, str]] = [("   ", ""), (f"{cell_id} ", "muted"), (shown.text, shown.role)]
        if cell.phase == "done":
            spans.append((f" {words.seconds(cell.elapsed)}", "muted"))
        if len(cell.calls):
            spans.append((f" {count(len(cell.calls), 'call')}", "muted"))
        lines.append(tuple(spans))
    for decision in step.decisions:
        took = "" if decision.by.startswith("policy:") else f" {words.seconds(decision.took)}"
        lines.append(
            (
                ("   ", ""),
                (words.DECISION[decision.action], ""),
                (f" · {decision.by}{took}", "muted"),
            )
        )
    return lines


def _used(step: Step, used: int, cost: float | None) -> str:
    parts = [f"{words.tokens(used)} tok"] if used else []
    if cost:
        parts.append(words.money(cost))
    if step.copied:
        parts.append("copied")
    return "".join(f" · {part}" for part in parts)
