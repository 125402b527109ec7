"""Supervising without a model: named strategies that write real, readable programs, and the handler that picks them.

`PlaybookSupervisor` stands wherever a supervisor model can; `strategies()` and `program()` give the same programs to
a person who writes the code. A strategy is one file in `strategies/`.
"""

from distill_core.playbook.catalogue import program, strategies
from distill_core.playbook.supervisor import PlaybookSupervisor

__all__ = ["PlaybookSupervisor", "program", "strategies"]
