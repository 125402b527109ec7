"""A trace with nothing in it that must not leave: each text of it passes through the redactor, and marks move along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_
from typing import Any

import msgspec

from distill_core import events as ev
from distill_core.models.base import Message
from sessions.export import spans
from sessions.export.redact import Redactor
from sessions.export.trace import Call, Cell, Mark, Plain, Rival, Trace, Turn

_replace = msgspec.structs.replace


def redacted(trace: Trace, redactor: Redactor) -> Trace:
    """`trace` with placeholders in all its texts. Ids stay; names of models and people, and single words, are names."""
    redactor.expect(_longest(trace))
    text, name = redactor.text, redactor.name
    message = _Messages(redactor).told
    # What was said first is numbered first: a fork's placeholders are then its parent's.
    document = _replace(trace.document, name=text(trace.document.name))
    return _replace(
        trace,
        query=text(trace.query),
        questions=tuple(map(text, trace.questions)),
        document=document,
        turns=tuple([_turn(turn, redactor, message) for turn in trace.turns]),
        calls=tuple(_call(call, redactor) for call in trace.calls),
        plainly=tuple(_plainly(trace.plainly, redactor)),
        answer=_maybe(trace.answer, redactor),
        given=_maybe(trace.given, redactor),
        reason=text(trace.reason),
        judgements=_judgements(trace.judgements, redactor, spans.of_answer(trace.given)),
        preferences=_judgements(trace.preferences, redactor, {}),
        labels=_all(trace.labels, redactor),
        final_decision=_decision(trace.final_decision, redactor),
        tools=tuple(_value(tool, redactor) for tool in trace.tools),
        supervisor=name(trace.supervisor),
        worker=name(trace.worker),
        kind=name(trace.kind),
        isolation=name(trace.isolation),
        program=name(trace.program),
        primitives=tuple(map(name, trace.primitives)),
        rivals=tuple(_rival(rival, redactor, message) for rival in trace.rivals),
    )


def _rival(
    rival: Rival, redactor: Redactor, told: Callable[[tuple[Message, ...]], tuple[Message, ...]]
) -> Rival:
    return _replace(
        rival,
        messages=told(rival.messages),
        by=redactor.name(rival.by),
        split_apart=redactor.text(rival.split_apart),
    )


def _longest(trace: Trace) -> Iterator[str]:
    """Those texts of a trace that most of it is, each once but for worker calls', which seldom recur."""
    of_turns: dict[str, None] = {}
    before: tuple[Message, ...] = ()
    for turn in trace.turns:
        for message in _further(before, turn.prompt):
            content = message.get("content")
            if isinstance(content, str):
                of_turns[content] = None
        before = turn.prompt
        of_turns[turn.reply] = None
        if turn.text is not turn.reply:
            of_turns[turn.decided] = of_turns[turn.text] = None
        for cell in turn.cells:
            if cell.code or cell.output:
                of_turns[cell.code] = of_turns[cell.proposed] = of_turns[cell.output] = None
    yield from of_turns
    for call in trace.calls:
        yield call.prompt
        if call.response is not None:
            yield call.response


class _Messages:
    """Each message stands in every prompt after it; it is looked through once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._done: dict[int, Message] = {}
        self._before: tuple[Message, ...] = ()
        self._told: tuple[Message, ...] = ()

    def told(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The messages of a prompt as they may leave."""
        further = _further(self._before, messages)
        same = self._told if len(further) < len(messages) else ()
        self._before, self._told = messages, (*same, *map(self._one, further))
        return self._told

    def _one(self, message: Message) -> Message:
        known = self._done.get(id(message))
        if known is None:
            known = self._done[id(message)] = _value(message, self._redactor)
        return known


def _further(before: tuple[Message, ...], messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """What was sent after what was sent `before`; all of it, where that is not how it begins."""
    # The same objects, not equal ones: what is equal may be told otherwise, such as 1 and 1.0.
    goes_on = len(before) <= len(messages) and all(map(is_, before, messages))
    return messages[len(before) :] if goes_on else messages


def _turn(turn: Turn, redactor: Redactor, told: Callable[[tuple[Message, ...]], tuple[Message, ...]]) -> Turn:
    text = redactor.text
    prompt = told(turn.prompt)
    texts = spans.of_turn(turn) if turn.judgements else {}
    words, alignment = redactor.aligned(turn.text) if turn.marks else (text(turn.text), None)
    marks: list[Mark] = []
    for mark in turn.marks:
        place = alignment.span(mark.start, mark.end) if alignment is not None else None
        if place is not None:
            marks.append(_replace(mark, start=place[0], end=place[1], by=redactor.name(mark.by)))
    return _replace(
        turn,
        prompt=prompt,
        reply=text(turn.reply),
        decided=text(turn.decided),
        text=words,
        reasoning=_maybe(turn.reasoning, redactor),
        model=redactor.name(turn.model),
        params=_value(turn.params, redactor),
        decision=_decision(turn.decision, redactor),
        guidance=text(turn.guidance),
        error=_maybe(turn.error, redactor),
        finish_reason=_name(turn.finish_reason, redactor),
        problem=_name(turn.problem, redactor),
        cells=tuple([_cell(cell, redactor, texts) for cell in turn.cells]),
        judgements=_judgements(turn.judgements, redactor, texts),
        marks=tuple(marks),
        labels=_all(turn.labels, redactor),
        tool_calls=tuple([_value(call, redactor) for call in turn.tool_calls]),
    )


def _cell(cell: Cell, redactor: Redactor, texts: spans.Texts) -> Cell:
    if not (cell.code or cell.proposed or cell.output or cell.traceback or cell.final or cell.judgements):
        return cell
    text = redactor.text
    return _replace(
        cell,
        code=text(cell.code),
        proposed=text(cell.proposed),
        output=text(cell.output),
        traceback=_maybe(cell.traceback, redactor),
        final=_final(cell.final, redactor),
        judgements=_judgements(cell.judgements, redactor, texts),
    )


def _call(call: Call, redactor: Redactor) -> Call:
    prompt, response = redactor.text(call.prompt), _maybe(call.response, redactor)
    model, purpose = redactor.name(call.model), redactor.name(call.purpose)
    ended = _name(call.finish_reason, redactor)
    same = prompt is call.prompt and response is call.response
    words = model, purpose, ended
    if same and words == (call.model, call.purpose, call.finish_reason) and _says_no_more(call):
        return call
    return _replace(
        call,
        prompt=prompt,
        response=response,
        model=model,
        purpose=purpose,
        finish_reason=ended,
        override=_maybe(call.override, redactor),
        text=response if call.text == call.response else _maybe(call.text, redactor),
        error=_maybe(call.error, redactor),
        reasoning=_maybe(call.reasoning, redactor),
        params=_value(call.params, redactor),
        judgements=_judgements(call.judgements, redactor, spans.of_call(call) if call.judgements else {}),
        labels=_all(call.labels, redactor),
    )


def _plainly(calls: Iterable[Plain | Call], redactor: Redactor) -> Iterator[Plain | Call]:
    waiting: list[Plain] = []
    for call in calls:
        if isinstance(call, Plain):
            waiting.append(call)
            continue
        yield from _plain(waiting, redactor)
        waiting = []
        yield _call(call, redactor)
    yield from _plain(waiting, redactor)


def _plain(calls: Sequence[Plain], redactor: Redactor) -> Iterable[Plain]:
    if all(map(redactor.leaves, {call.returned.model for call in calls})):
        texts = iter(redactor.all_texts([text for call in calls for text in (call.prompt, call.response)]))
        return [
            call
            if prompt is call.prompt and response is call.response
            else Plain(call.started, call.returned, prompt, response)
            for call, prompt, response in zip(calls, texts, texts, strict=True)
        ]
    return _one_by_one(calls, redactor)


def _one_by_one(calls: Sequence[Plain], redactor: Redactor) -> Iterator[Plain]:
    # One after the other: what a model's name holds is numbered between its call's words and the next one's.
    texts = redactor.texts([text for call in calls for text in (call.prompt, call.response)])
    for call, prompt, response in zip(calls, texts, texts, strict=True):
        returned = call.returned
        model = redactor.name(returned.model)
        if model != returned.model:
            returned = _replace(returned, model=model)
        elif prompt is call.prompt and response is call.response:
            yield call
            continue
        yield Plain(call.started, returned, prompt, response)


def _says_no_more(call: Call) -> bool:
    """Whether there is nothing to redact in a call but its prompt and its response."""
    others = call.override, call.error, call.reasoning, call.judgements, call.labels
    return (
        not any(others)
        and call.text == call.response
        and not any(isinstance(value, str | dict | list) for value in call.params.values())
    )


def _judgements(
    judgements: tuple[ev.Annotated, ...], redactor: Redactor, texts: spans.Texts
) -> tuple[ev.Annotated, ...]:
    if not judgements:
        return ()
    return tuple(
        _replace(
            made,
            by=redactor.name(made.by),
            comment=redactor.text(made.comment),
            correction=_maybe(made.correction, redactor),
            reason=redactor.text(made.reason),
            labels=_all(made.labels, redactor),
            target=_replace(made.target, field=_name(made.target.field, redactor)),
            scores={redactor.name(name): score for name, score in made.scores.items()},
            cleared=tuple(map(redactor.name, made.cleared)),
        )
        for made in spans.moved(judgements, texts, redactor.alignment)
    )


def _decision(decision: ev.DecisionMade | None, redactor: Redactor) -> ev.DecisionMade | None:
    if decision is None:
        return None
    by = redactor.name(decision.by)
    if by == decision.by and not (decision.before or decision.after or decision.guidance or decision.reason):
        return decision
    return _replace(
        decision,
        by=by,
        before=_all(decision.before, redactor),
        after=_all(decision.after, redactor),
        guidance=redactor.text(decision.guidance),
        reason=redactor.text(decision.reason),
    )


def _final(final: ev.Final | None, redactor: Redactor) -> ev.Final | None:
    if final is None:
        return None
    value = final.value
    if value is not None and not isinstance(value, bool):
        told = redactor.text(str(value))
        value = value if told == str(value) else told
    return _replace(final, value=value, text=redactor.text(final.text))


def _maybe(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)


def _name(name: str | None, redactor: Redactor) -> str | None:
    return None if name is None else redactor.name(name)


def _all(texts: tuple[str, ...], redactor: Redactor) -> tuple[str, ...]:
    return tuple(map(redactor.text, texts)) if texts else texts


def _value(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, dict):
        text = redactor.text
        return {
            text(name): text(inner) if type(inner) is str else _value(inner, redactor)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_value(inner, redactor) for inner in value]
    return value
