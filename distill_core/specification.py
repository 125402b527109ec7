"""What a session is made from, and what it came to: the two ends of the engine as a caller holds them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.budget import Prices, Role
from distill_core.models.base import Usage
from distill_core.repl import ReplLimits

Context: TypeAlias = str | list[Any] | dict[str, Any]
Dialect: TypeAlias = Literal["distill", "rlm"]


class SessionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a session is made from, models and people aside.

    Args:
        query: the question.
        context: the document; stays str, list or dict in the REPL.
        document_name: what to call it.
        limits: bounds of the session.
        repl_limits: bounds of a cell.
        output_limit: characters of a cell's output that the supervisor is shown.
        worker_ctx_k: the worker's context window, in thousands of tokens.
        dialect: names offered in the REPL; "rlm" adds those that RLM-trained models were taught.
        prompt_style: "compact" for small supervisors.
        system_prompt: a whole prompt to send instead of the built one.
        primitives: more functions for the REPL, run on the host.
        isolation: level asked of the REPL.
        prices: per role; without them no cost is known.
        log_dir: the session's folder; None keeps nothing.
        next_free: where a session is kept in `log_dir` already, take `log_dir.2`, `log_dir.3`, … instead of refusing.
        documents_dir: where documents are kept once by content; default `documents` inside `log_dir`.
        config: the effective configuration, for the record; must hold no key.
        session_id: default: made from the time.
        kind: what sort of session this is.
        replies_without_code: so many in a row end the session.
        seed: of `random` in the REPL.
    """

    query: str
    context: Context
    document_name: str = ""
    limits: ev.Limits = ev.Limits()
    repl_limits: ReplLimits = ReplLimits()
    output_limit: int = 2000
    worker_ctx_k: int = 8
    dialect: Dialect = "distill"
    prompt_style: Literal["full", "compact"] = "full"
    system_prompt: str | None = None
    primitives: Mapping[str, Callable[..., Any]] = msgspec.field(default_factory=dict)
    isolation: str = "auto"
    prices: Mapping[Role, Prices] = msgspec.field(default_factory=dict)
    log_dir: Path | None = None
    next_free: bool = False
    documents_dir: Path | None = None
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    session_id: str = ""
    kind: str = "research"
    replies_without_code: int = 3
    seed: int = 0


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a session came to.

    Args:
        answer: the answer as text.
        iterations: supervisor turns taken.
        elapsed: seconds that the session ran, those before a program's death included.
        status: how it ended; "finished" is the only one with an answer that was given as one.
        partial: the answer is the best there was, not one that FINAL gave.
        reason: why it ended.
        cost: US dollars, None where prices are not known.
        value: the answer as JSON holds it, where it was a number, a bool or None.
        log_dir: where the session is kept, None if nowhere.
        notes: what the person should know beside it: where the log is whose disk was full.
    """

    answer: str
    iterations: int
    supervisor_usage: Usage
    worker_usage: Usage
    elapsed: float
    status: ev.SessionStatus = "finished"
    partial: bool = False
    reason: str = ""
    cost: float | None = None
    value: ev.JsonScalar = None
    session_id: str = ""
    log_dir: Path | None = None
    notes: tuple[str, ...] = ()


def new_session_id() -> str:
    """A name that sorts by time and is unlikely to be given twice."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
