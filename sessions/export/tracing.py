"""From a session's events to its trace: the one fold, and what the fold does not keep (numbers, times, parameters)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from operator import attrgetter
from typing import Any, Literal

import msgspec

from distill_core import events as ev
from distill_core.errors import ExportError
from distill_core.models.base import Message
from distill_core.state import Cell as FoldedCell
from distill_core.state import Reply, SessionState, Step, WorkerCall, fold
from sessions.export import calling, turning
from sessions.export.alignment import by_lines
from sessions.export.standing import preferences, standing
from sessions.export.tool_calls import with_tool_calls
from sessions.export.trace import (
    RAN,
    Call,
    Cell,
    Mark,
    Outcome,
    Part,
    Plain,
    Trace,
    Turn,
    bare,
    without_code,
)

_CHOICES = ("approve", "edit", "write", "reject", "finish", "stop")
_OUTCOMES: dict[str, Outcome] = {
    "approve": "approved",
    "edit": "edited",
    "write": "written",
    "reject": "rejected",
    "finish": "not_run",
    "stop": "not_run",
}


def trace_of(
    events: Sequence[ev.Event],
    *,
    family: str = "",
    reads: Collection[Part] = ("turns", "cells", "calls"),
    plainly: bool = False,
) -> Trace:
    """The trace of a session.

    Args:
        events: all of them, in order.
        family: where its relatives come from; default its own id, or its parent's.
        reads: the parts that are wanted, see `Trace`.
        plainly: calls are wanted as `Trace.plainly`.

    Raises:
        ExportError: the events are no session, or speak of what is not there.
    """
    plain = calling.plain(events) if "calls" in reads else {}
    turns = turning.plain(events, cells="cells" in reads) if "turns" in reads else None
    rest = calling.without(events if turns is None else turns.rest, plain)
    if "turns" not in reads:
        rest = [event for event in rest if type(event) not in _OF_TURNS]
    try:
        # Only turns from the fold need calls folded: their cells tell which they made.
        state = fold(events if "turns" in reads and turns is None else rest)
        return with_tool_calls(
            _Tracing(state, _index(rest), events, plain, turns).trace(family, reads, plainly)
        )
    except KeyError as error:
        raise ExportError(
            "the session's log is damaged", found=f"it speaks of {error.args[0]}, which is missing from it"
        ) from error


_OF_TURNS = frozenset(
    (
        *(ev.MessageAdded, ev.SupervisorCalled, ev.SupervisorReplied, ev.SupervisorFailed, ev.ReplyRejected),
        *(ev.CellProposed, ev.CellStarted, ev.CellOutput, ev.CellFinished),
    )
)
"""What tells of nothing else."""

_NAMED: dict[type[ev.Stamped], Callable[[Any], str]] = {
    **dict.fromkeys(
        (
            ev.WorkerCallStarted,
            ev.WorkerCallReturned,
            ev.WorkerCallFailed,
            ev.WorkerCallOverridden,
            ev.SupervisorCalled,
            ev.SupervisorReplied,
            ev.SupervisorFailed,
            ev.ReplyRejected,
        ),
        attrgetter("call_id"),
    ),
    **dict.fromkeys((ev.CellProposed, ev.CellStarted, ev.CellFinished), attrgetter("cell_id")),
}


def _index(events: Iterable[ev.Event]) -> dict[str, list[Any]]:
    """By call and cell, the events that tell of it, for what the fold does not keep: numbers, times, parameters."""
    told: defaultdict[str, list[Any]] = defaultdict(list)
    for event in events:
        name = _NAMED.get(type(event))
        if name is not None:
            told[name(event)].append(event)
    return told


class _Tracing:
    """Puts one trace together."""

    def __init__(
        self,
        state: SessionState,
        told: Mapping[str, Sequence[Any]],
        events: Sequence[ev.Event],
        plain: calling.Pairs,
        turns: turning.Turns | None,
    ) -> None:
        if state.started is None:
            raise ExportError(
                "the session has no beginning", remedy="look at it with distill-tui sessions verify"
            )
        self._state = state
        self._started = state.started
        self._told = told
        self._events = events
        self._plain = plain
        self._turned = turns
        self._prompts: dict[str, tuple[Message, ...]] = {}
        self._annotations = standing(state.annotations())
        self._of_call: dict[str, list[ev.Annotated]] = {}
        for made in self._annotations:
            if made.target.kind == "worker_call":
                self._of_call.setdefault(made.target.id, []).append(made)
        dialect = self._started.config.get("dialect")
        self._dialect: Literal["distill", "rlm"] = "rlm" if dialect == "rlm" else "distill"

    def trace(self, family: str, reads: Collection[Part], plainly: bool) -> Trace:
        """All of it."""
        state, started, turned = self._state, self._started, self._turned
        finished = state.finished
        given = finished.answer.text if finished is not None and finished.answer is not None else None
        own = [a for a in self._annotations if a.target.kind in ("session", "answer")]
        tools = started.config.get("tools")
        return Trace(
            session_id=started.session_id,
            family=family or (started.parent.session_id if started.parent else started.session_id),
            kind=started.kind,
            query=started.query,
            questions=tuple(question.text for question in state.questions),
            document=started.document,
            supervisor=started.supervisor,
            worker=started.worker,
            isolation=started.isolation,
            program=started.program,
            dialect=self._dialect,
            parent=started.parent,
            started=started.timestamp,
            ended=self._events[-1].timestamp,
            status=finished.status if finished else None,
            answer=_corrected(given, [a for a in own if a.target.kind == "answer"], ("answer",)),
            given=given,
            partial=finished.partial if finished else True,
            reason=finished.reason if finished else "it never finished",
            elapsed=finished.elapsed if finished else 0.0,
            cost=finished.cost if finished else None,
            supervisor_usage=state.supervisor_usage if turned is None else turned.used,
            worker_usage=state.worker_usage
            if "turns" in reads and turned is None
            else state.worker_usage + calling.used(self._plain),
            turns=self._all_turns("cells" in reads) if "turns" in reads else (),
            calls=tuple(self._calls()) if "calls" in reads and not plainly else (),
            plainly=tuple(self._as_told()) if "calls" in reads and plainly else (),
            judgements=tuple(own),
            preferences=preferences(state.annotations()),
            labels=_labels(own),
            final_decision=_last(
                d
                for step in state.steps
                for d in step.decisions
                if d.proposal_id.startswith("final:") or d.action == "finish"
            )
            if turned is None
            else turned.final_decision,
            tools=tuple(tools) if isinstance(tools, list) else (),
            asked=tuple(question.step for question in state.questions) or (0,),
            answered=self._answered(),
            primitives=tuple(map(str, started.config.get("primitives", ()))),
        )

    def _answered(self) -> int:
        """The question that the session's answer is to: the one before the last, where that was left with nothing."""
        questions, finished = self._state.questions, self._state.finished
        last = max(len(questions) - 1, 0)
        if not last or finished is None or not finished.partial or finished.answer is None:
            return last
        before = questions[-2].answer
        return last - 1 if before is not None and before.text == finished.answer.text else last

    # ------------------------------------------------------------ turns

    def _all_turns(self, cells: bool) -> tuple[Turn, ...]:
        if self._turned is not None:
            return self._turned.turns
        return tuple(turn for step in self._state.steps for turn in self._turns(step, cells))

    def _turns(self, step: Step, cells: bool) -> Iterator[Turn]:
        calls = [self._state.replies[call_id] for call_id in step.calls]
        folded = [self._state.cells[cell_id] for cell_id in step.cells]
        decisions = list(step.decisions)
        names = {reply.call_id for reply in calls}
        choice = _last(d for d in decisions if d.action in _CHOICES and _about(d) in names)
        chosen = _about(choice) if choice is not None else None
        for reply in calls:
            mine = choice if reply.call_id == chosen else None
            own = [cell for cell in folded if cell.call_id == reply.call_id]
            outcome = self._outcome(step, reply, mine, chosen, own)
            turn = self._turn(step, reply, mine, outcome, own, decisions)
            yield turn if cells else _without_cells(turn)

    def _outcome(
        self,
        step: Step,
        reply: Reply,
        choice: ev.DecisionMade | None,
        chosen: str | None,
        cells: Sequence[FoldedCell],
    ) -> Outcome:
        if reply.text is None:
            return "failed"
        if choice is not None:
            if choice.action == "edit" and choice.after in ((), choice.before):
                return "approved"
            return _OUTCOMES[choice.action]
        if chosen is not None:
            return "superseded"
        if reply.problem is not None:
            # A further candidate without code was never what the conversation went on from.
            return "superseded" if reply.candidate else "nothing_to_run"
        if reply.call_id != self._last_usable(step):
            return "superseded"
        return "approved" if any(c.phase != "proposed" for c in cells) else "undecided"

    def _last_usable(self, step: Step) -> str:
        usable = [r for r in map(self._state.replies.__getitem__, step.calls) if r.text is not None]
        return next((r.call_id for r in reversed(usable) if r.problem is None), step.calls[-1])

    def _turn(
        self,
        step: Step,
        reply: Reply,
        choice: ev.DecisionMade | None,
        outcome: Outcome,
        folded: Sequence[FoldedCell],
        decisions: Sequence[ev.DecisionMade],
    ) -> Turn:
        cells = tuple(self._cell(cell) for cell in folded if cell.phase != "proposed")
        judgements = self._judgements(step, reply.call_id, outcome, {c.cell_id for c in folded})
        original = reply.text or ""
        decided = self._decided(reply, choice, outcome)
        text = _text(decided, judgements, cells)
        told = self._told[reply.call_id]
        seqs = {event.seq for event in told}
        for cell in folded:
            seqs.update(event.seq for event in self._told[cell.cell_id])
        seqs.update(d.seq for d in decisions if _about(d) == reply.call_id)
        seqs.update(a.seq for a in judgements)
        return Turn(
            step=step.number,
            call_id=reply.call_id,
            outcome=outcome,
            # A reply of the parent's on which the fork decided anew is the fork's own.
            copied=any(event.copied for event in told) and (choice is None or choice.copied),
            model=reply.model,
            params=reply.params,
            prompt=self._prompt(reply),
            reply=original,
            decided=decided,
            text=text,
            reasoning=reply.reasoning,
            usage=reply.usage,
            elapsed=reply.elapsed,
            finish_reason=reply.finish_reason,
            cached=reply.cached,
            candidate=reply.candidate,
            started=told[0].timestamp,
            ended=told[-1].timestamp if reply.text is not None else None,
            decision=choice,
            sent_back=outcome in RAN and any(d.action == "send_back" for d in decisions),
            guidance=_guidance(decisions, choice),
            problem=reply.problem,
            error=reply.error,
            cells=cells,
            judgements=judgements,
            mark=_mark(a for a in judgements if a.target.start is None) if judgements else None,
            marks=tuple(_marks(original, decided, text, judgements, cells)) if judgements else (),
            labels=_labels(judgements),
            events=tuple(sorted(seqs)),
        )

    def _prompt(self, reply: Reply) -> tuple[Message, ...]:
        known = self._prompts.get(reply.call_id)
        if known is None:
            self._prompts[reply.call_id] = ()  # a log from elsewhere may go round in circles
            before = self._prompt(self._state.replies[reply.extends]) if reply.extends is not None else ()
            known = (*before, *(self._state.messages[m] for m in reply.message_ids))
            self._prompts[reply.call_id] = known
        return known

    def _decided(self, reply: Reply, choice: ev.DecisionMade | None, outcome: Outcome) -> str:
        if choice is None or outcome not in ("edited", "written"):
            return reply.text or ""
        return as_decided(reply.text or "", reply.finish_reason, choice.after, self._dialect)

    def _cell(self, cell: FoldedCell) -> Cell:
        told = self._told.get(cell.cell_id, ())
        return Cell(
            cell_id=cell.cell_id,
            code=cell.code,
            proposed=cell.proposed,
            status=cell.status,
            output=cell.text(),
            traceback=cell.traceback,
            final=cell.final,
            elapsed=cell.elapsed,
            started=told[0].timestamp if told else None,
            ended=told[-1].timestamp if told else None,
            calls=tuple(cell.calls),
            judgements=tuple(
                [a for a in self._annotations if a.target.kind == "cell" and a.target.id == cell.cell_id]
            ),
        )

    def _judgements(
        self, step: Step, call_id: str, outcome: Outcome, cells: set[str]
    ) -> tuple[ev.Annotated, ...]:
        def is_meant(target: ev.Target, at: int) -> bool:
            if target.kind == "cell":
                return target.id in cells
            # The step as a whole: of its candidates the one that counts is meant.
            whole = target.id in ("", str(step.number)) and at == step.number and outcome != "superseded"
            return target.kind == "step" and (target.id == call_id or whole)

        return tuple([made for made in self._annotations if is_meant(made.target, made.step)])

    # ------------------------------------------------------------ worker calls

    def _calls(self) -> Iterator[Call]:
        for event in self._events:
            if type(event) is ev.WorkerCallStarted:
                known = self._plain.get(event.call_id)
                yield (
                    calling.traced(*known)
                    if known is not None
                    else self._call(self._state.calls[event.call_id])
                )

    def _as_told(self) -> Iterable[Plain | Call]:
        if not len(self._state.calls):
            return starmap(calling.told, self._plain.values())
        return self._each_as_told()

    def _each_as_told(self) -> Iterator[Plain | Call]:
        plain, calls = self._plain, self._state.calls
        for event in self._events:
            if type(event) is ev.WorkerCallStarted:
                known = plain.get(event.call_id)
                yield calling.told(*known) if known is not None else self._call(calls[event.call_id])

    def _call(self, call: WorkerCall) -> Call:
        replaced = None
        if call.retries:
            again = (self._state.calls[name] for name in reversed(call.retries))
            replaced = next(
                (one.call_id for one in again if one.reaches_cell and one.response is not None), None
            )
        judgements = self._of_call.get(call.call_id, ())
        told = self._told[call.call_id]
        started: ev.WorkerCallStarted = told[0]
        copied, reasoning = False, None
        for event in told:
            copied = copied or event.copied
            if type(event) is ev.WorkerCallReturned and event.reasoning is not None:
                reasoning = event.reasoning
        said = call.override if call.override is not None else call.response
        return Call(
            call_id=call.call_id,
            cell_id=call.cell_id,
            step=call.step,
            copied=copied,
            prompt=call.prompt,
            response=call.response,
            override=call.override,
            text=_corrected(said, judgements, ("response",)),
            error=call.error,
            reasoning=reasoning,
            model=call.model,
            params=started.params,
            purpose=call.purpose,
            batch_id=call.batch_id,
            index=call.index,
            attempt=call.attempt,
            usage=call.usage,
            elapsed=call.elapsed,
            cached=call.cached,
            finish_reason=call.finish_reason,
            started=started.timestamp,
            retry_of=call.retry_of,
            replaced_by=replaced,
            judgements=tuple(judgements),
            mark=_mark(a for a in judgements if a.target.start is None) if judgements else None,
            labels=_labels(judgements) if judgements else (),
            events=(*[event.seq for event in told], *(a.seq for a in judgements)),
        )


def _without_cells(turn: Turn) -> Turn:
    """A turn of which it is not wanted what ran: how that ended is all, where no judgement counts letters of it."""
    if any(made.target.start is not None for made in turn.judgements):
        return turn
    return msgspec.structs.replace(
        turn,
        cells=tuple(bare(cell.cell_id, cell.status) for cell in turn.cells),
        decision=without_code(turn.decision) if turn.decision is not None else None,
    )


def as_decided(
    reply: str, finish_reason: str | None, codes: Sequence[str], dialect: Literal["distill", "rlm"]
) -> str:
    """`reply` with the `codes` that a person decided on in the place of its own; as it is where there are none."""
    if not codes:
        return reply
    from distill_core.fences import extract_blocks  # takes long, and is seldom needed
    from distill_core.rewriting import with_codes

    return with_codes(reply, extract_blocks(reply, finish_reason, dialect=dialect).blocks, codes)


def _about(decision: ev.DecisionMade) -> str:
    return decision.chosen or decision.proposal_id


def _last(decisions: Iterable[ev.DecisionMade]) -> ev.DecisionMade | None:
    found = list(decisions)
    return found[-1] if found else None


def _guidance(decisions: Iterable[ev.DecisionMade], choice: ev.DecisionMade | None) -> str:
    if choice is None:
        return ""
    said = [choice.guidance, *(d.guidance for d in decisions if d.action == "send_back")]
    return "\n\n".join(words for words in said if words)


def _labels(judgements: Collection[ev.Annotated]) -> tuple[str, ...]:
    if not judgements:
        return ()
    return tuple(dict.fromkeys(label for made in judgements for label in made.labels))


def _mark(judgements: Iterable[ev.Annotated]) -> Literal[-1, 0, 1] | None:
    """What the annotators' last marks come to together."""
    last = {made.by: made.mark for made in judgements if made.mark is not None}
    if not last:
        return None
    total = sum(last.values())
    return 1 if total > 0 else -1 if total < 0 else 0


def _corrected(text: str | None, judgements: Sequence[ev.Annotated], fields: tuple[str, ...]) -> str | None:
    """`text` with the corrections made of it: of the whole (the last counts), then of spans from its end on."""
    if not judgements:
        return text
    mine = [a for a in judgements if a.correction is not None and (a.target.field in (None, *fields))]
    whole = [a.correction for a in mine if a.target.start is None]
    if whole:
        return whole[-1]
    if text is None:
        return None
    spans = {(a.target.start or 0, a.target.end): a.correction or "" for a in mine}
    limit = len(text)
    for (start, end), correction in sorted(spans.items(), key=lambda span: span[0][0], reverse=True):
        stop = limit if end is None else end
        if start <= stop <= limit:
            text, limit = text[:start] + correction + text[stop:], start
    return text


def _text(decided: str, judgements: Sequence[ev.Annotated], cells: Sequence[Cell]) -> str:
    """`decided` with the corrections of the reply and of its cells' code."""
    if not judgements:
        return decided
    of_reply = [a for a in judgements if a.target.kind == "step" and a.target.field in (None, "reply")]
    text = _corrected(decided, of_reply, ("reply",)) or ""
    for place, cell in enumerate(cells):
        about = [a for a in judgements if a.target.kind == "cell" and a.target.id == cell.cell_id]
        if len(cells) == 1 or place == 0:
            about += [a for a in judgements if a.target.kind == "step" and a.target.field == "code"]
        code = _corrected(cell.code, about, ("code",))
        if code is not None and code != cell.code and cell.code in text:
            text = text.replace(cell.code, code, 1)
    return text


def _marks(
    reply: str, decided: str, text: str, judgements: Iterable[ev.Annotated], cells: Iterable[Cell]
) -> Iterator[Mark]:
    """The marked spans, where they are in `text`."""
    codes: Mapping[str, str] = {cell.cell_id: cell.code for cell in cells}
    for made in judgements:
        target = made.target
        if made.mark is None or target.start is None or made.correction is not None:
            continue
        code = codes.get(target.id) if target.kind == "cell" else None
        if target.field in (None, "reply") and target.kind == "step":
            base, offset, old = reply, 0, reply
        elif target.field in (None, "code") and code is not None and code in decided:
            base, offset, old = code, decided.index(code), decided
        else:
            continue
        end = len(base) if target.end is None else min(target.end, len(base))
        place = by_lines(old, text).span(target.start + offset, end + offset)
        if place is not None:
            yield Mark(start=place[0], end=place[1], mark=made.mark, by=made.by)
