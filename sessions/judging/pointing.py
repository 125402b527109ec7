"""Do judgements speak of something that is there? A step, a cell, a call, the answer, words of one of their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from distill_core import events as ev
from distill_core.reading import Problem
from distill_core.state import SessionState, Step


def astray(events: Sequence[ev.Event], state: SessionState) -> Iterator[Problem]:
    """The judgements in a session's log that are about nothing in it.

    A text may have been another one when its words were marked (a reply that was chosen later, a response that was
    overridden), so a span has to fit into one of those that it has had.

    Args:
        state: of all `events`.
    """
    for made in state.annotated.values():
        what = _wrong(made, events, state)
        if what:
            yield Problem(where=f"event {made.seq}", what=what)


def _wrong(made: ev.Annotated, events: Sequence[ev.Event], state: SessionState) -> str:
    """What is wrong with what `made` is about; "" if nothing is."""
    target, started = made.target, state.started
    name = f"{target.kind.replace('_', ' ')} {target.id}".rstrip()
    texts = _texts(made, events, state)
    if texts is None:
        return f"judges {name}, which the session does not have"
    if made.preference is not None and started is not None and made.preference.other == started.session_id:
        return "compares the session with itself"
    if target.field is None:
        return ""
    if target.field not in texts:
        return f"marks words of the {target.field} of {name}, which has none"
    if target.start is None and target.end is None:
        return ""
    longest = max(map(len, texts[target.field]))
    if target.start is None or target.end is None or not 0 <= target.start < target.end <= longest:
        span = f"characters {target.start} to {target.end}"
        return f"marks {span} of the {target.field} of {name}, which has {longest}"
    return ""


def _texts(
    made: ev.Annotated, events: Sequence[ev.Event], state: SessionState
) -> dict[str, list[str]] | None:
    """The texts that its target has had, by field; None where there is no such thing."""
    name = made.target.id
    match made.target.kind:
        case "session":
            mine = state.started is not None and name in ("", state.started.session_id)
            return {"answer": _answers(events)} if mine else None
        case "answer":
            found = {"answer": _answers(events)}
        case "step":
            found = _of_step(name or str(made.step), state)
        case "cell":
            cell = state.cells.get(name)
            found = {} if cell is None else {"code": [cell.code, cell.proposed], "output": [cell.text()]}
        case "worker_call":
            call = state.calls.get(name)
            given = [o.response for o in state.overridden.values() if o.call_id == name]
            said = [text for text in (call.response if call else None, *given) if text is not None]
            found = {} if call is None else {"prompt": [call.prompt], "response": said}
    return {field: texts for field, texts in found.items() if texts} or None


def _of_step(name: str, state: SessionState) -> dict[str, list[str]]:
    """The texts of the step of this number, or of the one reply of this id."""
    if name in state.replies:
        return {"reply": [state.replies[name].text or ""]}
    number = int(name) if name.isdecimal() else 0
    if not 1 <= number <= len(state.steps):
        return {}
    step: Step = state.steps[number - 1]
    cells = [state.cells[cell_id] for cell_id in step.cells]
    return {
        "reply": [state.replies[call_id].text or "" for call_id in step.calls] or [""],
        "code": [code for cell in cells for code in (cell.code, cell.proposed)],
    }


def _answers(events: Sequence[ev.Event]) -> list[str]:
    """Every answer that the session has had: proposed, given by a person, or its last."""
    found: list[str] = []
    for event in events:
        match event:
            case ev.FinalProposed(answer=answer):
                found.append(answer.text)
            case ev.DecisionMade(action=action, proposal_id=name, after=after) if after:
                if action == "finish" or name.startswith("final:"):
                    found.append(after[0])
            case ev.SessionFinished(answer=answer) if answer is not None:
                found.append(answer.text)
    return found
