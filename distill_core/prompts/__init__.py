"""Everything the supervisor is told: system prompts, the first message, observations, notices and nudges.

Pure functions of their arguments, the same bytes each time; no clock, no file, no model.
"""

from distill_core.prompts.context import ContextPreview, describe_context, first_message
from distill_core.prompts.cutting import cut
from distill_core.prompts.notices import budget_line, turn_notice
from distill_core.prompts.nudges import follow_up, instruction, nudge, rejection, reply_note, sent_back
from distill_core.prompts.observations import CellReport, observation
from distill_core.prompts.primitives import primitives_section
from distill_core.prompts.system import SYSTEM_PROMPT, build_system_prompt, worker_chunk

__all__ = [
    "SYSTEM_PROMPT",
    "CellReport",
    "ContextPreview",
    "budget_line",
    "build_system_prompt",
    "cut",
    "describe_context",
    "first_message",
    "follow_up",
    "instruction",
    "nudge",
    "observation",
    "primitives_section",
    "rejection",
    "reply_note",
    "sent_back",
    "turn_notice",
    "worker_chunk",
]
