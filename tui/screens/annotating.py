"""Judging at any time: what the focused pane stands at, words of it, anything else; undone and redone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core import events as ev
from distill_core.text import encodable
from sessions.appending import annotation
from sessions.judging.history import to_redo, to_undo
from sessions.judging.judgement import Judgement, change, done_by, judgement_of, judgements, open_to
from themes import Palette
from tui.annotating import targets
from tui.annotating.book import Book
from tui.annotating.form import Form, said
from tui.annotating.screens import JudgeScreen, SpanScreen
from tui.lines import Line
from tui.live.model import Changes
from tui.screens.parts import Pane
from tui.screens.pick import PickScreen
from tui.screens.watching import Watching

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Annotating:
    """Takes a person's judgements and puts them on record."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self.book = Book(screen, self._changed)

    def panes(self) -> Mapping[str, Pane]:
        """None of its own; the timeline shows what is judged."""
        self._watching().rows.notes = self.notes
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Judging."""
        return {
            "judge.here": self._judge_here,
            "judge.choose": self._choose,
            "judge.span": self._mark_words,
            "judge.list": self._list,
            "judge.undo": self._undo,
            "judge.redo": self._redo,
            "judge.done": self._done,
        }

    def take(self, changes: Changes) -> None:
        """Follow the session over its end."""
        if changes.ended:
            self._screen.set_timer(0.2, self._over)

    def _over(self) -> None:
        if self._screen.wiring.engine.alive:
            self._screen.set_timer(0.2, self._over)
        else:
            self.book.catch_up()

    def _changed(self) -> None:
        screen = self._screen
        self._watching().rows.draw_steps(range(1, len(screen.model.state.steps) + 1))
        screen.pane("timeline").changed()
        screen.redraw()

    # ------------------------------------------------------------ what is judged

    def here(self) -> ev.Target | None:
        """What the focused pane stands at; None before the session has begun."""
        screen, state = self._screen, self.book.state
        if state.started is None:
            return None
        rows = self._watching().rows
        at = screen.pane("timeline").cursor
        number = min(at + 1 if at is not None else len(state.steps), len(state.steps))
        match screen.focused_pane:
            case "workers":
                cursor = screen.pane("workers").cursor
                call = rows.workers.call(cursor) if cursor is not None else None
                if call is not None:
                    return targets.worker_call(call.call_id)
            case "output" if number:
                ran = [c for c in state.steps[number - 1].cells if state.cells[c].phase != "proposed"]
                if ran:
                    return targets.cell(ran[-1])
            case "decision" if targets.answer(state) is not None:
                return targets.ANSWER
            case _:
                pass
        return targets.step(number) if number else targets.SESSION

    def _watching(self) -> Watching:
        return next(part for part in self._screen.parts if isinstance(part, Watching))

    def _judge_here(self) -> None:
        target = self.here()
        if target is None:
            self._screen.say("The session has not begun.")
        else:
            self.judge(target)

    def _choose(self) -> None:
        state = self.book.state
        if state.started is None:
            self._screen.say("The session has not begun.")
            return
        offered = targets.targets(state)
        here = self.here()
        mine = {
            t: own for t, by in judgements(self._mine()).items() if (own := by.get(self._who)) is not None
        }
        lines: list[Line] = []
        for target in offered:
            indent = "   " if target.kind == "cell" else ""
            words = said(mine[target]) if target in mine else (("", ""),)
            lines.append(((f"{indent + targets.name(target):<20}", "heading"), *words))

        def judge(index: int | None) -> None:
            if index is not None:
                self.judge(offered[index])

        start = offered.index(here) if here in offered else 0
        self._screen.app.push_screen(PickScreen("What do you judge?", lines, start=start), judge)

    def _mark_words(self) -> None:
        target = self.here()
        texts = targets.texts(self.book.state, target) if target is not None else {}
        if target is None or not texts:
            self._screen.say("There are no words to mark here.")
            return
        whole = target

        def judge(span: tuple[str, int, int] | None) -> None:
            if span is not None:
                field, start, end = span
                self.judge(ev.Target(kind=whole.kind, id=whole.id, field=field, start=start, end=end))

        modal = SpanScreen(targets.name(whole), texts, palette=self._palette)
        self._screen.app.push_screen(modal, judge)

    # ------------------------------------------------------------ judging

    @property
    def _who(self) -> str:
        return self._screen.wiring.who

    @property
    def _palette(self) -> Palette:
        return self._screen.wiring.palettes[self._screen.app.theme]

    def _mine(self) -> list[ev.Annotated]:
        return [a for a in self.book.state.annotations() if a.by == self._who and not a.settles]

    def judge(self, target: ev.Target) -> None:
        """Ask for a judgement of `target` and record it."""
        state, setup = self.book.state, self._screen.wiring.setup
        before = judgement_of(state, target, self._who)
        scored = target.field is None and target.kind in ("session", "answer")
        form = Form(
            before,
            setup.labels,
            setup.rubric if scored else None,
            setup.best,
            setup.settings.annotation.definitions,
        )
        texts = targets.texts(state, target)
        passage = targets.passage(state, target)
        original = passage or next(iter(texts.values()), "")

        def record(judgement: Judgement | None) -> None:
            if judgement is not None:
                self._record(target, before, judgement)

        modal = JudgeScreen(
            targets.name(target), form, palette=self._palette, original=original, note=passage
        )
        self._screen.app.push_screen(modal, record)

    def _record(self, target: ev.Target, before: Judgement, judgement: Judgement) -> None:
        fields = change(before, judgement)
        if not fields:
            return
        for name in ("comment", "correction", "reason"):
            if isinstance(fields.get(name), str):
                fields[name] = encodable(fields[name])
        self._write(target, **fields)
        if target.kind in ("session", "answer"):
            self._screen.say(f"Judged {targets.name(target)}.")  # the timeline shows all else

    def _write(self, target: ev.Target, **fields: object) -> None:
        step = targets.step_of(self.book.state, target)
        self.book.write(annotation(target, by=self._who, step=step, **fields))

    def _undo(self) -> None:
        self._retract(to_undo(self.book.state, self._who), "Nothing of yours is left to undo.")

    def _redo(self) -> None:
        self._retract(to_redo(self.book.state, self._who), "Nothing is left to redo.")

    def _retract(self, seq: int | None, nothing: str) -> None:
        if seq is None:
            self._screen.say(nothing)
            return
        made = self.book.state.annotated.get(seq)
        self.book.write(ev.Retracted(step=made.step if made is not None else 0, retracts=seq, by=self._who))

    def _done(self) -> None:
        state = self.book.state
        if state.started is None:
            self._screen.say("The session has not begun.")
        elif self._who in done_by(state):
            self._screen.say("You are done with this session; undo takes that back.")
        else:
            self._write(targets.SESSION, done=True)
            self._screen.say("You are done: L lists what others said too.")

    # ------------------------------------------------------------ what was judged

    def _list(self) -> None:
        seen = open_to(self.book.state, self._who)
        rows = [
            (target, by, judgement)
            for target, persons in judgements(a for a in seen if not a.settles).items()
            for by, judgement in persons.items()
        ]
        if not rows:
            self._screen.say("Nothing is judged yet: m judges what the focused pane stands at.")
            return
        lines: list[Line] = [
            ((f"{targets.name(target):<20} ", "heading"), (f"{by} ", "muted"), *said(judgement))
            for target, by, judgement in rows
        ]

        def refuse(index: int) -> str | None:
            return None if rows[index][1] == self._who else f"this is what {rows[index][1]} thinks"

        def again(index: int | None) -> None:
            if index is not None:
                self.judge(rows[index][0])

        self._screen.app.push_screen(PickScreen("Judgements", lines, indent=21, refuse=refuse), again)

    def notes(self, step: int) -> list[Line]:
        """What the person has judged in a step, for the timeline."""
        mine = judgements(a for a in self._mine() if a.step == step and a.target.kind != "answer")
        lines: list[Line] = []
        for target, persons in mine.items():
            name = "" if target.kind == "step" and target.field is None else f"{targets.name(target)}: "
            lines.append((("   ✎ ", "key"), (name, "muted"), *said(persons[self._who])))
        return lines
