"""Undo and redo of judgements, read from the log, so that they survive the program: undoing retracts, redoing
retracts the retraction."""

from __future__ import annotations

import msgspec

from distill_core.state import SessionState


class History(msgspec.Struct, frozen=True):
    """What a person can undo and redo, as numbers of annotations, the next one last."""

    undo: tuple[int, ...] = ()
    redo: tuple[int, ...] = ()


def history(state: SessionState, who: str) -> History:
    """What `who` can undo and redo. A new judgement ends what could be redone."""
    roots = {seq: seq for seq, made in state.annotated.items() if made.by == who}
    moments = [*roots]
    # A retraction has a higher number than what it retracts, so one pass in order finds every root.
    for target, seqs in sorted(state.retractions.items()):
        for seq in seqs:
            if target in roots:
                roots[seq] = roots[target]
                moments.append(seq)
    undo: list[int] = []
    redo: list[int] = []
    for seq in sorted(moments):
        root = roots[seq]
        if root == seq:
            undo.append(root)
            redo.clear()
        elif root in undo:
            undo.remove(root)
            redo.append(root)
        elif root in redo:
            redo.remove(root)
            undo.append(root)
        else:
            undo.append(root)  # brought back after something new had been said
    return History(tuple(undo), tuple(redo))


def to_undo(state: SessionState, who: str) -> int | None:
    """The number of the event to retract so that the last judgement of `who` no longer counts; None if there is
    nothing to undo."""
    past = history(state, who).undo
    return _lever(state, past[-1]) if past else None


def to_redo(state: SessionState, who: str) -> int | None:
    """The number of the event to retract so that what was undone last counts again."""
    undone = history(state, who).redo
    return _lever(state, undone[-1]) if undone else None


def _lever(state: SessionState, seq: int) -> int:
    """The event whose retraction turns `seq` over: itself, or the retraction by which it stands as it does."""
    while True:
        counting = [by for by in state.retractions.get(seq, ()) if state.counts(by)]
        if not counting:
            return seq
        seq = counting[-1]
