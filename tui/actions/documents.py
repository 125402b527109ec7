"""Actions on the document and on what is quoted from it."""

from __future__ import annotations

from tui.actions.action import Action

DOCUMENT = "Document"

DOCUMENTS: tuple[Action, ...] = (
    Action(
        id="document.search",
        keys=("slash",),
        label="Search",
        help="Search the document; capitals count where you type some",
        group=DOCUMENT,
        applies=lambda now: now.pane == "document",
        shown=True,
    ),
    Action(
        id="document.next",
        keys=("n",),
        label="Next",
        help="Go to the next match of the search; without one, to the next quotation",
        group=DOCUMENT,
        applies=lambda now: now.pane == "document",
    ),
    Action(
        id="document.previous",
        keys=("N",),
        label="Previous",
        help="Go to the match or the quotation before",
        group=DOCUMENT,
        applies=lambda now: now.pane == "document",
    ),
    Action(
        id="quotes.show",
        keys=("o",),
        label="Quotations",
        help="What the answer and the replies quote, whether the document says it, and where",
        group=DOCUMENT,
    ),
)
