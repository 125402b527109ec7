"""`stepwise`: the steps that reviewers marked, for process reward models.

Shape: `{prompt, completions, labels}` as in TRL's stepwise supervision type and axolotl's `stepwise_supervised`,
which both know two labels. A step that nobody marked is left out, never taken for bad; so is a neutral one, which
`--keep neutral` counts as good.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export.rows import Format, Left, Options, Origin, Row, Verdict, of_session, of_turn, turn_key
from sessions.export.trace import Trace, Turn

SEPARATOR = "\n\n"


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a question that has marked steps."""
    steps: dict[int, list[tuple[Turn, bool]]] = {}
    first: dict[int, Turn] = {}
    for turn in trace.conversation():
        left = _left(trace, turn, options)
        question = trace.question_at(turn.step)
        first.setdefault(question, turn)
        if left is not None:
            yield left
        else:
            steps.setdefault(question, []).append((turn, turn.mark != -1))
    for question, marked in steps.items():
        yield _row(trace, question, first[question], marked)


def _row(trace: Trace, question: int, first: Turn, steps: list[tuple[Turn, bool]]) -> Row:
    session = of_session(trace)
    return Row(
        key=trace.session_id if not question else f"{trace.session_id}/question-{question + 1}",
        columns={
            "prompt": _prompt(trace, question, first),
            "completions": [turn.decided for turn, _ in steps],
            "labels": [good for _, good in steps],
        },
        origin=Origin(
            events=tuple(sorted({seq for turn, _ in steps for seq in turn.events})),
            models=session.models,
            params=session.params,
            decision=session.decision,
            annotators=tuple(sorted({who for turn, _ in steps for who in of_turn(turn).annotators})),
            labels=session.labels,
        ),
    )


def _prompt(trace: Trace, question: int, first: Turn) -> str:
    """What was asked: the first words to the supervisor, and those of a further question behind them."""
    told = [m["content"] for m in first.prompt if m.get("role") == "user" and m.get("content")]
    if not told:
        return trace.questions[question] if trace.questions else trace.query
    return str(told[0]) if not question else SEPARATOR.join([str(told[0]), str(told[-1])])


def _left(trace: Trace, turn: Turn, options: Options) -> Left | None:
    key = turn_key(trace, turn)
    if turn.copied and "copied" not in options.keep:
        return Left(key=key, rule="copied", why="the parent of the fork has it")
    if turn.mark is None:
        return Left(key=key, rule="unmarked")
    if not turn.decided.strip() and "nothing_left" not in options.keep:
        return Left(key=key, rule="nothing_left", why="the reply is empty")
    if turn.mark == 0 and "neutral" not in options.keep:
        return Left(key=key, rule="neutral", why="marked 0")
    return None


FORMAT = Format(
    name="stepwise",
    help="process reward models: the steps that reviewers marked",
    rows=rows,
    reads=("turns",),
    columns={"prompt": "string", "completions": ["string"], "labels": ["bool"]},
    teaches="For axolotl's `type: stepwise_supervised`, and TRL's stepwise supervision.",
)
