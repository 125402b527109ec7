"""The candidates for a step, each as a column: what a dry run found, what it says, its code."""

from __future__ import annotations

from collections.abc import Mapping

from distill_core.forecast import Forecast
from distill_core.plurals import count
from distill_core.proposals import Candidate
from distill_core.reply_problems import IN_WORDS
from tui.highlight import parts, python_lines
from tui.lines import Line, line_ends, roled
from tui.live import words
from tui.live.difference import difference_lines
from tui.live.supervisor import BAR


def code_of(candidate: Candidate) -> str:
    """All its code, as one text."""
    return "\n\n".join(cell.code for cell in candidate.cells)


def title(number: int, candidate: Candidate) -> str:
    """What stands above candidate `number` (from 1)."""
    if candidate.problem is not None:
        return f"{number} nothing to run"
    lines = line_ends(code_of(candidate)).count("\n") + 1
    return f"{number} {count(lines, 'line')}"


def column(
    number: int,
    candidates: tuple[Candidate, ...],
    forecasts: Mapping[str, Forecast],
    against: int | None,
) -> list[Line]:
    """Candidate `number` (from 1) in full; `against` another's number, what it changes against that one."""
    candidate = candidates[number - 1]
    lines = [_told(candidate, forecasts.get(candidate.call_id)), *_twins(number, candidates), ()]
    if candidate.problem is not None:
        problem = IN_WORDS.get(candidate.problem, candidate.problem)
        return [
            *lines,
            ((f"↩ nothing to run: {problem}", "warn"),),
            *roled(line_ends(candidate.reply).strip("\n")),
        ]
    if against is not None and against != number:
        lines.append(((f"against candidate {against}:", "heading"),))
        return lines + difference_lines(code_of(candidates[against - 1]), code_of(candidate))
    for is_code, part in parts(candidate.reply):
        if is_code:
            lines += [(BAR, *line) for line in python_lines(part.rstrip("\n"))]
        else:
            lines += roled(part.strip("\n"))
    return lines


def _twins(number: int, candidates: tuple[Candidate, ...]) -> list[Line]:
    """Which of those before it has the very same code."""
    mine = candidates[number - 1]
    for place, other in enumerate(candidates[: number - 1], 1):
        if mine.problem is None and other.problem is None and code_of(mine) == code_of(other):
            return [((f"= the same code as {place}", "warn"),)]
    return []


def _told(candidate: Candidate, forecast: Forecast | None) -> Line:
    if candidate.problem is not None:
        return (("✗ cannot run", "error"),)
    errors = [cell.analysis.error for cell in candidate.cells if cell.analysis.error is not None]
    if errors:
        return (("✗ does not parse: " + errors[0], "error"),)
    return forecast_line(forecast, waiting=candidate.foresight is not None)


def forecast_line(forecast: Forecast | None, *, waiting: bool) -> Line:
    """What a dry run found, in one line; `waiting` if one is under way."""
    if forecast is None:
        return (("dry run: …", "muted"),) if waiting else (("dry run: none", "muted"),)
    if not forecast.ran:
        return (("dry run: none, ", "muted"), (forecast.why, "muted"))
    calls = count(forecast.worker_calls, "worker call")
    told = ("at least " if not forecast.complete else "") + calls
    spans = [("dry run: ", "muted"), (told, "" if forecast.complete else "warn")]
    if forecast.worker_calls:
        spans.append((f" · ≤ {words.tokens(forecast.prompt_tokens)} prompt tok", ""))
        if forecast.cost is not None:
            spans.append((f" · ≤ {words.money(forecast.cost)}", ""))
    if forecast.why:
        spans.append((f" · {forecast.why}", "warn"))
    return tuple(spans)
