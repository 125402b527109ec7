"""Actions on the screen where disagreements of annotators are settled."""

from __future__ import annotations

from tui.actions.action import Action

SETTLE = "Settle"


def _settle(name: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = True) -> Action:
    return Action(
        id=f"settle.{name}", keys=keys, label=label, help=help, group=SETTLE, shown=shown, scope="settle"
    )


SETTLING: tuple[Action, ...] = (
    _settle("take_1", ("1",), "Take 1, 2, …", "What the first annotator says counts"),
    *(
        _settle(f"take_{n}", (str(n),), f"Take {n}", f"What annotator {n} says counts", shown=False)
        for n in range(2, 10)
    ),
    _settle("own", ("m",), "Own", "Write the judgement that counts yourself; enter does so too"),
    _settle("next", ("n",), "Next open", "To the next dispute that is not settled"),
    _settle("open", ("o",), "Open", "The session itself, with playback"),
    _settle("undo", ("ctrl+z", "u"), "Undo", "Take back what you settled last"),
    _settle("redo", ("U", "ctrl+r"), "Redo", "Settle it again", shown=False),
    _settle("help", ("question_mark", "f1"), "Help", "This list"),
    _settle("leave", ("q", "escape", "ctrl+q"), "Leave", "Leave"),
)
