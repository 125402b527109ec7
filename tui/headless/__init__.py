"""Sessions without a screen: progress as lines on stderr, decisions at a plain prompt."""

from tui.headless.asking import Asker
from tui.headless.progress import Progress
from tui.headless.running import Outcome, run_headless

__all__ = ["Asker", "Outcome", "Progress", "run_headless"]
