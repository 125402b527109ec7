"""Actions of the export screen."""

from __future__ import annotations

from tui.actions.action import Action

EXPORTING = "On the export screen"


def _export(name: str, keys: tuple[str, ...], label: str, help: str, *, shown: bool = True) -> Action:
    return Action(
        id=f"export.{name}",
        keys=keys,
        label=label,
        help=help,
        group=EXPORTING,
        scope="export",
        shown=shown,
    )


EXPORT: tuple[Action, ...] = (
    _export("write", ("w",), "Write", "Write what is shown to its folder"),
    _export(
        "filter", ("f", "slash"), "Sessions", "Which sessions: names, or the filters of the list of sessions"
    ),
    _export("folder", ("o",), "Folder", "Where to"),
    _export("storage", ("s",), "Storage", "JSON Lines or Parquet"),
    _export("splits", ("l",), "Splits", "Shares of splits, such as test=0.1"),
    _export("prose", ("p",), "Prose", "Keep or drop the supervisor's prose"),
    _export("redact", ("r",), "Redaction", "Redact secrets and personal data, or let everything leave"),
    _export(
        "lift", ("space",), "Lift rule", "Keep what the rule at the cursor leaves out, or apply it again"
    ),
    _export(
        "tokenizer",
        ("t",),
        "Tokens",
        "The student's tokenizer.json, for formats of tokens such as process-steps",
    ),
    _export("help", ("question_mark", "f1"), "Help", "Every key"),
    _export("quit", ("q", "escape", "ctrl+q"), "Leave", "Leave the screen; nothing is written"),
)
