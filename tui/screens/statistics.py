"""Statistics of kept sessions, with plots: by day, acceptance by model, time to decide, labels and edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.events import Resize
from textual.screen import Screen
from textual_plotext import PlotextPlot

from distill_core.plurals import count
from sessions.stats import BINS
from tui.cli.listing import money
from tui.lines import Line
from tui.text import clean
from tui.widgets.line_bar import LineBar

if TYPE_CHECKING:
    from sessions.stats import Stats

MOST = 8
"""Bars in one plot."""
AXES = 4
"""Rows of a plot beside its bars: the title, two lines of a frame, and what stands under it."""
NAME = 22
"""Characters of a bar's name."""

Bars = Sequence[tuple[str, float]]


class StatisticsScreen(Screen[None]):
    """Four plots under a line of totals.

    Args:
        found: the statistics.
        words: the filter that selected the sessions.
        left: example sessions that it selects and that are not counted.
    """

    CSS_PATH = "statistics.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Back")]

    def __init__(self, found: Stats, words: str, left: int = 0) -> None:
        super().__init__()
        self._found = found
        self._words = words
        self._left = left

    def compose(self) -> ComposeResult:
        """The totals, the plots, the keys."""
        yield LineBar(id="statistics-title")
        with ScrollableContainer(id="statistics-plots"):
            for name in ("days", "models", "decisions", "labels"):
                yield PlotextPlot(id=f"plot-{name}")
        yield LineBar(id="statistics-keys")

    def on_mount(self) -> None:
        """Say the totals and draw."""
        self.query_one("#statistics-title", LineBar).show(*self._totals())
        self._draw()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_resize(self, event: Resize) -> None:
        """Put the plots under each other where two have no room beside each other."""
        narrow = event.size.width < 100
        self.set_class(narrow, "-narrow")
        scroll: Line = ((" ↑ ↓ ", "key"), ("scroll  ", "muted")) if narrow else ()
        self.query_one("#statistics-keys", LineBar).show((*scroll, (" esc ", "key"), ("back", "muted")))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _totals(self) -> list[Line]:
        found = self._found
        of = found.sessions or 1
        first: Line = (
            ("Statistics", "heading"),
            (f"   {count(found.sessions, 'session')}", ""),
            (f"   {self._words}" if self._words else "", "muted"),
            (self._without(), "muted"),
        )
        priced = count(found.priced, "session")
        cost = f"{money(found.cost)} over {priced}" if found.priced else "no cost known"
        steps, calls = count(found.steps, "step"), count(found.worker_calls, "worker call")
        second: Line = (
            (f"{steps}   {calls}   {found.tokens:,} tokens   ", ""),
            (f"{cost}   ", ""),
            (f"{found.reviewed / of:.0%} reviewed   {found.labelled / of:.0%} labelled", "muted"),
        )
        return [first, second]

    def _without(self) -> str:
        if not self._left:
            return ""
        return f"   without {count(self._left, 'example session')} (kind:example counts those)"

    # ------------------------------------------------------------ plots

    def _draw(self) -> None:
        found, colours = self._found, self.app.theme_variables
        days = [(day.day, float(day.sessions)) for day in found.days]
        self._plot_days("#plot-days", days, colours["role-primary"])
        shares = [(s.model, 100 * s.rate) for s in found.models if s.rate is not None]
        self._plot_bars(
            "#plot-models", "Accepted as proposed, % by supervisor", shares, colours["role-success"]
        )
        self._plot_bars(
            "#plot-decisions", "Time a person took to decide", self._bins(), colours["role-active"]
        )
        self._plot_bars(
            "#plot-labels", "Sessions by label, (edits) by kind", _judged(found), colours["role-accent"]
        )

    def _bins(self) -> Bars:
        names = [f"≤ {end:g} s" for end in BINS] + [f"> {BINS[-1]:g} s"]
        counts = self._found.decision_bins
        return list(zip(names, map(float, counts), strict=True)) if any(counts) else []

    def _plot_days(self, id: str, days: Bars, colour: str) -> None:
        plot = self.query_one(id, PlotextPlot)
        plot.styles.min_height = 2 * AXES
        self._begin(plot, "Sessions a day", bool(days))
        if days:
            places = list(range(len(days)))
            plot.plt.bar(places, [count for _, count in days], color=_rgb(colour), width=0.8)
            shown = places[:: max(1, len(places) // 5)]
            plot.plt.xticks([float(n) for n in shown], [days[n][0] for n in shown])
            top = max(count for _, count in days)
            plot.plt.ylim(0, top)
            # No more than have a row each, the highest among them: else one hides another and the rest tell lies.
            plot.plt.yticks(sorted({0.0, float(round(top / 2)), top}))
        plot.refresh()

    def _plot_bars(self, id: str, title: str, bars: Bars, colour: str) -> None:
        plot = self.query_one(id, PlotextPlot)
        self._begin(plot, title, bool(bars))
        if bars:
            shown = list(reversed(bars[: MOST + 1]))
            plot.styles.min_height = len(bars[: MOST + 1]) + AXES
            names = [_short(name) for name, _ in shown]
            values = [value for _, value in shown]
            plot.plt.bar(names, values, orientation="horizontal", color=_rgb(colour), width=0.5)
            top = max(*values, 1.0)
            plot.plt.xlim(0, top)
            plot.plt.xticks(_whole(top))
        plot.refresh()

    def _begin(self, plot: PlotextPlot, title: str, filled: bool) -> None:
        plot.plt.clear_figure()
        plot.plt.title(title if filled else f"{title}: nothing yet")


def _judged(found: Stats) -> Bars:
    """The most given labels, and what was edited most; neither takes all the room."""
    edits = [(f"({name})", float(number)) for name, number in found.edits.items()]
    labels = [(name, float(number)) for name, number in found.labels.items()]
    return [*labels[: MOST + 1 - min(len(edits), MOST // 2)], *edits]


def _whole(top: float) -> list[float]:
    """A few whole numbers up to `top`."""
    step = max(1, round(top / 5))
    return [float(n) for n in range(0, int(top) + 1, step)]


def _short(name: str) -> str:
    text = " ".join(clean(name).split())
    return text if len(text) <= NAME else "…" + text[1 - NAME :]


def _rgb(colour: str) -> tuple[int, int, int] | str:
    """The colour as plotext takes it; the terminal's own colours by their names."""
    if not colour.startswith("#"):
        return colour.removeprefix("ansi_").replace("bright_", "") or "default"
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
