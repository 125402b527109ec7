"""A comparison of two sessions in words: for the screen, for a pipe, as JSON."""

from __future__ import annotations

import msgspec

from distill_core.plurals import count
from sessions.comparing import Comparison, Preferred, Side, StepPair, Winner
from tui.lines import Line, pad, roled, wrap
from tui.live import words
from tui.text import clean

RULE = ("─ ", "rule")
FACT = 10
"""Cells that the name of a fact takes."""

NAMES: dict[Winner, str] = {"one": "the first", "other": "the second", "neither": "neither"}


def title_lines(found: Comparison) -> tuple[Line, ...]:
    """What the two have in common, and which was preferred."""
    if found.same_question:
        question: Line = (("both were asked: ", "muted"), (" ".join(found.one.question.split()), "heading"))
    else:
        question = (
            ("! asked differently: ", "warn"),
            (" ".join(found.one.question.split()), "heading"),
            (" / ", "muted"),
            (" ".join(found.other.question.split()), "heading"),
        )
    same = ("of the same document", "muted") if found.same_document else ("! of different documents", "warn")
    related = (f" · {found.related}", "muted") if found.related else ("", "")
    differing = sum(bool(step.diff) for step in found.steps)
    common: Line = (same, related, (f" · the code differs in {count(differing, 'step')}", "muted"))
    return question, common, *map(_preferred, found.preferences)


def _preferred(said: Preferred) -> Line:
    reason = " ".join(said.reason.split())
    return (
        ("★ ", "ok"),
        (f"{said.by}: ", "muted"),
        (f"{NAMES[said.winner]} is better", "ok"),
        (f" ({reason})" if reason else "", ""),
    )


def side_lines(side: Side, other: Side) -> list[Line]:
    """One of the two, how it ended and its answer first; what differs from the other is not muted."""
    facts: list[Line] = []
    for title, value, theirs in zip(
        (name for name, _ in _facts(side)),
        (v for _, v in _facts(side)),
        (v for _, v in _facts(other)),
        strict=True,
    ):
        facts.append(((pad(title, FACT), "muted"), (value, "" if value != theirs else "muted")))
    answer = roled(side.answer) if side.answer else [(("no answer", "muted"),)]
    return [facts[0], *answer, (), *facts[1:]]


def wrap_side(line: Line, width: int) -> list[Line]:
    """Lay a line of a side out; what is left of a fact stands under its value."""
    fact = len(line) == 2 and line[0][1] == "muted" and len(line[0][0]) == FACT
    return wrap(line, width, words=True, indent=FACT if fact else 0)


def _facts(side: Side) -> list[tuple[str, str]]:
    quoted = "not looked up"
    if side.found is not None and not (side.found or side.near or side.missing):
        quoted = "nothing"
    elif side.found is not None:
        quoted = f"✓ {side.found} found · ≈ {side.near} near · ✗ {side.missing} not found"
    cost = "" if side.cost is None else f" · {words.money(side.cost)}"
    elapsed = "" if side.elapsed is None else f" · {words.seconds(side.elapsed)}"
    return [
        ("ended", side.status),
        ("models", f"{side.supervisor} → {side.worker}"),
        ("steps", f"{side.steps} · {count(side.cells, 'cell')} · {side.errors} failed"),
        (
            "cost",
            f"{words.tokens(side.tokens)} tok · {count(side.worker_calls, 'call')}{cost}{elapsed}",
        ),
        ("quoted", quoted),
    ]


def step_lines(step: StepPair) -> list[Line]:
    """One step of both."""
    if not step.diff:
        same = "copied" if step.shared else "the same" if step.one else "no code"
        return [(RULE, (f"step {step.number}", "heading"), (f" · {same}", "muted"))]
    lines: list[Line] = [(RULE, (f"step {step.number}", "heading"), (f" · {_what(step)}", "warn"))]
    for line in step.diff:
        role = {"-": "error", "+": "ok", "@": "muted"}.get(line[:1], "")
        shown = line if line[:1] == "@" else f"{line[:1]} {line[1:]}"
        lines += roled(shown, role)
    return [*lines, ()]


def _what(step: StepPair) -> str:
    if not step.one:
        return "only in the second"
    if not step.other:
        return "only in the first"
    return "− first, + second"


def plain_lines(found: Comparison) -> list[str]:
    """The comparison without a screen."""
    lines = ["".join(text for text, _ in line) for line in title_lines(found)]
    for name, side, other in (("first", found.one, found.other), ("second", found.other, found.one)):
        lines += ["", f"{name}: {side.session_id}"]
        lines += ["  " + "".join(text for text, _ in line) for line in side_lines(side, other)]
    for step in found.steps:
        lines += ["".join(text for text, _ in line) for line in step_lines(step)]
    return [clean(line) for line in lines]


def as_data(found: Comparison) -> object:
    """The comparison as JSON takes it."""
    return {
        "same_question": found.same_question,
        "same_document": found.same_document,
        **msgspec.to_builtins(found),
    }
