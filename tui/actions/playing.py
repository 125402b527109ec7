"""Actions on a past session: to another moment of it."""

from __future__ import annotations

from tui.actions.action import Action

PLAY = "A past session"


def _play(name: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = False) -> Action:
    return Action(
        id=f"play.{name}",
        keys=keys,
        label=label,
        help=help,
        group=PLAY,
        applies=lambda now: now.past,
        shown=shown,
        priority=True,
    )


PLAYING: tuple[Action, ...] = (
    _play("toggle", ("space",), "Play", "Play it, or hold; at its end, play from the beginning", shown=True),
    _play("back", ("left",), "Back", "One moment back", shown=True),
    _play("on", ("right",), "On", "One moment on", shown=True),
    _play("step_back", ("shift+left", "b"), "Step back", "To the end of the step before", shown=True),
    _play("step_on", ("shift+right", "w"), "Step on", "To the end of the next step", shown=True),
    _play("start", ("ctrl+home", "0"), "To its start", "To the first moment"),
    _play("end", ("ctrl+end", "dollar_sign"), "To its end", "To the last moment"),
    _play("faster", ("greater_than_sign",), "Faster", "Play faster"),
    _play("slower", ("less_than_sign",), "Slower", "Play slower"),
    _play(
        "fork",
        ("f",),
        "Fork",
        "A new session with the steps before this one: other code, or words",
        shown=True,
    ),
    _play("jump", ("J",), "Jump", "To the end of a step, by its number"),
)
