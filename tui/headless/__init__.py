"""Sessions without a screen: progress as lines on stderr, decisions at a plain prompt."""

from tui.headless.asking import Asker
from tui.headless.progress import Progress
from tui.headless.running import Ended, Outcome, ended_by_signals, run_headless

__all__ = ["Asker", "Ended", "Outcome", "Progress", "ended_by_signals", "run_headless"]
