"""The document: shown, searched, and asked whether it says what is quoted from it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from distill_core.errors import DistillError
from distill_core.evidence import Evidence, Finding, readable
from tui.document import quotes
from tui.document.pane import DocumentPane
from tui.document.rows import Rows
from tui.document.search import Match
from tui.document.source import DocumentSource
from tui.live.model import Changes
from tui.screens.parts import Pane
from tui.screens.pick import PickScreen
from tui.screens.write import Page, WriteScreen

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Documenting:
    """Brings the document when it is first looked for, and keeps the list of what is quoted."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._pane = DocumentPane(DocumentSource(), on_shown=self._wanted)
        self._quotations: quotes.Quotations | None = None
        self._loading = self._looking = self._stale = False
        self._then: list[Callable[[], None]] = []
        self.cited: list[quotes.Cited] = []

    def panes(self) -> Mapping[str, Pane]:
        """One."""
        return {"document": Pane(self._pane)}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Searching, and what is quoted."""
        return {
            "document.search": self._search,
            "document.next": partial(self._turn, True),
            "document.previous": partial(self._turn, False),
            "quotes.show": self._show_quotes,
        }

    def take(self, changes: Changes) -> None:
        """Look up what is new, once anybody has asked for the document."""
        if changes.calls or changes.gate or changes.ended:
            self._stale = True
        if self._quotations is not None and self._stale and not self._looking:
            self._look_up()

    # ------------------------------------------------------------ bringing it

    def _wanted(self, then: Callable[[], None] | None = None) -> None:
        """Bring the document, if it is not there; do `then` once everything quoted has been looked up."""
        if then is not None:
            self._then.append(then)
        if self._quotations is not None:
            if not self._looking:
                self._look_up()
            return
        if self._loading:
            return
        wiring = self._screen.wiring
        if wiring.document is None and wiring.engine.document is None:
            self._pane.empty = "The document of this session is not at hand."
            self._pane.refresh()
            self._settle()
            return
        self._loading = True
        self._pane.note = (("the document is being read …", "active"),)
        self._screen.run_worker(self._load, thread=True, group="document")

    def _load(self) -> None:
        """Read the document; on a thread of its own."""
        wiring = self._screen.wiring
        try:
            document = wiring.document() if wiring.document is not None else wiring.engine.document
            text = readable(document if document is not None else "")
        except DistillError as error:
            self._on_screen(partial(self._failed, str(error)))
            return
        self._on_screen(partial(self._loaded, Rows(text)))
        self._on_screen(partial(self._ready, Evidence(text)))

    def _on_screen(self, call: Callable[[], None]) -> None:
        # The screen may have been closed while the thread was at work; then nobody wants to know.
        with contextlib.suppress(RuntimeError):
            self._screen.app.call_from_thread(call)

    def _loaded(self, rows: Rows) -> None:
        self._pane.note = (("quotations are being looked up …", "active"),)
        self._pane.empty = "The document is empty."
        self._pane.show_document(rows)

    def _failed(self, why: str) -> None:
        self._loading = False
        self._pane.note = ((f"✗ {why}", "error"),)
        self._pane.empty = ""
        self._pane.changed()
        self._settle()

    def _ready(self, evidence: Evidence) -> None:
        self._quotations = quotes.Quotations(evidence)
        self._look_up()

    # ------------------------------------------------------------ what is quoted

    def _look_up(self) -> None:
        assert self._quotations is not None
        self._stale, self._looking = False, True
        texts, known = list(quotes.sayings(self._screen.model.state)), self._quotations

        def work() -> None:
            found = known.of(texts)
            self._on_screen(partial(self._found, found))

        self._screen.run_worker(work, thread=True, group="document")

    def _found(self, cited: list[quotes.Cited]) -> None:
        self._looking = False
        self.cited = cited
        self._pane.note = quotes.summary(cited)
        self._pane.document.mark(quotes.marks(cited))
        self._pane.changed()
        self._settle()

    def _settle(self) -> None:
        then, self._then = self._then, []
        for call in then:
            call()

    def _show_quotes(self) -> None:
        self._wanted(self._pick_quote)

    def _pick_quote(self) -> None:
        if not self.cited:
            self._screen.say("Nothing is quoted, neither in an answer nor in a reply.")
            return

        def refuse(index: int) -> str | None:
            return "the document does not say this" if self.cited[index].finding.start is None else None

        def go(index: int | None) -> None:
            if index is not None:
                self.go_to(self.cited[index].finding)

        lines = [quotes.entry(one) for one in self.cited]
        self._screen.app.push_screen(
            PickScreen("What is quoted", lines, indent=quotes.INDENT, refuse=refuse), go
        )

    def go_to(self, finding: Finding) -> None:
        """Show where a quotation stands in the document."""
        if finding.start is None or finding.end is None:
            return
        self._screen.chosen_by_hand = True
        self._screen.activate("document")
        self._screen.call_after_refresh(self._pane.jump, Match(finding.start, finding.end))

    # ------------------------------------------------------------ searching

    def _search(self) -> None:
        search = self._pane.document.search
        modal = WriteScreen(
            [Page("Search the document", search.words if search is not None else "")],
            hint="Capitals count where you type some; nothing at all ends the search.",
            palette=self._screen.wiring.palettes[self._screen.app.theme],
            done="search",
            one_line=True,
        )
        self._screen.app.push_screen(
            modal, lambda texts: None if texts is None else self._pane.look_for(texts[0].strip("\n"))
        )

    def _turn(self, forwards: bool) -> None:
        if self._pane.document.search is not None:
            self._pane.next_match(forwards=forwards)
            return
        places = sorted(
            {
                (one.finding.start, one.finding.end)
                for one in self.cited
                if one.finding.start is not None and one.finding.end is not None
            }
        )
        if not places:
            self._screen.say("Nothing to go to: / searches.")
            return
        here = self._pane.document.here
        at = here.start if here is not None else self._pane.top()
        if forwards:
            start, end = next((p for p in places if p[0] > at or (here is None and p[0] == at)), places[0])
        else:
            start, end = next((p for p in reversed(places) if p[0] < at), places[-1])
        self._pane.jump(Match(start, end))
