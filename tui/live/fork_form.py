"""The form of a fork of the running session: its fields, what is wrong with them, and what they amount to."""

from __future__ import annotations

from typing import Any

from distill_core.errors import DistillError
from distill_core.forking import codes_of
from distill_core.record import Record
from distill_core.state import SessionState
from distill_core.text import encodable
from tui.branching import Wish
from tui.headless.asking import MARK
from tui.widgets.fields import Field, no_number, plain

_BETWEEN = f"\n{MARK}\n"
SETTINGS = {
    "supervisor": "supervisor",
    "worker": "worker",
    "turns": "limits.turns",
    "worker_calls": "limits.worker_calls",
    "tokens": "limits.tokens",
    "money": "limits.money",
}
"""Which setting each field stands for."""


def fields(state: SessionState) -> tuple[Field, ...]:
    """The fields, with what holds now as their hints."""
    started, limits = state.started, state.limits
    supervisor = started.supervisor if started is not None else "the same"
    worker = started.worker if started is not None else "the same"

    def bound(name: str, label: str, now: float | None) -> Field:
        hint = "no bound, as now" if now is None else f"{now:,} at most, as now"
        return Field(name=name, label=label, hint=hint, number=True)

    return (
        Field(name="step", label="Step", hint="where it branches off", number=True),
        Field(name="code", label="Code", hint="there is none yet", rows=9, language="python"),
        Field(
            name="instruction",
            label="Words",
            hint="to the supervisor, in front of the step; it is then drafted anew",
            rows=2,
        ),
        Field(name="supervisor", label="Supervisor", hint=f"{supervisor}, as now"),
        Field(name="worker", label="Worker", hint=f"{worker}, as now"),
        bound("turns", "Turns", limits.turns),
        bound("worker_calls", "Worker calls", limits.worker_calls),
        bound("tokens", "Tokens", limits.tokens),
        bound("money", "US dollars", limits.money),
    )


def code_at(record: Record, step: int) -> str:
    """The code of a step, cells one after the other; empty where there is none."""
    try:
        return _BETWEEN.join(codes_of(record, step))
    except DistillError:
        return ""


def step_of(values: dict[str, str]) -> int | None:
    """The step in the form; None where that is no number."""
    text = plain(values["step"])
    return int(text) if text.isdigit() else None


def problem(values: dict[str, str], record: Record) -> tuple[str, str] | None:
    """The field that is wrong, and what is wrong with it; None if the fork can begin."""
    state = record.state
    step, most = step_of(values), len(state.steps) + (state.finished is not None)
    if step is None or not 1 <= step <= most:
        return "step", f"steps are 1 to {most}"
    if values["instruction"].strip() and _changed(values, record, step):
        return "instruction", "change the code or say something, not both"
    return no_number(fields(state), values)


def wish(values: dict[str, str], record: Record) -> Wish:
    """What the form amounts to, once nothing is wrong with it."""
    step = step_of(values) or 0
    codes = tuple(piece.strip("\n") for piece in encodable(values["code"]).split(_BETWEEN))
    return Wish(
        step=step,
        codes=codes if _changed(values, record, step) else None,
        instruction=encodable(values["instruction"].strip()),
        settings={
            setting: _value(values[name]) for name, setting in SETTINGS.items() if values[name].strip()
        },
    )


def _changed(values: dict[str, str], record: Record, step: int) -> bool:
    code = values["code"].strip("\n")
    return bool(code) and code != code_at(record, step).strip("\n")


def _value(text: str) -> Any:
    """A setting as a file would have it: a number where it is one."""
    bare = plain(text)
    if bare.isdigit():
        return int(bare)
    try:
        return float(bare)
    except ValueError:
        return text.strip()
