"""The supervisor: its reasoning, then its reply with the code coloured, as it is being written."""

from __future__ import annotations

from distill_core.plurals import count
from distill_core.reply_problems import IN_WORDS
from distill_core.state import Reply, SessionState, Step
from tui.highlight import parts, python_lines
from tui.lines import Line, roled
from tui.live import words
from tui.live.model import Draft

BAR = ("▎ ", "code-bar")


def reply_lines(
    state: SessionState,
    step: int,
    call_id: str,
    draft: Draft | None,
    silence: float | None = None,
    *,
    away: bool = False,
) -> list[Line]:
    """Everything about one supervisor call: what it says, what was made of it.

    Args:
        state: the session.
        step: the call's.
        call_id: the call.
        draft: as much of the reply as has come.
        silence: seconds for which nothing of it has.
        away: the endpoint does not answer.
    """
    reply = state.replies[call_id]
    text = reply.text if reply.text is not None else (draft.text if draft else "")
    reasoning = reply.reasoning if reply.text is not None else (draft.reasoning if draft else "")
    lines = [_heading(reply, step)]
    if reasoning and reasoning.strip():
        lines += roled(reasoning.strip("\n"), "reasoning")
        lines.append(())
    for is_code, part in parts(text):
        lines += _code(part) if is_code else roled(part.strip("\n"))
    if reply.text is None and reply.error is None:
        lines.append(
            _at_work(state, reply, silence, away) if not (text or reasoning) else (("✎ …", "active"),)
        )
    lines += _outcome(state, state.steps[step - 1], reply)
    lines.append(())
    return lines


def _at_work(state: SessionState, reply: Reply, silence: float | None, away: bool) -> Line:
    """What a model is at of which nothing has come; a long prompt takes a small model its time to read."""
    if silence is None:
        return (("✎ drafting…", "active"),)
    try:
        prompt = state.prompt(reply.call_id)
    except KeyError:  # a damaged log may lack a message
        prompt = []
    chars = sum(len(str(message.get("content", ""))) for message in prompt)
    since = f" · {words.seconds(silence // 1)}" if silence >= 1 else ""
    if away:
        return (("↻ no answer yet", "warn"), (since, "muted"))
    return (("✎ reading the prompt", "active"), (f", {count(chars, 'character')}{since}", "muted"))


def _code(code: str) -> list[Line]:
    return [(BAR, *line) for line in python_lines(code.rstrip("\n"))]


def _heading(reply: Reply, step: int) -> Line:
    spans = [(f"step {step}", "heading")]
    if reply.candidate:
        spans.append((f" · candidate {reply.candidate + 1}", "heading"))
    spans.append((f" · {reply.model}", "muted"))
    if reply.text is not None:
        used = f"{words.tokens(reply.usage.total_tokens)} tok, " if reply.usage.total_tokens else ""
        spans.append(
            (f" · {used}{words.seconds(reply.elapsed)}{', cached' if reply.cached else ''}", "muted")
        )
    return (("─ ", "rule"), *spans)


def _outcome(state: SessionState, step: Step, reply: Reply) -> list[Line]:
    """What became of the reply: an error, nothing to run, a decision in words, code that ran other than proposed."""
    lines: list[Line] = []
    if reply.error is not None and reply.cut:
        lines += roled(f"■ {reply.error}, before it had replied", "warn")
    elif reply.error is not None:
        lines += roled(f"✗ the call failed: {reply.error}", "error")
    if reply.problem is not None:
        lines += roled(f"↩ nothing to run: {IN_WORDS.get(reply.problem, reply.problem)}", "warn")
    answers = {f"final:{c}" for c in step.cells if state.cells[c].call_id == reply.call_id}
    for decision in step.decisions:
        if decision.guidance and decision.proposal_id in (reply.call_id, *answers):
            lines += roled(
                f"↩ {words.DECISION[decision.action]} by {decision.by}: {decision.guidance}", "warn"
            )
    for cell in (state.cells[cell_id] for cell_id in step.cells):
        if cell.call_id != reply.call_id or cell.phase == "proposed":
            continue
        if cell.origin == "person":
            lines.append(((f"✎ {cell.cell_id} was written by a person:", "warn"),))
            lines += _code(cell.code)
        elif cell.code != cell.proposed:
            lines.append(((f"✎ {cell.cell_id} was edited, this ran:", "warn"),))
            lines += _code(cell.code)
    return lines
