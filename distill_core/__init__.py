"""The engine of distill-tui: models, REPL, prompts, orchestrator, events and log. It knows no screen and no database.

Names are imported when they are first used, so that `import distill_core` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill_core.approval import Approver, AutoApprover, Decision, PersonApprover, PolicyApprover
    from distill_core.documents import Document, load
    from distill_core.errors import DistillError, ModelError
    from distill_core.events import Limits
    from distill_core.models.base import LMResponse, ModelHandler, Usage
    from distill_core.models.cache import ResponseCache
    from distill_core.models.openai import OpenAIHandler
    from distill_core.models.recorded import RecordedHandler
    from distill_core.models.vllm import VLLMHandler
    from distill_core.playbook import PlaybookSupervisor
    from distill_core.prompts import SYSTEM_PROMPT, build_system_prompt
    from distill_core.repl import REPL, AsyncREPL, CellResult, ReplLimits, WorkerError
    from distill_core.runner import arun, run
    from distill_core.session import Session
    from distill_core.specification import RunResult, SessionSpec

_HOME = {
    "Approver": "approval",
    "AutoApprover": "approval",
    "Decision": "approval",
    "PersonApprover": "approval",
    "PolicyApprover": "approval",
    "Document": "documents",
    "load": "documents",
    "DistillError": "errors",
    "ModelError": "errors",
    "Limits": "events",
    "LMResponse": "models.base",
    "ModelHandler": "models.base",
    "Usage": "models.base",
    "ResponseCache": "models.cache",
    "OpenAIHandler": "models.openai",
    "RecordedHandler": "models.recorded",
    "VLLMHandler": "models.vllm",
    "PlaybookSupervisor": "playbook",
    "SYSTEM_PROMPT": "prompts",
    "build_system_prompt": "prompts",
    "AsyncREPL": "repl",
    "REPL": "repl",
    "CellResult": "repl",
    "ReplLimits": "repl",
    "WorkerError": "repl",
    "arun": "runner",
    "run": "runner",
    "RunResult": "session",
    "Session": "session",
    "SessionSpec": "session",
}

__all__ = [
    "REPL",
    "SYSTEM_PROMPT",
    "Approver",
    "AsyncREPL",
    "AutoApprover",
    "CellResult",
    "Decision",
    "DistillError",
    "Document",
    "LMResponse",
    "Limits",
    "ModelError",
    "ModelHandler",
    "OpenAIHandler",
    "PersonApprover",
    "PlaybookSupervisor",
    "PolicyApprover",
    "RecordedHandler",
    "ReplLimits",
    "ResponseCache",
    "RunResult",
    "Session",
    "SessionSpec",
    "Usage",
    "VLLMHandler",
    "WorkerError",
    "arun",
    "build_system_prompt",
    "load",
    "run",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
