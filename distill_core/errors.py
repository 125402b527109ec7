"""Errors a person can meet. Each says what failed, what was found and what to do, in one line.

Only errors that a caller may want to tell apart get a class here.
"""

from __future__ import annotations


class DistillError(Exception):
    """Base of every error this project raises on purpose.

    Args:
        what: what failed, naming the thing ("cannot read report.pdf").
        found: what was found instead, if that helps.
        remedy: what to do about it, as an instruction.
    """

    def __init__(self, what: str, *, found: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.found = found
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        line = self.what
        if self.found:
            line += f": {self.found}"
        if self.remedy:
            line += f" ({self.remedy})"
        return " ".join(line.split())


class ConfigError(DistillError):
    """A setting is missing, unknown or of the wrong kind."""


class DocumentError(DistillError):
    """A document cannot be turned into text."""


class ModelError(DistillError):
    """A model call failed for good, after whatever retries its handler makes.

    Args:
        attempts: calls that were made, the first included.
        status: HTTP status of the last one, where there was one.
    """

    def __init__(
        self,
        what: str,
        *,
        found: str | None = None,
        remedy: str | None = None,
        attempts: int = 1,
        status: int | None = None,
    ) -> None:
        super().__init__(what, found=found, remedy=remedy)
        self.attempts = attempts
        self.status = status


class WeightsError(DistillError):
    """A model's weights cannot be found, fetched or trusted."""


class DivergenceError(DistillError):
    """A replay was asked for something other than what was recorded."""


class BudgetExceeded(DistillError):
    """A call was refused because it could overshoot a budget.

    Args:
        limit: which one ("worker_calls", "tokens", "money", "seconds", "turns").
    """

    def __init__(self, what: str, *, limit: str, found: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, found=found, remedy=remedy)
        self.limit = limit


class ReplError(DistillError):
    """The REPL child cannot be started or broke its protocol."""


class LogError(DistillError):
    """A session's log cannot be written or read."""


class ExportError(DistillError):
    """Sessions cannot be exported as asked."""


class StoreError(DistillError):
    """The home of sessions, or the index of them, cannot be read or written."""
