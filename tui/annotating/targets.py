"""What can be judged: its name for people, its texts, and the step it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from distill_core.events import Target
from distill_core.state import SessionState

SESSION, ANSWER = Target(kind="session"), Target(kind="answer")

FIELDS = {
    "reply": "the reply",
    "code": "the code",
    "output": "the output",
    "prompt": "the prompt",
    "response": "the response",
    "answer": "the answer",
}


def step(number: int) -> Target:
    """A step."""
    return Target(kind="step", id=str(number))


def cell(cell_id: str) -> Target:
    """A cell."""
    return Target(kind="cell", id=cell_id)


def worker_call(call_id: str) -> Target:
    """A worker call."""
    return Target(kind="worker_call", id=call_id)


def name(target: Target) -> str:
    """What it is called."""
    whole = {
        "session": "the session",
        "answer": "the answer",
        "step": f"step {target.id}",
        "cell": f"cell {target.id}",
        "worker_call": f"worker call {target.id}",
    }[target.kind]
    if target.field is None:
        return whole
    part = FIELDS.get(target.field, target.field)
    where = f", characters {target.start:,} to {target.end:,}" if target.start is not None else ""
    return f"{part} of {whole}{where}" if target.kind != "answer" else f"{part}{where}"


def step_of(state: SessionState, target: Target) -> int:
    """The step it belongs to; 0 for the whole session."""
    match target.kind:
        case "step":
            return int(target.id) if target.id.isdigit() else 0
        case "cell":
            found = state.cells.get(target.id)
            return found.step if found is not None else 0
        case "worker_call":
            call = state.calls.get(target.id)
            return call.step if call is not None else 0
        case "answer":
            return len(state.steps)
        case "session":
            return 0


def texts(state: SessionState, target: Target) -> dict[str, str]:
    """Its texts, by the name of the field; none where it has none."""
    return {field: text for field, text in _texts(state, target) if text}


def _texts(state: SessionState, target: Target) -> Iterator[tuple[str, str | None]]:
    match target.kind:
        case "step":
            at = step_of(state, target)
            if 0 < at <= len(state.steps):
                calls = list(state.steps[at - 1].calls)
                reply = state.replies.get(state.steps[at - 1].chosen or (calls[-1] if calls else ""))
                yield "reply", reply.text if reply is not None else None
        case "cell":
            found = state.cells.get(target.id)
            if found is not None:
                yield "code", found.code
                yield "output", found.text()
        case "worker_call":
            call = state.calls.get(target.id)
            if call is not None:
                yield "response", call.override if call.override is not None else call.response
                yield "prompt", call.prompt
        case "answer":
            yield "answer", answer(state)
        case "session":
            yield "answer", answer(state)


def answer(state: SessionState) -> str | None:
    """The answer as it stands: given, or waiting at its gate."""
    if state.finished is not None and state.finished.answer is not None:
        return state.finished.answer.text
    return state.final_proposed.answer.text if state.final_proposed is not None else None


def passage(state: SessionState, target: Target) -> str:
    """The words that a span covers; empty for anything else."""
    if target.field is None or target.start is None or target.end is None:
        return ""
    return texts(state, target).get(target.field, "")[target.start : target.end]


GLANCE = 200
"""Characters of a glance."""


def glance(state: SessionState, target: Target) -> str:
    """What is judged in a line: the words of a span, a session's question, else how its text begins."""
    whole = passage(state, target) or (
        state.question if target.kind == "session" else next(iter(texts(state, target).values()), "")
    )
    line = " ".join(whole.split())
    return line if len(line) <= GLANCE else line[: GLANCE - 1] + "…"


def targets(state: SessionState) -> list[Target]:
    """Everything that can be judged as a whole, from the session down."""
    found = [SESSION]
    if answer(state) is not None:
        found.append(ANSWER)
    for at in state.steps:
        found.append(step(at.number))
        found += [cell(cell_id) for cell_id in at.cells]
    return found
