"""The queue and the card as rows, for panes of lines."""

from __future__ import annotations

from distill_core.config.rubric import Criterion
from distill_core.events import Target
from distill_core.plurals import count
from distill_core.state import SessionState
from sessions.judging.judgement import Judgement
from sessions.waiting import Queue, judged_by
from tui.annotating import targets
from tui.highlight import python_lines
from tui.lines import Line, Span, fit, roled, wrap
from tui.live import words
from tui.reviewing.card import MARKS, Card, Entry, step_text, summed
from tui.transcript import Transcript

PASSAGE = 60
"""Characters of judged words that are shown."""

CODE_LINES, OUTPUT_LINES = 8, 6
"""Lines of a step's code and output that the card shows; enter opens all of it."""


class QueueRows:
    """The sessions of a queue, a row each."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def height(self, width: int) -> int:
        """One row a session."""
        return self.count()

    def row(self, y: int) -> Line:
        """The row of session number `y`."""
        if not 0 <= y < self.count():
            return ()
        row = self._queue.rows[y]
        reviewed = judged_by(row, self._queue.who)
        state: Span = ("✓ ", "ok") if reviewed else ("○ ", "warn")
        mark = words.session_mark(row.status)
        glyph: Span = (f"{mark.glyph} ", mark.role)
        return (state, glyph, (" ".join(row.question.split()), ""))

    def count(self) -> int:
        """How many sessions there are."""
        return len(self._queue.rows)

    def span(self, index: int) -> tuple[int, int]:
        """A session is one row."""
        return index, 1

    def at(self, y: int) -> int:
        """A row is one session."""
        return y


class CardRows:
    """A card in rows, its entries among them.

    Args:
        best: the highest rating.
    """

    def __init__(self, best: int) -> None:
        self._best = best
        self.card: Card | None = None
        self._rows = Transcript(_wrap)

    def show(self, card: Card | None) -> None:
        """Show this card, as it stands now."""
        if card is not self.card:
            self._rows.clear()
        self.card = card
        if card is None:
            return
        for index, entry in enumerate(card.entries):
            self._rows.set(index, _entry_lines(card, entry, self._best))

    def height(self, width: int) -> int:
        """Rows in all."""
        return self._rows.height(width)

    def row(self, y: int) -> Line:
        """Row `y`."""
        return self._rows.row(y)

    def count(self) -> int:
        """How many entries there are."""
        return len(self.card.entries) if self.card is not None else 0

    def span(self, index: int) -> tuple[int, int]:
        """The rows of an entry."""
        return self._rows.span(index) or (0, 0)

    def at(self, y: int) -> int:
        """The entry that row `y` belongs to."""
        key = self._rows.key_at(y)
        return key if isinstance(key, int) else 0


CODE = ("▎ ", "code-bar")


def _wrap(line: Line, width: int) -> list[Line]:
    return [fit(line, width)] if line[:1] == (CODE,) else wrap(line, width, words=True, indent=3)


def _entry_lines(card: Card, entry: Entry, best: int) -> list[Line]:
    match entry.about:
        case "session":
            lines = _session_lines(card.state)
        case "criterion":
            return _criterion_lines(card, entry)
        case "step":
            lines = _step_lines(card.state, entry.step, MARKS[card.mine(entry).mark])
        case "answer":
            lines = _answer_lines(card.state)
    said = summed(card.mine(entry), best)
    if said:
        lines.append((("✎ ", "active"), (said, "active")))
    for name, judgement in card.others(entry).items():
        lines.append(((f"  {name}: ", "muted"), (summed(judgement, best), "muted")))
    lines += [_span_line(card, *span, best) for span in card.spans(entry)]
    return [*lines, ()]


def _span_line(card: Card, target: Target, by: str, judgement: Judgement, best: int) -> Line:
    """Words that were judged, and how."""
    mine = by == card.who
    who: Span = ("✎ ", "active") if mine else (f"  {by}: ", "muted")
    words = " ".join(targets.passage(card.state, target).split())
    return (
        who,
        (f"‘{words if len(words) <= PASSAGE else words[: PASSAGE - 1] + '…'}’ ", ""),
        (summed(judgement, best), "active" if mine else "muted"),
    )


def _session_lines(state: SessionState) -> list[Line]:
    started, finished = state.started, state.finished
    if started is None:
        return [(("nothing but its beginning was written", "muted"),)]
    status = words.session_mark(finished.status if finished is not None else "").text
    used = state.supervisor_usage.total_tokens + state.worker_usage.total_tokens
    steps, calls = count(len(state.steps), "step"), count(len(state.call_order), "call")
    facts = f"{status} · {steps} · {calls} · {words.tokens(used)} tok"
    models = f"{started.supervisor} → {started.worker} · {started.document.name or 'document'}"
    return [
        ((" ".join(started.query.split()), "heading"),),
        ((facts, "muted"),),
        ((models, "muted"),),
    ]


def levels(criterion: Criterion) -> str:
    """What the scores of a criterion mean, in a line; empty where its rubric does not say."""
    numbers = range(criterion.least, criterion.most + 1)
    return " · ".join(f"{number} {word}" for number in numbers if (word := criterion.word(number)))


def _criterion_lines(card: Card, entry: Entry) -> list[Line]:
    criterion = entry.criterion
    assert criterion is not None
    score = card.mine(entry).scores.get(criterion.id)
    given = "·" if score is None else f"{score:g}"
    meaning = criterion.word(score) if score is not None else ""
    lines: list[Line] = [
        (
            (f"{given:>2} ", "active" if score is not None else "muted"),
            (criterion.title, ""),
            (f" {criterion.least}–{criterion.most}", "muted"),
            (f"  {meaning or criterion.help}".rstrip(), "active" if meaning else "muted"),
        )
    ]
    for name, judgement in card.others(entry).items():
        if criterion.id in judgement.scores:
            lines.append(((f"   {name}: {judgement.scores[criterion.id]:g}", "muted"),))
    last = [e for e in card.entries if e.about == "criterion"][-1]
    return [*lines, ()] if entry is last else lines


def _step_lines(state: SessionState, number: int, mark: str) -> list[Line]:
    step = state.steps[number - 1]
    said, codes, written = step_text(state, step)
    copied = " · copied" if step.copied else ""
    lines: list[Line] = [
        ((f"{mark:>2} ", "active" if mark != "·" else "muted"), (f"Step {number}{copied}", "heading"))
    ]
    if said:
        lines.append(((" ".join(said.split())[:200], ""),))
    shown = [line for code in codes for line in code.splitlines()]
    lines += [(CODE, *line) for line in python_lines("\n".join(shown[:CODE_LINES]))]
    if len(shown) > CODE_LINES:
        lines.append(((f"  … {count(len(shown) - CODE_LINES, 'more line')}", "muted"),))
    output = written.rstrip().splitlines()
    lines += [((f"  {line}", "muted"),) for line in output[:OUTPUT_LINES]]
    if len(output) > OUTPUT_LINES:
        lines.append(((f"  … {count(len(output) - OUTPUT_LINES, 'more line')}", "muted"),))
    return lines


def _answer_lines(state: SessionState) -> list[Line]:
    finished = state.finished
    if finished is None or finished.answer is None:
        return []
    head = "Answer" if not finished.partial else "The best partial result"
    return [((head, "heading"),), *roled(finished.answer.text)]
