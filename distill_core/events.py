"""The event model: everything that happens in a session, as one tagged union of frozen structs.

The engine emits these and nothing else changes a session. An event is made without its number; the recorder
stamps `seq` and `timestamp` when it writes it. Adding an event: add a struct, put it in `Event`, name its stream
in `STREAM`, and teach `state.apply` what it does.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Annotated as Meant
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core.models.base import Count, StepNumber, TokenLogprob, Usage

SCHEMA_VERSION = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Stream: TypeAlias = Literal["supervisor", "repl", "worker", "human"]
CellStatus: TypeAlias = Literal["ok", "error", "final", "interrupted", "timeout", "killed"]
SessionStatus: TypeAlias = Literal[
    "finished", "exhausted", "budget", "no_code", "stopped", "diverged", "failed"
]
Action: TypeAlias = Literal[
    "approve",
    "edit",
    "reject",
    "regenerate",
    "write",
    "finish",
    "stop",
    "accept",
    "send_back",
    "follow_up",
    "raise_budget",
    "try_again",
]
BESIDE = ("budget:", "failed:")
"""How the `proposal_id` begins of what is decided beside the code and the answer: a bound, a call that failed."""
JsonScalar: TypeAlias = str | int | float | bool | None


class Stamped(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every line carries.

    Args:
        step: the supervisor turn it belongs to, from 1; 0 before the first.
        seq: its number over all four streams, from 1 without gaps; 0 until recorded.
        timestamp: when it was recorded, UTC.
        v: schema version.
        copied: taken over from the parent of a fork, so never exported twice.
    """

    step: StepNumber
    seq: Count = 0
    timestamp: Meant[datetime, msgspec.Meta(tz=True)] = EPOCH
    v: Count = SCHEMA_VERSION
    copied: bool = False


# ---------------------------------------------------------------- parts


class DocumentRef(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which document a session reads: `sha256` of its stored form, `kind` of the value in the REPL, `chars` in all."""

    sha256: str
    kind: Literal["str", "list", "dict"]
    chars: Count
    name: str = ""


class Parent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a fork branched off: the parent session and how many of its steps were copied.

    `family` is the session that the parent itself descends from, "" where it is no fork: it is known even once the
    parent is gone.
    """

    session_id: str
    steps: Count
    family: str = ""


class Final(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An answer given by FINAL: `value` as JSON can hold it (containers become text), `text` for people."""

    value: JsonScalar
    text: str


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an annotation is about: a thing by `kind` and `id`, or a span of one of its text fields.

    `start` and `end` count characters of `field` ("reply", "code", "output", "prompt", "response", "answer").
    """

    kind: Literal["session", "step", "cell", "worker_call", "answer"]
    id: str = ""
    field: str | None = None
    start: Count | None = None
    end: Count | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Bounds of a session; None is no bound. `money` in US dollars, `seconds` of wall time."""

    turns: int | None = 15
    worker_calls: int | None = 2000
    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None


# ---------------------------------------------------------------- supervisor.jsonl


class SessionStarted(Stamped, frozen=True, kw_only=True, tag="session_started"):
    """A session begins. `config` is its whole configuration, keys left out; `isolation` the level the REPL proved."""

    session_id: str
    kind: str
    query: str
    document: DocumentRef
    supervisor: str
    worker: str
    limits: Limits
    isolation: str
    program: str
    python: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    parent: Parent | None = None


class SessionResumed(Stamped, frozen=True, kw_only=True, tag="session_resumed"):
    """The program had died and the session goes on: what was under way then is settled by the events after this."""

    program: str
    python: str
    supervisor: str
    worker: str
    isolation: str


class MessageAdded(Stamped, frozen=True, kw_only=True, tag="message_added"):
    """A message in the exact form it is sent, stored once. `message_id` is derived from its content."""

    message_id: str
    message: dict[str, Any]


class SupervisorCalled(Stamped, frozen=True, kw_only=True, tag="supervisor_called"):
    """A prompt goes out: the messages of call `extends` (none if None) followed by `message_ids`.

    `params` are the sampling parameters sent; `candidate` counts regenerations of one turn from 0.
    """

    call_id: str
    model: str
    extends: str | None
    message_ids: tuple[str, ...]
    params: dict[str, Any]
    candidate: Count = 0


class SupervisorReplied(Stamped, frozen=True, kw_only=True, tag="supervisor_replied"):
    """The reply to `call_id`. `elapsed` in seconds."""

    call_id: str
    text: str
    model: str
    usage: Usage
    elapsed: float
    finish_reason: str | None = None
    reasoning: str | None = None
    cached: bool = False
    attempts: Count = 1
    logprobs: tuple[TokenLogprob, ...] | None = None


class SupervisorFailed(Stamped, frozen=True, kw_only=True, tag="supervisor_failed"):
    """The call failed for good after `attempts` requests, or was `cut` because the session was stopped."""

    call_id: str
    model: str
    usage: Usage
    elapsed: float
    error: str
    attempts: Count = 1
    cut: bool = False


class SessionFinished(Stamped, frozen=True, kw_only=True, tag="session_finished"):
    """The session is over. `partial` marks an answer that FINAL did not give; `reason` says why it ended.

    Where a further question was asked and found no answer, `answer` is that to the question before, and `partial`.
    """

    status: SessionStatus
    answer: Final | None
    partial: bool
    reason: str
    iterations: Count
    supervisor_usage: Usage
    worker_usage: Usage
    cost: float | None
    elapsed: float


# ---------------------------------------------------------------- repl.jsonl


class CellProposed(Stamped, frozen=True, kw_only=True, tag="cell_proposed"):
    """A block of code that may run, found in reply `call_id` as its block number `index` (from 0)."""

    cell_id: str
    call_id: str
    index: Count
    code: str
    origin: Literal["supervisor", "person"] = "supervisor"


class ReplyRejected(Stamped, frozen=True, kw_only=True, tag="reply_rejected"):
    """A reply with nothing to run: `problem` names why, the supervisor is told so."""

    call_id: str
    problem: str


class CellStarted(Stamped, frozen=True, kw_only=True, tag="cell_started"):
    """`code` runs, as decided on."""

    cell_id: str
    code: str


class CellOutput(Stamped, frozen=True, kw_only=True, tag="cell_output"):
    """Text a cell wrote, in the order it wrote it."""

    cell_id: str
    stream: Literal["stdout", "stderr"]
    text: str


class CellFinished(Stamped, frozen=True, kw_only=True, tag="cell_finished"):
    """A cell has ended. `elapsed` is wall time, `active` what of it was not spent waiting for workers (seconds).

    `dropped` counts characters of output over the limit, lost. Of a killed cell, `variables` says what came of them:
    they are those of an earlier state ("restored", mostly that before the cell), or "lost".
    """

    cell_id: str
    status: CellStatus
    elapsed: float
    active: float
    traceback: str | None = None
    final: Final | None = None
    worker_calls: Count = 0
    dropped: Count = 0
    variables: Literal["restored", "lost"] | None = None


class FinalProposed(Stamped, frozen=True, kw_only=True, tag="final_proposed"):
    """FINAL was called; the answer waits for its own gate."""

    cell_id: str
    answer: Final


class PrimitiveCalled(Stamped, frozen=True, kw_only=True, tag="primitive_called"):
    """The code called a primitive of the host: what it gave, or why it failed. Worker calls are not told here."""

    cell_id: str
    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    value: Any = None
    error: str | None = None


class StateRebuilt(Stamped, frozen=True, kw_only=True, tag="state_rebuilt"):
    """The REPL is as after `cells` recorded cells: taken from a "checkpoint", or by a "rerun" with recorded replies.

    `diverged` says in a line each what came out differently and was let pass by a person.
    """

    cells: Count
    way: Literal["rerun", "checkpoint"]
    elapsed: float
    diverged: tuple[str, ...] = ()


# ---------------------------------------------------------------- worker.jsonl


class WorkerCallStarted(Stamped, frozen=True, kw_only=True, tag="worker_call_started"):
    """A worker call goes out. What is sent is one user message holding `prompt`.

    `batch_id` and `index` place it in a batch; `purpose` is "answer" or what a primitive wants it for. A call with
    `retry_of` is made by a person (`by`): it sends the prompt of that call once more, and the code gets its reply in
    the place of that one's if `reaches_cell`; otherwise it is there for the record only.
    """

    call_id: str
    cell_id: str
    prompt: str
    model: str
    params: dict[str, Any]
    batch_id: str | None = None
    index: Count = 0
    purpose: str = "answer"
    retry_of: str | None = None
    reaches_cell: bool = True
    by: str = ""


class WorkerCallReturned(Stamped, frozen=True, kw_only=True, tag="worker_call_returned"):
    """The worker's reply."""

    call_id: str
    response: str
    model: str
    usage: Usage
    elapsed: float
    cached: bool = False
    attempt: Count = 1
    finish_reason: str | None = None
    reasoning: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None


class WorkerCallFailed(Stamped, frozen=True, kw_only=True, tag="worker_call_failed"):
    """The call gave nothing: `error` says why, in one line."""

    call_id: str
    error: str
    model: str
    usage: Usage
    elapsed: float
    attempt: Count = 1


class WorkerCallRefused(Stamped, frozen=True, kw_only=True, tag="worker_call_refused"):
    """A call that was never sent: the budget did not allow it, or a person cancelled it. The code was told `error`."""

    cell_id: str
    prompt: str
    error: str
    purpose: str = "answer"


class WorkerCallOverridden(Stamped, frozen=True, kw_only=True, tag="worker_call_overridden"):
    """A person put `response` in the place of what the worker said; both are kept.

    `reached_cell`: the code had not been given the worker's reply yet, so it was given this one; otherwise only the
    record is corrected.
    """

    call_id: str
    response: str
    by: str
    reached_cell: bool = False


# ---------------------------------------------------------------- human.jsonl


class DecisionMade(Stamped, frozen=True, kw_only=True, tag="decision_made"):
    """What was decided on a proposal, by whom ("policy:auto" or a person's name), and how long it took (seconds).

    `proposal_id` is the `call_id` of the reply whose cells are decided on, or "final:CELL" for an answer, or
    "budget:LIMIT", or "failed:CALL" for a supervisor call that came to nothing. `before` and `after` are the cells'
    codes (or the answer) as proposed and as decided; of a step that `finish` decides on, `after` is the answer that
    somebody gave. `chosen` is the candidate that was taken, by its `call_id`, where there were several; `more` how
    many further ones were wanted. `follow_up` accepts the answer and goes on with another question, which stands in
    `guidance`.
    """

    proposal_id: str
    action: Action
    by: str
    took: float
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    guidance: str = ""
    chosen: str | None = None
    reason: str = ""
    more: Count = 0


class PolicyChanged(Stamped, frozen=True, kw_only=True, tag="policy_changed"):
    """From here on steps are approved by `policy`; by "steps" the next `steps` of them."""

    policy: str
    by: str
    steps: Count | None = None


class BudgetChanged(Stamped, frozen=True, kw_only=True, tag="budget_changed"):
    """The bounds changed while the session ran."""

    before: Limits
    after: Limits
    by: str


class InstructionGiven(Stamped, frozen=True, kw_only=True, tag="instruction_given"):
    """A person put words for the supervisor in front of the turn `step`, unasked."""

    text: str
    by: str


class WorkerCallsCancelled(Stamped, frozen=True, kw_only=True, tag="worker_calls_cancelled"):
    """A person cancelled what was left of a batch, or a call made alone (`batch_id` None).

    `call_ids` were on their way and have failed by it; `unsent` more were never sent. The code got an error for each.
    """

    cell_id: str
    batch_id: str | None
    call_ids: tuple[str, ...]
    unsent: Count
    by: str


class CellInterrupted(Stamped, frozen=True, kw_only=True, tag="cell_interrupted"):
    """A person asked for the running cell to stop."""

    cell_id: str
    by: str


class Preference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which of two sessions a person prefers: `this` one, whose log it stands in, the `other`, or `neither`."""

    other: str
    winner: Literal["this", "other", "neither"]


class Annotated(Stamped, frozen=True, kw_only=True, tag="annotated"):
    """A person's judgement of `target`. Only what is given counts; `mark` is −1, 0 or +1 (None: unmarked).

    Of several by one person on one target, the last that gives a field counts for it; `cleared` names the fields that
    are taken back. `done` says that `by` has finished judging the session, and may from here on see what others said.
    `settles`: where annotators disagree, this is what counts. A `preference` stands in the logs of both sessions under
    the same `annotation_id`.
    """

    annotation_id: str
    target: Target
    by: str
    rating: Count | None = None
    mark: Literal[-1, 0, 1] | None = None
    labels: tuple[str, ...] = ()
    comment: str = ""
    correction: str | None = None
    reason: str = ""
    scores: dict[str, float] = msgspec.field(default_factory=dict)
    cleared: tuple[str, ...] = ()
    done: bool = False
    settles: bool = False
    preference: Preference | None = None


class Retracted(Stamped, frozen=True, kw_only=True, tag="retracted"):
    """Event number `retracts` (an annotation, an override or another retraction) no longer counts."""

    retracts: Count
    by: str
    reason: str = ""


Event: TypeAlias = (
    SessionStarted
    | SessionResumed
    | MessageAdded
    | SupervisorCalled
    | SupervisorReplied
    | SupervisorFailed
    | SessionFinished
    | CellProposed
    | ReplyRejected
    | CellStarted
    | CellOutput
    | CellFinished
    | FinalProposed
    | PrimitiveCalled
    | StateRebuilt
    | WorkerCallStarted
    | WorkerCallReturned
    | WorkerCallFailed
    | WorkerCallRefused
    | WorkerCallOverridden
    | DecisionMade
    | PolicyChanged
    | BudgetChanged
    | InstructionGiven
    | WorkerCallsCancelled
    | CellInterrupted
    | Annotated
    | Retracted
)

STREAM: dict[type[Stamped], Stream] = {
    SessionStarted: "supervisor",
    SessionResumed: "supervisor",
    MessageAdded: "supervisor",
    SupervisorCalled: "supervisor",
    SupervisorReplied: "supervisor",
    SupervisorFailed: "supervisor",
    SessionFinished: "supervisor",
    CellProposed: "repl",
    ReplyRejected: "repl",
    CellStarted: "repl",
    CellOutput: "repl",
    CellFinished: "repl",
    FinalProposed: "repl",
    PrimitiveCalled: "repl",
    StateRebuilt: "repl",
    WorkerCallStarted: "worker",
    WorkerCallReturned: "worker",
    WorkerCallFailed: "worker",
    WorkerCallRefused: "worker",
    WorkerCallOverridden: "worker",
    DecisionMade: "human",
    PolicyChanged: "human",
    BudgetChanged: "human",
    InstructionGiven: "human",
    WorkerCallsCancelled: "human",
    CellInterrupted: "human",
    Annotated: "human",
    Retracted: "human",
}
STREAMS: tuple[Stream, ...] = ("supervisor", "repl", "worker", "human")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)
_TOO_DEEP = "it is nested too deeply"


def encode(event: Event) -> bytes:
    """One event as one line of JSON, without the newline."""
    return _encoder.encode(event)


def decode(line: bytes) -> Event:
    """The event on a line.

    Raises:
        msgspec.DecodeError: the line is not JSON, or not an event of this schema.
    """
    try:
        event: Event = _decoder.decode(line)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None
    return event


def decoded(lines: bytes) -> list[Event]:
    """The events on lines, each as `decode` gives it; white space of any kind, or none, may stand between two.

    Raises:
        msgspec.DecodeError: what is there is not JSON, or not events of this schema.
    """
    try:
        events: list[Event] = _decoder.decode_lines(lines)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None
    return events


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a log line."""
    schema = msgspec.json.schema(Event)
    for part in schema["$defs"].values():
        if "description" in part:
            # Python 3.13 takes the indentation out of docstrings itself; so it is the same on all.
            part["description"] = inspect.cleandoc(part["description"])
    return schema
