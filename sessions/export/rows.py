"""What exporters give: rows and what is left out, each with where it came from; and what an exporter is.

An exporter is a module in `formats` with a `FORMAT`. Its function takes a trace and yields; it reads nothing else and
keeps nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from sessions.export.trace import Call, Part, Trace, Turn

Shape: TypeAlias = Any
"""A column's type: "string", "int64", "float64", "bool" or "json"; [shape] for a list; {name: shape} for a struct."""

RULES: dict[str, str] = {
    "failed": "the model gave no reply",
    "undecided": "nobody decided on it",
    "nothing_to_run": "the reply held no code to run",
    "rejected": "a person rejected it",
    "not_run": "the session ended at it, it never ran",
    "superseded": "another was chosen in its place",
    "sent_back": "its answer was sent back",
    "copied": "taken over from the parent of a fork, which has it (--keep copied takes it here too)",
    "truncated": "the reply was cut off",
    "error": "its code ended in an error",
    "marked_bad": "reviewers marked it −1",
    "unfinished": "the session did not come to an answer of its own",
    "nothing_left": "no word is left of it, or of a reply before it",
    "unmarked": "nobody marked it",
    "neutral": "marked 0, which this format cannot say",
    "no_pair": "there is nothing to compare it with",
    "several_messages": "a side has several messages, and this format takes one",
    "no_judgement": "nobody said whether it is good",
    "not_alternating": "its messages do not take turns, which this format asks for",
    "words_beside_call": "it calls a tool and says something too, for which this format documents no place",
    "purpose": "a call by a primitive of the host, not by the supervisor's program",
    "no_decision": "it calls no tool and uses no result",
    "no_tokens": "the tokenizer does not give its text back",
    "no_evidence": "no passage that it quotes stands in its prompt",
    "label": "it does not bear the label asked for",
    "unvouched": "no person decided on it or judged it",
    "sampled_out": "not in the sample",
    "duplicate": "equal to a row before it",
    "near_duplicate": "all but equal to a row before it",
    "unreadable": "the session cannot be read",
    "replay": "a replay of another session, which has what there is to learn",
    "same_session": "a copy of a session that is there already",
}
"""Every rule by which something is left out, and what it means."""

FIXED: dict[str, str] = {
    "failed": "without a reply there is nothing to learn",
    "unmarked": "a step without a mark has no label",
    "no_pair": "half a pair is no row",
    "several_messages": "the format has no place for them",
    "not_alternating": "the format has no place for it",
    "no_decision": "a row without a decision teaches none",
    "no_tokens": "name another tokenizer",
    "no_evidence": "leave --evidence out",
    "label": "leave --label out",
    "unvouched": "leave --vouched out",
    "sampled_out": "leave --sample out",
    "duplicate": "a row is exported once",
    "near_duplicate": "leave --near out",
    "unreadable": "what cannot be read has no rows",
    "same_session": "a session is exported once",
}
"""The rules of `RULES` that nobody lifts: why, or what there is to do instead."""


_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a row comes from in its session.

    Args:
        step: the turn, 0 for a whole session.
        events: numbers of the events it was made from.
        models: whose words it teaches.
        params: the sampling parameters they were made with.
        decision: what was decided, in a word; "" where nothing was.
        decided_by: who decided.
        annotators: who judged it.
        labels: what they called it.
    """

    step: int = 0
    events: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    decision: str = ""
    decided_by: str = ""
    annotators: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An example. `key` names it for good; `columns` are as the format says, and none without a value is among them.

    `name` is the file it becomes, in formats that make one a session; `columns["text"]` is then what stands in it.
    """

    key: str
    columns: dict[str, Any]
    origin: Origin
    name: str = ""


class Left(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that is no row, by which rule of `RULES`, and what was found."""

    key: str
    rule: str
    why: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person can ask of exporters.

    Args:
        keep: rules that are not applied; those of `FIXED` always are.
        best: the highest rating there is; the lowest is 1.
        scales: the lowest and the highest score of each criterion, None for one whose scores are names; a criterion
            that is not among them is taken to go from 1 to `best`.
        evidence: of worker calls, only those whose quotes stand in their prompt.
        prose: keep the supervisor's words, for formats that see to it themselves.
        tokenizer: the student's `tokenizer.json` or its folder, for formats of tokens.
        tool: name and version of this program, for formats with a place of their own for provenance.
        licence: a note on the documents' licence, for the same.
    """

    keep: frozenset[str] = frozenset()
    evidence: bool = False
    prose: bool = True
    best: int = 5
    scales: Mapping[str, tuple[float, float] | None] = msgspec.field(default_factory=dict)
    tokenizer: str = ""
    tool: str = ""
    licence: str = ""


Verdict: TypeAlias = Row | Left


class Alike(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Rows of a session that differ in little: what they have in common is told once.

    Args:
        columns: their names.
        origin: where all of them come from, but for step and events.
        keys: of each row.
        starts: with what the line of each begins, and the next one's is likely to begin too; may be empty.
        lines: what follows. Both together are the columns as JSON, to the letter as those of a `Row` would be encoded;
            some megabytes at most.
        places: of each, its step and the numbers of its events.
    """

    columns: tuple[str, ...]
    origin: Origin
    keys: list[str]
    starts: list[bytes]
    lines: list[bytes]
    places: list[tuple[int, ...]]


class Format(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An exporter.

    Args:
        name: as it is asked for.
        help: one line.
        rows: the rows of a trace.
        columns: their shape, as the card declares it; empty for reports, which are no rows to load. Of "files" each is
            a row of JSON.
        storage: "rows" go to shards; "lines" are JSON Lines of another standard's own shape, never Parquet; "files"
            are one a session.
        provenance: in a "column" of each row, "beside" them line by line where a consumer refuses further columns, or
            "inside" where the format has a place of its own for it.
        reads: the parts of a trace that it reads; what it does not read is neither made nor looked through. Turns hold
            how their cells ended; whoever reads anything else of these, code or output, reads "cells" too.
        together: the same rows as `rows` gives, those that differ in little together, and calls read as
            `Trace.plainly`: for formats with a row for each of very many calls or turns.
        objects: arguments of tool calls are objects in its messages, not text. Such a message is JSON to a loader,
            which would otherwise give each of them the keys of all.
        compares: it makes rows of two sessions of which a reviewer preferred one.
        extras: more files for the folder, by name, made from the splits' file patterns.
        suffix: of files and lines.
        tokenizer: its rows hold tokens, so that it needs a tokenizer.
        drops_prose: it drops the supervisor's words itself where they are unwanted, since it keeps some of them.
        teaches: what a reader of the card should know to use it.
    """

    name: str
    help: str
    rows: Callable[[Trace, Options], Iterator[Verdict]]
    columns: Mapping[str, Shape] = msgspec.field(default_factory=dict)
    storage: Literal["rows", "lines", "files"] = "rows"
    provenance: Literal["column", "beside", "inside"] = "column"
    reads: tuple[Part, ...] = ("turns", "cells", "calls")
    together: Callable[[Trace, Options], Iterator[Verdict | Alike]] | None = None
    objects: bool = False
    compares: bool = False
    extras: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None
    suffix: str = "jsonl"
    tokenizer: bool = False
    drops_prose: bool = False
    teaches: str = ""


def file_name(folder: str, trace: Trace, suffix: str) -> str:
    """A file for a session: no part of its id can lead elsewhere."""
    plain = _UNFIT.sub("_", trace.session_id).lstrip(".") or "session"
    if plain != trace.session_id:
        plain += "-" + hashlib.sha256(trace.session_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{folder}/{plain[:150]}.{suffix}"


def turn_key(trace: Trace, turn: Turn, variant: str = "") -> str:
    """The name of a row made from a turn: SESSION/STEP/CALL, and a variant where a turn makes several."""
    return _key(trace, turn.step, turn.call_id, variant)


def call_key(trace: Trace, call: Call, variant: str = "") -> str:
    """The name of a row made from a worker call."""
    return _key(trace, call.step, call.call_id, variant)


def _key(trace: Trace, step: int, call_id: str, variant: str) -> str:
    key = f"{trace.session_id}/{step}/{call_id}"
    return f"{key}/{variant}" if variant else key


def of_turn(turn: Turn) -> Origin:
    """Where a row made from a turn comes from."""
    return Origin(
        step=turn.step,
        events=turn.events,
        models=(turn.model,),
        params=turn.params,
        decision=turn.outcome,
        decided_by=turn.decision.by if turn.decision is not None else "",
        annotators=_annotators(turn.judgements),
        labels=turn.labels,
    )


def of_call(call: Call) -> Origin:
    """Where a row made from a worker call comes from."""
    return Origin(
        step=call.step,
        events=call.events,
        models=(call.model,),
        params=call.params,
        decision="overridden" if call.override is not None else "",
        annotators=_annotators(call.judgements),
        labels=call.labels,
    )


def of_session(trace: Trace) -> Origin:
    """Where a row made from a whole session comes from."""
    turns = trace.conversation()
    judged = [*trace.judgements, *(made for turn in turns for made in turn.judgements)]
    return Origin(
        events=tuple(
            sorted({seq for turn in turns for seq in turn.events} | {a.seq for a in trace.judgements})
        ),
        models=tuple(dict.fromkeys([trace.supervisor, *(turn.model for turn in turns)])),
        params=turns[-1].params if turns else {},
        decision=trace.status or "",
        decided_by=", ".join(dict.fromkeys(t.decision.by for t in turns if t.decision is not None)),
        annotators=_annotators(judged),
        labels=tuple(dict.fromkeys([*trace.labels, *(label for turn in turns for label in turn.labels)])),
    )


def _annotators(judgements: Any) -> tuple[str, ...]:
    return tuple(sorted({made.by for made in judgements})) if judgements else ()
