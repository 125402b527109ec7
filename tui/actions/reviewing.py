"""Actions of the review queue: judging without a mouse, each key written down at once."""

from __future__ import annotations

from tui.actions.action import Action

REVIEW = "Review"


def _review(name: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = False) -> Action:
    return Action(
        id=f"review.{name}",
        keys=keys,
        label=label,
        help=help,
        group=REVIEW,
        shown=shown,
        priority=name in ("next", "previous", "quit", "panes"),
        scope="review",
    )


REVIEWING: tuple[Action, ...] = (
    *(
        _review(
            f"score_{n}",
            (str(n),),
            f"{n}",
            "Rate the session, or score the criterion at the cursor",
        )
        for n in range(1, 10)
    ),
    _review(
        "good",
        ("plus", "right"),
        "Good",
        "Mark the step or the answer at the cursor +1; score a criterion one higher",
        shown=True,
    ),
    _review(
        "neutral",
        ("0",),
        "Neutral",
        "Mark it neutral, which is not the same as not marked; score a criterion 0",
        shown=True,
    ),
    _review("bad", ("minus", "left"), "Bad", "Mark it −1; score a criterion one lower", shown=True),
    _review("unmark", ("backspace", "delete"), "Unmark", "Take mark or score away"),
    _review("label", ("l",), "Label", "Labels for the entry at the cursor", shown=True),
    _review("comment", ("c",), "Comment", "A comment on it", shown=True),
    _review("correct", ("e",), "Correct", "What would have been right, and why"),
    _review(
        "span",
        ("S",),
        "Words",
        "Judge words of the step's reply, code or output, or of the answer",
        shown=True,
    ),
    _review("undo", ("u",), "Undo", "Take back what you said last", shown=True),
    _review("redo", ("U", "ctrl+r"), "Redo", "Say it again"),
    _review("done", ("d",), "Done", "Done with this session: see what others said", shown=True),
    _review("next", ("n",), "Next", "The next session that you have not judged", shown=True),
    _review("previous", ("N",), "Before", "The one before"),
    _review("open", ("o",), "Open", "The whole session on the live screen, with playback", shown=True),
    _review("filter", ("slash",), "Filter", "Which sessions are in the queue"),
    _review("panes", ("tab", "shift+tab"), "Other pane", "From the queue to the card and back"),
    _review("help", ("question_mark", "f1"), "Help", "This list", shown=True),
    _review("quit", ("q", "ctrl+q", "escape"), "Leave", "Leave; the place in the queue is kept", shown=True),
)
