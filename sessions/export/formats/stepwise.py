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
    """One row a session that has marked steps."""
    steps: list[tuple[Turn, bool]] = []
    for turn in trace.conversation():
        left = _left(trace, turn, options)
        if left is not None:
            yield left
        else:
            steps.append((turn, turn.mark != -1))
    if not steps:
        return
    told = [m["content"] for m in steps[0][0].prompt if m.get("role") == "user" and m.get("content")]
    session = of_session(trace)
    yield Row(
        key=trace.session_id,
        columns={
            "prompt": told[0] if told else trace.query,
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


def _left(trace: Trace, turn: Turn, options: Options) -> Left | None:
    key = turn_key(trace, turn)
    if turn.copied and "copied" not in options.keep:
        return Left(key=key, rule="copied", why="the parent of the fork has it")
    if turn.mark is None:
        return Left(key=key, rule="unmarked")
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
