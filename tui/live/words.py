"""Words, glyphs and numbers of the screens: a state is always a glyph and a word, never a colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from distill_core.events import Action, CellStatus, SessionStatus
    from distill_core.state import CallPhase, Cell, SessionState, Step, WorkerCall


class Mark(NamedTuple):
    """How a state is shown."""

    glyph: str
    word: str
    role: str

    @property
    def text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.word}"


NO_WALL = Mark("✗", "no sandbox: code runs with all your rights", "error")
CELL: dict[CellStatus, Mark] = {
    "ok": Mark("✓", "ok", "ok"),
    "error": Mark("✗", "error", "error"),
    "final": Mark("★", "final", "ok"),
    "interrupted": Mark("■", "interrupted", "warn"),
    "timeout": Mark("✗", "timeout", "error"),
    "killed": Mark("✗", "killed", "error"),
}
CALL: dict[CallPhase, Mark] = {
    "running": Mark("▸", "runs", "active"),
    "done": Mark("✓", "done", "ok"),
    "failed": Mark("✗", "failed", "error"),
}
SESSION: dict[SessionStatus, Mark] = {
    "finished": Mark("★", "finished", "ok"),
    "exhausted": Mark("■", "out of turns", "warn"),
    "budget": Mark("■", "budget used up", "warn"),
    "no_code": Mark("✗", "no code to run", "error"),
    "stopped": Mark("■", "stopped", "warn"),
    "diverged": Mark("✗", "diverged", "error"),
    "failed": Mark("✗", "failed", "error"),
}
DECISION: dict[Action, str] = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "regenerate": "regenerated",
    "write": "rewritten",
    "finish": "finished",
    "stop": "stopped",
    "accept": "accepted",
    "send_back": "sent back",
    "follow_up": "asked further",
    "raise_budget": "budget raised",
    "try_again": "tried again",
}
WAITING = Mark("◆", "your decision", "warn")
PAUSED = Mark("‖", "paused", "warn")
RECONNECTING = Mark("↻", "reconnecting", "warn")
WAITS = Mark("◌", "waits", "muted")
STOPPED = Mark("■", "stopped", "warn")
UNFINISHED = Mark("‖", "unfinished", "warn")


def session_mark(status: str) -> Mark:
    """How a kept session ended, by the `status` that the index has of it; unfinished where it did not."""
    return next((mark for name, mark in SESSION.items() if name == status), UNFINISHED)


def step_mark(state: SessionState, step: Step, waiting: bool) -> Mark:
    """How a step stands; `waiting` if it is the one that the person is to decide."""
    if waiting:
        return WAITING
    match step.phase:
        case "drafting":
            return Mark("✎", "drafting", "active")
        case "proposed":
            return Mark("◇", "proposed", "active")
        case "decided":
            return Mark("▸", "decided", "active")
        case "running":
            return Mark("▸", "running", "active")
        case "rejected":
            return Mark("↩", "sent back", "warn")
        case "final_proposed":
            return Mark("★", "answer", "active")
        case "failed":
            return STOPPED if _cut(state, step) else Mark("✗", "failed", "error")
        case "observed" | "finished":
            return _ran(state, step)


def _ran(state: SessionState, step: Step) -> Mark:
    statuses = [state.cells[c].status for c in step.cells]
    for status in reversed(statuses):
        if status is not None and status != "ok":
            return CELL[status]
    if any(statuses):
        return Mark("✓", "ran", "ok")
    return STOPPED if _cut(state, step) else Mark("■", "ended", "muted")


def _cut(state: SessionState, step: Step) -> bool:
    """Whether the step's reply was never waited for to its end, as the session was stopped."""
    return any(state.replies[call_id].cut for call_id in step.calls)


def cell_mark(cell: Cell) -> Mark:
    """How a cell stands."""
    if cell.status is not None:
        return CELL[cell.status]
    if cell.phase == "running":
        return Mark("▸", "running", "active")
    return Mark("◇", "proposed", "muted")


def call_mark(call: WorkerCall) -> Mark:
    """How a worker call stands."""
    return Mark("✎", "changed", "warn") if call.override is not None else CALL[call.phase]


def tokens(count: int) -> str:
    """A number of tokens, short: 950, 1.2k, 34k, 1.5M."""
    if count < 1_000:
        return str(count)
    if count < 9_950:
        return f"{count / 1_000:.1f}k"
    if count < 999_500:
        return f"{count / 1_000:.0f}k"
    return f"{count / 1_000_000:.1f}M"


def seconds(span: float) -> str:
    """A duration, short: 320ms, 4.2s, 1m12s, 2h05m."""
    if span < 0.9995:
        return f"{span * 1000:.0f}ms"
    if span < 9.95:
        return f"{span:.1f}s"
    whole = round(span)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def rate(a_second: float) -> str:
    """So many a second, or a minute where that says more: 4.2/s, 0.8/min."""
    return f"{a_second:.1f}/s" if a_second >= 1 else f"{a_second * 60:.1f}/min"


def money(dollars: float) -> str:
    """An amount, to the cent, below a cent to four digits."""
    return f"${dollars:.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"
