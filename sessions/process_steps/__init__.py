"""Process steps: which tool a teacher called, with which arguments, and where a result was used, as token targets.

Decisions are taken out of a teacher's text, its prose is not needed. `calls` finds tool calls, `integration` finds
results that reappear, `targets` turns their characters into tokens of any tokenizer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.process_steps.calls import extract_json_argument_spans, extract_tool_name_span, find_calls
    from sessions.process_steps.integration import identify_integration_spans
    from sessions.process_steps.registry import load_registry
    from sessions.process_steps.targets import SpanTokenizer
    from sessions.process_steps.text import Span

_HOME = {
    "Span": "text",
    "SpanTokenizer": "targets",
    "extract_json_argument_spans": "calls",
    "extract_tool_name_span": "calls",
    "find_calls": "calls",
    "identify_integration_spans": "integration",
    "load_registry": "registry",
}

__all__ = [
    "Span",
    "SpanTokenizer",
    "extract_json_argument_spans",
    "extract_tool_name_span",
    "find_calls",
    "identify_integration_spans",
    "load_registry",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
