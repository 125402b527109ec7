"""Where annotators disagree, and what counts in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from distill_core import events as ev
from distill_core.errors import DistillError
from distill_core.state import apply
from sessions.agreement import Agreement, agreement, number
from sessions.appending import annotation, append
from sessions.judging.history import to_redo, to_undo
from sessions.judging.judgement import NOTHING, Judgement, change, done_by
from sessions.judging.settling import Dispute, before, disputes
from sessions.kept import fitting
from tui.actions import REGISTRY, Situation
from tui.annotating import targets
from tui.annotating.form import Form, said
from tui.annotating.screens import JudgeScreen
from tui.lines import Line, wrap
from tui.live import keys
from tui.screens.read import ReadScreen
from tui.setup import Setup
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane


class Bench:
    """A session whose disputes are settled by `who`.

    Args:
        folder: the session's folder.

    Raises:
        LogError: it cannot be read.
    """

    def __init__(self, folder: Path, who: str) -> None:
        self.folder = folder
        self.who = who
        self.look()

    def look(self) -> None:
        """Read the session as it is now.

        Raises:
            LogError: it cannot be read.
        """
        kept = fitting(self.folder)
        self.events, self.state = kept.events, kept.state

    @property
    def barred(self) -> bool:
        """Whether the person has begun to judge the session and is not done, and so must not see the others."""
        own = any(a.by == self.who and not a.settles for a in self.state.annotations())
        return own and self.who not in done_by(self.state)

    def disputes(self) -> list[Dispute]:
        """What was said, what is open first."""
        return [] if self.barred else disputes(self.state)

    def settle(self, target: ev.Target, judgement: Judgement) -> None:
        """Say what counts.

        Raises:
            LogError: it cannot be written.
        """
        fields: dict[str, Any] = change(before(self.state, target), judgement)
        if fields:
            step = targets.step_of(self.state, target)
            self._add(annotation(target, by=self.who, step=step, settles=True, **fields))

    def retract(self, seq: int) -> None:
        """Take an event back.

        Raises:
            LogError: it cannot be written.
        """
        self._add(ev.Retracted(step=0, retracts=seq, by=self.who))

    def _add(self, event: ev.Annotated | ev.Retracted) -> None:
        added = append(self.folder, [event], known=self.state.seq, patience=1.0)
        for one in (*added.missed, *added.events):
            self.state = apply(self.state, one)


class DisputeRows:
    """The disputes as rows and as entries of a pane."""

    def __init__(self) -> None:
        self.rows = Transcript(lambda line, width: wrap(line, width, words=True, indent=6))
        self._count = 0

    def show(self, found: list[Dispute], bench: Bench) -> None:
        """Show these."""
        self.rows.clear()
        self._count = len(found)
        for at, dispute in enumerate(found):
            self.rows.set(at, dispute_lines(dispute, bench))

    def count(self) -> int:
        """How many there are."""
        return self._count

    def span(self, index: int) -> tuple[int, int]:
        """The rows of one."""
        return self.rows.span(index) or (0, 0)

    def at(self, y: int) -> int:
        """The one that row `y` belongs to."""
        key = self.rows.key_at(y)
        return key if isinstance(key, int) else 0


def dispute_lines(dispute: Dispute, bench: Bench) -> list[Line]:
    """One thing, and what everybody says of it."""
    if dispute.settled is not None:
        mark = ("✓ settled", "ok")
    elif dispute.differ:
        mark = (f"◆ differ in {', '.join(dispute.differ)}", "warn")
    else:
        mark = ("✓ agree", "muted")
    lines: list[Line] = [((targets.name(dispute.target), "heading"), ("  ", ""), mark)]
    about = targets.glance(bench.state, dispute.target)
    if about:
        lines.append((("      ", ""), (about, "muted")))
    for place, (by, judgement) in enumerate(dispute.said.items(), 1):
        lines.append(((f"   {place}  ", "key"), (f"{by}  ", "muted"), *said(judgement)))
        lines += _correction(judgement)
    if dispute.settled is not None:
        lines.append((("   =  ", "ok"), *said(dispute.settled)))
        lines += _correction(dispute.settled)
    return [*lines, ()]


def _correction(judgement: Judgement) -> list[Line]:
    if judgement.correction is None:
        return []
    why = f" ({judgement.reason})" if judgement.reason else ""
    return [(("      → ", "muted"), (" ".join(f"{judgement.correction}{why}".split()), ""))]


class AdjudicateScreen(Screen[None]):
    """Settles the disputes of one session.

    Args:
        bench: the session.
        setup: what the person's settings make of the screens.
    """

    CSS_PATH = "adjudicate.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("settle"))

    def __init__(self, bench: Bench, setup: Setup) -> None:
        super().__init__()
        self.bench = bench
        self._setup = setup
        self._rows = DisputeRows()
        self._found: list[Dispute] = []

    def compose(self) -> ComposeResult:
        """How far they agree, the disputes, the keys."""
        yield LineBar(id="settle-title")
        empty = (
            "You have begun to judge this session yourself: say that you are done first."
            if self.bench.barred
            else "Nothing was judged by two who are done."
        )
        yield LinePane(
            self._rows.rows,
            id="settle-pane",
            title="Judgements",
            entries=self._rows,
            following=False,
            empty=empty,
        )
        yield KeyBar(id="settle-keys", last=1)

    def on_mount(self) -> None:
        """Stand at the first dispute."""
        shown = [a for a in self._setup.registry.applying(Situation(), "settle") if a.shown]
        self.query_one("#settle-keys", KeyBar).show(shown, None)
        self._found = self.bench.disputes()
        self._draw()
        pane = self.query_one(LinePane)
        pane.focus()
        if self._found:
            pane.point_at(0)

    # ------------------------------------------------------------ what keys do

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        name = action_id.partition(".")[2]
        if name.startswith("take_"):
            self._take(int(name.removeprefix("take_")))
        elif name == "own":
            self._own()
        elif name == "next":
            self._next()
        elif name in ("undo", "redo"):
            self._turn_back(name)
        elif name == "open":
            self._open()
        elif name == "help":
            lines = keys.help_lines(self._setup.registry, "settle")
            self.app.push_screen(ReadScreen("Help", lines, indent=keys.INDENT))
        elif name == "leave":
            self.dismiss(None)

    def on_key_bar_clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    @on(LinePane.Chosen)
    def entered(self, _message: LinePane.Chosen) -> None:
        """Enter writes a judgement of one's own."""
        self._own()

    @property
    def _here(self) -> Dispute | None:
        at = self.query_one(LinePane).cursor
        return self._found[at] if at is not None and at < len(self._found) else None

    def _take(self, place: int) -> None:
        dispute = self._here
        if dispute is None or place > len(dispute.said):
            return
        self._settle(dispute.target, list(dispute.said.values())[place - 1])

    def _own(self) -> None:
        dispute = self._here
        if dispute is None:
            return
        target, state = dispute.target, self.bench.state
        start = dispute.settled or _common(dispute)
        scored = target.field is None and target.kind in ("session", "answer")
        form = Form(
            start,
            self._setup.labels,
            self._setup.rubric if scored else None,
            self._setup.best,
            self._setup.settings.annotation.definitions,
        )
        passage = targets.passage(state, target)

        def settle(judgement: Judgement | None) -> None:
            if judgement is not None:
                self._settle(target, judgement)

        modal = JudgeScreen(
            targets.name(target),
            form,
            palette=self._setup.palettes[self.app.theme],
            original=passage or next(iter(targets.texts(state, target).values()), ""),
            note=targets.glance(state, target),
        )
        self.app.push_screen(modal, settle)

    def _settle(self, target: ev.Target, judgement: Judgement) -> None:
        try:
            self.bench.settle(target, judgement)
        except DistillError as error:
            self._say(str(error))
        self._again()

    def _turn_back(self, which: str) -> None:
        turn = to_undo if which == "undo" else to_redo
        seq = turn(self.bench.state, self.bench.who)
        if seq is None:
            self._say(f"Nothing of yours is left to {which}.")
            return
        try:
            self.bench.retract(seq)
        except DistillError as error:
            self._say(str(error))
        self._again()

    def _open(self) -> None:
        """Show the session itself, on the screen of a live one."""
        from tui.review import past_wiring
        from tui.screens.live import LiveScreen

        bench = self.bench

        def back(_: None) -> None:
            self._read()
            self._again()

        if self._read():
            wiring = past_wiring(bench.events, who=bench.who, setup=self._setup, folder=bench.folder)
            self.app.push_screen(LiveScreen(wiring), back)

    def _read(self) -> bool:
        """Read the session as it is now; False where that cannot be done."""
        try:
            self.bench.look()
        except DistillError as error:
            self._say(str(error))
            return False
        return True

    def _next(self) -> None:
        pane = self.query_one(LinePane)
        start = pane.cursor if pane.cursor is not None else -1
        order = [(start + distance) % len(self._found) for distance in range(1, len(self._found) + 1)]
        at = next((at for at in order if self._found[at].open), None)
        if at is None:
            self._say("Everything is settled.")
        else:
            pane.point_at(at)

    def _say(self, message: str) -> None:
        self.app.notify(clean(message), markup=False, timeout=3)

    # ------------------------------------------------------------ how it looks

    def _again(self) -> None:
        """Draw what became of the disputes; they keep their places while one works on them."""
        now = {dispute.target: dispute for dispute in self.bench.disputes()}
        self._found = [now.pop(dispute.target, dispute) for dispute in self._found] + list(now.values())
        self._draw()

    def _draw(self) -> None:
        self._rows.show(self._found, self.bench)
        self.query_one(LinePane).changed()
        left = sum(dispute.open for dispute in self._found)
        name = self.bench.state.started.session_id if self.bench.state.started is not None else ""
        title: Line = (("Settle ", "heading"), (name, ""), (f" · {left} open", "warn" if left else "ok"))
        self.query_one("#settle-title", LineBar).show(title, self._agreement())

    def _agreement(self) -> Line:
        if self.bench.barred:
            return ()
        found = agreement([("", self.bench.state)], self._setup.rubric)
        return (("α  ", "muted"), (" · ".join(map(short, found)) or "n/a", ""))


def short(found: Agreement) -> str:
    """The agreement on one question in a few words."""
    return f"{found.question} {number(found.alpha)}"


def _common(dispute: Dispute) -> Judgement:
    """What all say alike, to start from."""
    first, *others = dispute.said.values()
    fields = {
        name: getattr(first, name)
        for name in ("rating", "mark", "labels", "correction")
        if all(getattr(first, name) == getattr(other, name) for other in others)
    }
    scores = {k: v for k, v in first.scores.items() if all(other.scores.get(k) == v for other in others)}
    return Judgement(**{**fields, "scores": scores}) if fields or scores else NOTHING
