"""The judgements of a session alone, for what asks many sessions: only the stream that holds them is read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.errors import LogError
from distill_core.state import EMPTY, SessionState, apply


def judged(folder: Path) -> SessionState:
    """A state that holds nothing of the session in `folder` but its annotations and what became of them.

    Raises:
        LogError: they cannot be read.
    """
    path = folder / "human.jsonl"
    state = EMPTY
    try:
        if path.exists() and not path.is_file():  # who opens a pipe may wait for ever
            raise LogError(f"cannot read the judgements in {path}", found="it is no file")
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    event = ev.decode(line)
                    if isinstance(event, ev.Annotated | ev.Retracted):
                        state = apply(state, event)
    except FileNotFoundError:
        return EMPTY
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LogError(
            f"cannot read the judgements in {path}", found=str(error), remedy="distill-tui sessions verify"
        ) from error
    return state
