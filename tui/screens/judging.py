"""What the keys of the review queue say of the entry at the cursor: ratings, marks, labels, words, corrections.

What is said goes to the screen, which has it written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from distill_core.events import Target
from sessions.judging.judgement import Judgement, judgement_of
from tui.annotating import targets
from tui.annotating.form import Form
from tui.annotating.screens import JudgeScreen, SpanScreen
from tui.annotating.vocabulary import labels_in, refusal
from tui.reviewing.card import Entry
from tui.screens.write import Page, WriteScreen
from tui.setup import Setup

if TYPE_CHECKING:
    from tui.screens.review import ReviewScreen


class Judging:
    """Says what keys mean at the entry where the cursor of `screen` is.

    Args:
        screen: the review queue.
        setup: what the person's settings make of the screens.
        labels: the vocabulary that is offered.
    """

    def __init__(self, screen: ReviewScreen, setup: Setup, labels: tuple[str, ...]) -> None:
        self._screen = screen
        self._setup = setup
        self._labels = labels

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """What does its actions, by their id in the registry."""
        return {
            **{f"review.score_{n}": partial(self._score, n) for n in range(1, 10)},
            "review.good": partial(self._mark, 1),
            "review.neutral": partial(self._mark, 0),
            "review.bad": partial(self._mark, -1),
            "review.unmark": self._unmark,
            "review.label": self._label,
            "review.comment": self._comment,
            "review.correct": self._correct,
            "review.span": self._span,
        }

    def _say(self, entry: Entry, **fields: Any) -> None:
        self._screen.write(lambda card: card.say(entry, **fields))

    def _score(self, score: int) -> None:
        entry = self._screen.entry
        if entry is None:
            return
        criterion = entry.criterion
        if criterion is not None and not criterion.least <= score <= criterion.most:
            self._screen.app.notify(f"{criterion.title} has no {score}.", timeout=2)
        elif criterion is not None:
            self._screen.write(lambda card: card.score(entry, score))
        elif entry.about == "step":
            self._screen.app.notify("A step is marked with + 0 −.", timeout=2)
        elif score > self._setup.best:
            self._screen.app.notify(f"Ratings go from 1 to {self._setup.best}.", timeout=2)
        else:
            self._say(entry, rating=score)

    def _mark(self, mark: Literal[1, 0, -1]) -> None:
        """Mark a step, the answer or the session; at a criterion the keys score: up, 0, down."""
        entry = self._screen.entry
        if entry is None:
            return
        if entry.criterion is None:
            self._say(entry, mark=mark)
        elif mark == 0:
            self._score(0)
        else:
            self._screen.write(lambda card: card.nudge(entry, mark))

    def _unmark(self) -> None:
        entry = self._screen.entry
        if entry is None:
            return
        criterion = entry.criterion
        if criterion is not None:
            self._screen.write(lambda card: card.unscore(entry, criterion))
        else:
            self._say(entry, mark=None, rating=None)

    # ------------------------------------------------------------ in words

    def _label(self) -> None:
        entry, card = self._screen.entry, self._screen.card
        if entry is None or card is None:
            return
        given = card.mine(entry).labels
        vocabulary = tuple(dict.fromkeys([*self._labels, *given]))
        ask_words(
            self._screen,
            self._setup,
            Page("Labels, with commas between", ", ".join(given)),
            f"Of these: {', '.join(vocabulary)}",
            lambda text: self._say(entry, labels=labels_in(text)),
            one_line=True,
            refuse=lambda text: refusal(labels_in(text), vocabulary),
        )

    def _comment(self) -> None:
        entry, card = self._screen.entry, self._screen.card
        if entry is not None and card is not None:
            page = Page("Comment", card.mine(entry).comment)
            ask_words(
                self._screen,
                self._setup,
                page,
                "Empty takes it away.",
                lambda text: self._say(entry, comment=text.strip()),
            )

    def _correct(self) -> None:
        entry, card = self._screen.entry, self._screen.card
        if entry is None or card is None:
            return
        mine = card.mine(entry)

        def why(correction: str) -> None:
            if not correction.strip():
                self._say(entry, correction=None, reason="")
                return
            reason = Page("Why?", mine.reason)
            ask_words(
                self._screen,
                self._setup,
                reason,
                "The reason stands beside the correction.",
                lambda text: self._say(entry, correction=correction.strip(), reason=text.strip()),
                one_line=True,
                needed="a correction has a reason",
            )

        ask_words(
            self._screen,
            self._setup,
            Page("What would have been right?", mine.correction or ""),
            "Empty takes it away.",
            why,
        )

    def _span(self) -> None:
        """Let the person select words, and judge them."""
        entry, card = self._screen.entry, self._screen.card
        passages = card.passages(entry) if entry is not None and card is not None else {}
        if entry is None or not passages:
            self._screen.app.notify("Words can be judged of a step and of the answer.", timeout=2)
            return
        palette = self._setup.palettes[self._screen.app.theme]

        def judge(span: tuple[str, int, int] | None) -> None:
            if span is not None:
                name, start, end = span
                self._judge(msgspec.structs.replace(passages[name][0], start=start, end=end))

        texts = {name: text for name, (_, text) in passages.items()}
        self._screen.app.push_screen(SpanScreen(targets.name(entry.target), texts, palette=palette), judge)

    def _judge(self, target: Target) -> None:
        card = self._screen.card
        if card is None:
            return
        passage = targets.passage(card.state, target)
        form = Form(
            judgement_of(card.state, target, card.who),
            self._labels,
            None,
            self._setup.best,
            self._setup.settings.annotation.definitions,
        )

        def take(judgement: Judgement | None) -> None:
            if judgement is not None:
                self._screen.write(lambda card: card.judge(target, judgement))

        palette = self._setup.palettes[self._screen.app.theme]
        modal = JudgeScreen(targets.name(target), form, palette=palette, original=passage, note=passage)
        self._screen.app.push_screen(modal, take)


def ask_words(
    screen: ReviewScreen,
    setup: Setup,
    page: Page,
    hint: str,
    use: Callable[[str], None],
    *,
    one_line: bool = False,
    needed: str = "",
    refuse: Callable[[str], str | None] = lambda _: None,
) -> None:
    """Ask for words on a screen of their own, and `use` them.

    Args:
        needed: what is said where there are none, if there must be some.
        refuse: what is wrong with them, None where nothing is.
    """

    def check(texts: tuple[str, ...]) -> str | None:
        return needed if needed and not texts[0].strip() else refuse(texts[0])

    def take(texts: tuple[str, ...] | None) -> None:
        if texts is not None:
            use(texts[0])

    palette = setup.palettes[screen.app.theme]
    modal = WriteScreen([page], hint=hint, palette=palette, done="keep", one_line=one_line, check=check)
    screen.app.push_screen(modal, take)
