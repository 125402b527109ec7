"""One row of targets: the decisions of a teacher's text as token ids and masks, and where they stand in it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import msgspec

from distill_core.text import encodable, encodable_value
from sessions.process_steps.calls import Call, Found, find_calls
from sessions.process_steps.conversations import Turn
from sessions.process_steps.integration import Integration, identify_integration_spans
from sessions.process_steps.targets import SpanTokenizer, Tokens
from sessions.process_steps.text import Span

Row: TypeAlias = dict[str, Any]
Positions: TypeAlias = dict[str, list[list[int]]]
Finder: TypeAlias = Callable[[str], Found]


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions in a text: its calls, and the places where results are used."""

    text: str
    calls: tuple[Call, ...]
    integrations: tuple[Integration, ...]

    @property
    def names(self) -> list[Span]:
        """Where tools are named."""
        return [call.name_span for call in self.calls]

    @property
    def arguments(self) -> list[Span]:
        """Where arguments stand."""
        return [span for call in self.calls for span in call.argument_spans]


class RowMaker:
    """Makes rows, and counts what is left out of them.

    Args:
        tokenizer: the student's.
        tool_names: the tools there are; None takes every name that is called.
        prose: keep the teacher's words; False leaves calls and used results only.
        least: how sure it must be that a result is used.
        finder: finds the calls of a text; default `find_calls` with `tool_names`.

    Attributes:
        counts: rows made, and what was left out by its reason.
    """

    def __init__(
        self,
        tokenizer: SpanTokenizer,
        *,
        tool_names: Collection[str] | None = None,
        prose: bool = True,
        least: float = 0.5,
        finder: Finder | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._tokenizer = tokenizer
        self._find = finder or (lambda text: find_calls(text, tool_names))
        self._prose = prose
        self._least = least
        self._exact = True

    def row(self, turn: Turn, metadata: dict[str, Any]) -> Row | None:
        """The row of a teacher's turn; None where it decides nothing, or where its tokens would not hold its text."""
        # Tokenizers take no lone surrogates, nor does UTF-8.
        turn = msgspec.structs.replace(turn, text=encodable(turn.text))
        self.counts["texts"] += 1
        if turn.left:
            self.counts[f"{turn.left} left out"] += 1
            return None
        found = self._find(turn.text)
        self.counts["invalid calls left out"] += len(found.invalid)
        self.counts["calls of unknown tools left out"] += len(found.unknown)
        steps = Steps(
            text=turn.text,
            calls=found.calls,
            integrations=tuple(
                identify_integration_spans(turn.text, turn.results, known=turn.known, least=self._least)
            ),
        )
        if not steps.calls and not steps.integrations:
            self.counts["texts without a decision left out"] += 1
            return None
        steps = steps if self._prose else without_prose(steps, found.code)
        targets = self._targets(steps)
        positions = self._positions(steps)
        if targets is None or positions is None:
            self.counts["texts that the tokenizer does not give back left out"] += 1
            return None
        self.counts["rows"] += 1
        return {
            "prompt": encodable_value(turn.prompt),
            "teacher_text": steps.text,
            **targets,
            "metadata": encodable_value({**metadata, **self._told(steps, found, positions)}),
        }

    def _targets(self, steps: Steps) -> dict[str, Any] | None:
        """The fields of token ids and masks, those that have something to hold."""
        valid = [call.valid_json for call in steps.calls for _ in call.argument_spans]
        fields = (
            ("tool_name_ids", "tool_name_mask", steps.names, None),
            ("gold_json_text_ids", "mask_valid_json_tokens", steps.arguments, valid),
            ("tool_result_fields", "integration_mask", [i.span for i in steps.integrations], None),
        )
        row: dict[str, Any] = {}
        self._exact = True
        for ids, mask, spans, counts in fields:
            if not spans:
                continue
            tokens: Tokens | None = self._tokenizer.tokens(steps.text, spans, counts)
            if tokens is None:
                return None
            self._exact = self._exact and tokens.exact
            row |= {ids: list(tokens.ids), mask: list(tokens.mask)}
        return row

    def _positions(self, steps: Steps) -> Positions | None:
        """Where everything stands in tokens of the whole text; None where the tokenizer cannot take it."""
        places = _places(steps)
        told = self._tokenizer.positions(steps.text, [span for spans in places.values() for span in spans])
        if told is None:
            return None
        each = iter(told)
        return {name: [list(next(each)) for _ in spans] for name, spans in places.items()}

    def _told(self, steps: Steps, found: Found, positions: Positions) -> dict[str, Any]:
        """What was decided, and where it stands in characters and in tokens."""
        return {
            "tools": [call.name for call in steps.calls],
            "forms": [call.form for call in steps.calls],
            "spans": {name: [list(span) for span in spans] for name, spans in _places(steps).items()},
            "positions": positions,
            "integrations": [
                {"value": i.value, "result": i.result, "path": i.path, "confidence": i.confidence}
                for i in steps.integrations
            ],
            "invalid_calls": len(found.invalid),
            "exact": self._exact,
        }


def _places(steps: Steps) -> dict[str, list[Span]]:
    return {
        "tool_name": steps.names,
        "arguments": steps.arguments,
        "integration": [i.span for i in steps.integrations],
    }


def without_prose(steps: Steps, code: Sequence[Span] = ()) -> Steps:
    """The same decisions in a text of nothing else: calls, code, and used results outside of them, a line each."""
    pieces = _pieces([*(call.span for call in steps.calls), *code], [i.span for i in steps.integrations])
    starts = [piece.start for piece in pieces]
    shift: list[int] = []
    lines: list[str] = []
    length = 0
    for piece in pieces:
        shift.append(length - piece.start)
        lines.append(piece.of(steps.text))
        length += piece.end - piece.start + 1

    def moved(span: Span) -> Span:
        return span.moved(shift[bisect_right(starts, span.start) - 1])

    return Steps(
        text="\n".join(lines),
        calls=tuple(
            msgspec.structs.replace(
                call,
                span=moved(call.span),
                name_span=moved(call.name_span),
                argument_spans=tuple(map(moved, call.argument_spans)),
            )
            for call in steps.calls
        ),
        integrations=tuple(msgspec.structs.replace(i, span=moved(i.span)) for i in steps.integrations),
    )


def _pieces(calls: Sequence[Span], used: Sequence[Span]) -> list[Span]:
    """Spans that hold all the given ones, without overlap."""
    pieces: list[Span] = []
    for span in sorted([*calls, *used]):
        if pieces and span.start < pieces[-1].end:
            pieces[-1] = Span(pieces[-1].start, max(pieces[-1].end, span.end))
        else:
            pieces.append(span)
    return pieces
