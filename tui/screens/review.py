"""The review queue: one session after the other, judged by keys; what each key says is written in the keys' order.

What is judged is what is seen: while a session is being opened, no key judges.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen

from distill_core.config.rubric import Rubric
from distill_core.errors import DistillError
from sessions.waiting import Queue
from tui.actions import REGISTRY, Situation
from tui.lines import Line
from tui.live import keys
from tui.live.playback import Fork
from tui.reviewing.card import Card, Entry
from tui.reviewing.desk import Desk, Stood
from tui.reviewing.rows import CardRows, QueueRows, levels
from tui.screens.judging import Judging, ask_words
from tui.screens.live import LiveScreen, Wiring
from tui.screens.read import ReadScreen
from tui.screens.write import Page
from tui.setup import Setup
from tui.text import clean
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

SLOW = 0.2
"""Seconds after which a session that is still being opened is said to be."""

T = TypeVar("T")


class ReviewScreen(Screen[Fork | None]):
    """A queue of sessions and the card of one of them. Ends with the fork that the person asked for, if they did.

    Args:
        queue: the sessions; it stands at the one to begin with.
        rubric: what sessions are scored by.
        setup: what the person's settings make of the screens.
        labels: the vocabulary that is offered.
        opened: what the live screen needs to show a card's session.
    """

    CSS_PATH = "review.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("review"))

    def __init__(
        self,
        queue: Queue,
        rubric: Rubric,
        setup: Setup,
        labels: tuple[str, ...],
        opened: Callable[[Card], Wiring],
    ) -> None:
        super().__init__()
        self.queue = queue
        self.card: Card | None = None
        self._setup = setup
        self._judging = Judging(self, setup, labels)
        self._opened = opened
        self._queue_rows = QueueRows(queue)
        self._card_rows = CardRows(setup.best)
        self._desk = Desk(queue, rubric)
        self._troubles = 0
        self._looked: int | None = None
        self._stood: Stood | None = None

    def compose(self) -> ComposeResult:
        """A title, the queue, the card, the keys."""
        yield LineBar(id="review-title")
        with Horizontal(id="review-panes"):
            yield LinePane(
                self._queue_rows,
                id="review-queue",
                title="Queue",
                entries=self._queue_rows,
                following=False,
                empty="No session is selected by this filter; / selects others.",
            )
            yield LinePane(
                self._card_rows, id="review-card", title="Session", entries=self._card_rows, following=False
            )
        yield KeyBar(id="review-keys", last=2)

    def on_mount(self) -> None:
        """Open the card that the queue stands at."""
        shown = [a for a in self._setup.registry.applying(Situation(), "review") if a.shown]
        self.query_one("#review-keys", KeyBar).show(shown, None)
        self._stand()
        self._pane("card").focus()

    def on_unmount(self) -> None:
        """Begin nothing more; what was judged is written to its end."""
        self._desk.close()

    def on_resize(self, event: Resize) -> None:
        """Beside each other where there is room."""
        self.set_class(event.size.width < 110, "-narrow")

    def _pane(self, name: str) -> LinePane:
        return self.query_one(f"#review-{name}", LinePane)

    # ------------------------------------------------------------ beside the screen

    @property
    def settled(self) -> bool:
        """Whether everything is written, and the card that was asked for is shown."""
        return not (self._desk.opening or self._desk.writing)

    def _in_turn(self, work: Awaitable[T], then: Callable[[T], None] = lambda _: None) -> None:
        """Wait for what the desk does, and do `then`."""
        self.run_worker(self._took(work, then), group="review")

    async def _took(self, work: Awaitable[T], then: Callable[[T], None]) -> None:
        done = False
        try:
            found = await work
            done = True
        except DistillError as error:
            self._complain(str(error))
        if not self.query(LinePane):
            return  # the screen is being taken away: its panes go before its work does
        if done:
            then(found)
        self._draw()

    # ------------------------------------------------------------ what is shown

    def _stand(self, go: Callable[[], bool] = lambda: True, otherwise: str = "") -> None:
        """Go elsewhere in the queue, and show the card of the session there from its top.

        Args:
            go: moves the queue; False where there is nowhere to go.
            otherwise: what is said then.
        """

        def then(stood: Stood | None) -> None:
            self._stood = stood or self._stood
            if stood is None and otherwise:
                self.app.notify(otherwise, timeout=3)
            # Where the person is further already, what lies between is not shown.
            if self._stood is not None and not self._desk.opening:
                self._show(self._stood)
                self._stood = None

        self._in_turn(self._desk.stand(go), then)
        self.set_timer(SLOW, self._still_opening)

    def _still_opening(self) -> None:
        if self._desk.opening:
            self._pane("card").border_subtitle = "opening …"

    def _show(self, stood: Stood) -> None:
        if stood.trouble:
            self._complain(stood.trouble)
        queue = self.queue
        self.card = stood.card
        if queue.rows:
            self._setup.memory.stand(queue.who, queue.words, queue.rows[queue.at].session_id)
        pane = self._pane("queue")
        pane.changed()
        pane.following = False
        pane.point_at(queue.at if queue.rows else None)
        self._draw()
        card = self._pane("card")
        card.point_at(0 if self.card is not None else None)
        card.show_from(0)

    def _draw(self) -> None:
        self._card_rows.show(self.card)
        if not self._desk.opening:
            self._pane("card").border_subtitle = ""
        self._pane("card").changed()
        self._pane("queue").changed()
        self._head()

    def _head(self) -> None:
        queue = self.queue
        done = "  ✓ done" if self.card is not None and self.card.done else ""
        place = f"{queue.at + 1} of {len(queue.rows)}" if queue.rows else "nothing"
        line: Line = (
            ("Review ", "heading"),
            (f" {place} · {queue.left} not judged by you", ""),
            (done, "ok"),
        )
        words = f"filter: {queue.words}" if queue.words else "every session"
        below: Line = ((f"{queue.who} · {words}", "muted"),)
        criterion = self.entry.criterion if self.entry is not None else None
        if criterion is not None and (said := levels(criterion)):
            below = ((f"{criterion.title}: ", "muted"), (said, ""))
        self.query_one("#review-title", LineBar).show(line, below)

    @on(LinePane.Highlighted, "#review-card")
    def pointed_at(self) -> None:
        """What the scores of a criterion mean is said where the cursor is at one."""
        self._head()

    @on(LinePane.Highlighted, "#review-queue")
    def looked_at(self, message: LinePane.Highlighted) -> None:
        """Another session of the queue."""
        index = self._looked = message.index

        def go() -> bool:
            if self._looked != index or not index < len(self.queue.rows):
                return False
            self.queue.at = index
            return True

        if index != self.queue.at or self._desk.opening:
            self._stand(go)

    @on(LinePane.Chosen)
    def chosen(self, message: LinePane.Chosen) -> None:
        """Enter goes from the queue to the card, and from the card into the session."""
        if message.pane.id == "review-queue":
            self._pane("card").focus()
        else:
            self.action_act("review.open")

    @property
    def entry(self) -> Entry | None:
        """The entry of the card at the cursor."""
        at = self._pane("card").cursor
        return self.card.entries[at] if self.card is not None and at is not None else None

    # ------------------------------------------------------------ actions

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        judging: dict[str, Callable[[], object]] = {
            **self._judging.handlers(),
            "review.undo": lambda: self.write(lambda card: card.undo(), "There is nothing to undo."),
            "review.redo": lambda: self.write(lambda card: card.redo(), "There is nothing to redo."),
            "review.done": lambda: self.write(lambda card: card.finish()),
            "review.open": self._open,
        }
        acts: dict[str, Callable[[], object]] = {
            "review.next": partial(self._next, 1),
            "review.previous": partial(self._next, -1),
            "review.filter": self._filter,
            "review.panes": self._turn,
            "review.help": self._help,
            "review.quit": self._quit,
        }
        if action_id in acts:
            acts[action_id]()
        elif self._desk.opening:
            self.app.notify("The session is still being opened.", timeout=2)
        else:
            judging[action_id]()

    def write(self, act: Callable[[Card], object], otherwise: str = "") -> None:
        """Judge, and have it in the log and the index before anything that is asked for later."""
        card = self.card
        if card is None:
            return

        def then(done: bool) -> None:
            if not done and otherwise:
                self.app.notify(otherwise, timeout=2)

        self._in_turn(self._desk.write(card, act), then)

    def _next(self, by: int) -> None:
        queue = self.queue
        self._stand(
            lambda: bool(queue.rows) and queue.next_unreviewed(by),
            "You have judged every session of this queue.",
        )

    def _turn(self) -> None:
        self._pane("queue" if self.focused is self._pane("card") else "card").focus()

    # ------------------------------------------------------------ elsewhere

    def _filter(self) -> None:
        def use(text: str) -> None:
            words = text.strip()
            place = self._setup.memory.reviewed(self.queue.who).places.get(words, "")

            def go() -> bool:
                self.queue.narrow(words)
                self.queue.return_to(place)
                return True

            self._stand(go)

        hint = (
            "unreviewed  model:llama  label:good  rating:<3  errors:>0  status:finished  words to search for"
        )
        ask_words(self, self._setup, Page("Which sessions?", self.queue.words), hint, use, one_line=True)

    def _open(self) -> None:
        card = self.card
        if card is None:
            return

        def then(_: None) -> None:
            wiring = self._opened(card)

            def back(_: None) -> None:
                self._back(wiring.playback.fork if wiring.playback is not None else None)

            self.app.push_screen(LiveScreen(wiring), back)

        self._in_turn(self._desk.all_done(), then)

    def _back(self, fork: Fork | None) -> None:
        """What was judged on the live screen is seen here too; a fork that was asked for there ends the queue."""
        card = self.card
        if fork is not None:
            self.dismiss(fork)
            return
        if card is None:
            return

        def then(fresh: Card) -> None:
            self.card = fresh

        self._in_turn(self._desk.again(card), then)

    def _quit(self) -> None:
        """Leave once all is written; where something could not be, stay, so that it is read."""
        before = self._troubles

        def then(_: None) -> None:
            if self._troubles == before:
                self.dismiss(None)

        if self._desk.writing:
            self._in_turn(self._desk.all_done(), then)
        else:
            self.dismiss(None)

    def _help(self) -> None:
        setup = self._setup
        most = max(setup.best, *(criterion.most for criterion in setup.rubric.criteria))
        without = {f"review.score_{n}" for n in range(most + 1, 10)}
        lines = keys.help_lines(setup.registry, "review", without=without)
        self.app.push_screen(ReadScreen("Help", lines, indent=keys.INDENT))

    def _complain(self, trouble: str) -> None:
        self._troubles += 1
        self.app.notify(clean(trouble), markup=False, severity="error", timeout=8)
