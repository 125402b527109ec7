"""The screen of kept sessions: what is typed is listed, what is marked is judged, and all of it can be taken back."""

import time
from contextlib import asynccontextmanager

import msgspec
import pytest

from distill_core import events as ev
from distill_core.models.base import Usage
from sessions import Store
from tests.fakes.clock import Clock
from tests.fakes.hostile import HOSTILE
from tests.sessions.homes import decision, invent, judge
from tests.sessions.stories import asked, talk
from tests.tui.test_hostile import FORBIDDEN
from tui.app import DistillApp
from tui.screens.export import ExportScreen
from tui.screens.live import LiveScreen
from tui.screens.pick import PickScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.statistics import StatisticsScreen
from tui.setup import plain
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane, rows_of

ROUNDS = 1000


def ended(status="finished", cost=0.25):
    return ev.SessionFinished(
        step=1,
        status=status,
        answer=ev.Final(value="seven", text="Clause seven caps liability."),
        partial=False,
        reason="",
        iterations=1,
        supervisor_usage=Usage(),
        worker_usage=Usage(),
        cost=cost,
        elapsed=62.0,
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    clock = Clock()
    for n, (name, query) in enumerate(
        [
            ("a", "Which clause caps liability?"),
            ("b", "Who signed \x1b]0;x\x07it?"),
            ("c", "When does it end?"),
        ]
    ):
        clock.now += 3600
        made = [*asked(), *talk(4 + n), decision(took=2.0 + 10 * n), ended("finished" if n else "failed")]
        folder = invent(tmp_path, name, *made, clock=clock.utc, query=query, supervisor=f"model-{name}")
        if name == "c":
            log_clock = {"rating": 4, "labels": ("good",), "comment": "concise"}
            judge(folder, by="bob", **log_clock)
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


class Opened:
    def __init__(self, app, pilot, screen):
        self.app, self.pilot, self.screen = app, pilot, screen

    def text(self, id):
        return "\n".join("".join(t for t, _ in row) for row in rows_of(self.screen.query_one(id, LinePane)))

    def drawn(self, id):
        pane = self.screen.query_one(id, LinePane)
        return "\n".join(pane.render_line(y).text for y in range(pane.size.height))

    @property
    def listed(self):
        return [row.session_id for row in self.screen._listing.rows]

    @property
    def title(self):
        return str(self.screen.query_one("#sessions-title", LineBar).render())

    async def until(self, holds):
        for _ in range(ROUNDS):
            if holds():
                await self.pilot.pause()
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"the screen never got there: {self.title} {self.listed}")


@asynccontextmanager
async def opened(home, size=(160, 30), words="", **settings):
    setup = msgspec.structs.replace(plain(), **settings)
    screen = SessionsScreen(setup, home, "ada", words)
    app = DistillApp(setup, lambda: screen)
    async with app.run_test(size=size) as pilot:
        it = Opened(app, pilot, screen)
        await it.until(lambda: it.listed or "0 of" in it.title)
        yield it


async def test_what_other_annotators_said_is_a_dot_until_one_is_done(home):
    async with opened(home, named=True) as it:
        await it.until(lambda: "what bob said is shown once you" in it.text("#sessions-details"))
        assert "good" not in it.drawn("#sessions-list")
        (row,) = [line for line in it.drawn("#sessions-list").splitlines() if "When does it end?" in line]
        assert row.count("·") == 2


async def test_kept_sessions_are_listed_newest_first_and_shown_in_full(home):
    async with opened(home) as it:
        assert it.listed == ["c", "b", "a"]
        await it.until(lambda: "When does it end?" in it.text("#sessions-details"))
        assert "Clause seven caps liability." in it.text("#sessions-details")
        await it.pilot.press("down")
        await it.until(lambda: "Who signed" in it.text("#sessions-details"))
        assert "␛]0;x␇" in it.drawn("#sessions-list")
        assert "\x1b" not in it.drawn("#sessions-list") + it.drawn("#sessions-details")


async def test_what_is_typed_is_listed_and_what_was_found_stands_out(home):
    async with opened(home) as it:
        await it.pilot.press("slash", *"-label:good worker_batch")
        await it.until(lambda: it.listed == ["b", "a"])
        await it.pilot.press("enter")
        await it.until(lambda: "Found" in it.text("#sessions-details"))
        rows = rows_of(it.screen.query_one("#sessions-details", LinePane))
        assert ("worker_batch", "warn") in [span for row in rows for span in row]


async def test_a_wrong_filter_is_told_and_the_list_stays(home):
    async with opened(home) as it:
        await it.pilot.press("slash", *"colour:red")
        await it.until(lambda: "no filter colour" in it.title and it.listed == ["c", "b", "a"])


async def test_marked_sessions_are_labelled_at_once_and_that_is_taken_back(home):
    async with opened(home, labels=("good",)) as it:
        await it.pilot.press("down", "space", "space", "l", *"god", "enter")
        said = str(it.app.screen.query_one("#ask-keys", LineBar).render())
        assert "there is no label 'god': did you mean good?" in said
        await it.pilot.press("backspace", *"o", "right", "enter")
        await it.until(lambda: [row.labels for row in it.screen._listing.rows] == [("good",)] * 3)
        assert "2 marked" in it.title
        await it.pilot.press("u")
        await it.until(lambda: [row.labels for row in it.screen._listing.rows] == [("good",), (), ()])


async def test_the_session_at_the_cursor_is_rated_under_the_persons_name(home):
    async with opened(home) as it:
        await it.pilot.press("down", "r", "3")
        await it.until(lambda: it.screen._listing.rows[1].rating == 3)
    with Store(home) as store:
        (made,) = store.open("b").state.annotations()
        assert (made.by, made.rating, made.target.kind) == ("ada", 3, "session")


async def test_ratings_go_up_to_the_highest_of_the_settings(home):
    async with opened(home, best=7) as it:
        await it.pilot.press("down", "r", "8", "7")
        await it.until(lambda: it.screen._listing.rows[1].rating == 7)


async def test_what_goes_to_the_trash_comes_back(home):
    async with opened(home) as it:
        await it.pilot.press("a", "d")
        await it.until(lambda: "0 of 0" in it.title)
        await it.pilot.press("u")
        await it.until(lambda: it.listed == ["c", "b", "a"])
        await it.pilot.press("u")
        await it.pilot.pause()
        assert it.listed == ["c", "b", "a"]


async def test_columns_sort_both_ways(home):
    async with opened(home) as it:
        await it.pilot.press("s")
        await it.until(lambda: "by updated ▼" in it.title)  # which has no column
        await it.pilot.press("s")
        await it.until(lambda: "Rated▼" in it.drawn("#sessions-list"))
        assert "by rating" not in it.title
        assert it.listed[0] == "c"
        await it.pilot.press("s", "s", "s", "s", "S")
        await it.until(lambda: "Calls▲" in it.drawn("#sessions-list"))
        assert it.listed == ["a", "b", "c"]


async def test_next_goes_to_what_this_person_has_not_judged(home):
    judge(home / "sessions" / "b", by="ada", mark=1)
    async with opened(home) as it:
        await it.pilot.press("n")
        await it.until(lambda: it.screen._at_cursor == "a")
        await it.pilot.press("n")
        await it.until(lambda: it.screen._at_cursor == "c")


async def test_enter_opens_the_session_on_the_screen_it_was_live_on_and_back(home):
    async with opened(home) as it:
        await it.pilot.press("enter")
        await it.until(lambda: isinstance(it.app.screen, LiveScreen))
        await it.pilot.press("q")
        await it.until(lambda: it.app.screen is it.screen)


async def test_a_fork_that_is_asked_for_on_an_opened_session_is_handed_on(home):
    async with opened(home) as it:
        await it.pilot.press("enter")
        await it.until(lambda: isinstance(it.app.screen, LiveScreen))
        it.app.screen.wiring.playback.fork = ("c", "--at", "1", "--instruct", "Look again.")
        it.app.screen.leave()
        await it.until(lambda: it.app.return_value is not None)
        assert it.app.return_value == ("c", "--at", "1", "--instruct", "Look again.")


async def test_a_damaged_session_opens_as_far_as_it_makes_sense_and_says_so(home):
    log = home / "sessions" / "c" / "supervisor.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"type":"supervisor_called"' not in line))
    async with opened(home, words="id:c") as it:
        await it.pilot.press("enter")
        await it.until(lambda: isinstance(it.app.screen, LiveScreen))
        await it.until(lambda: len(it.app._notifications) > 0)
        (told,) = it.app._notifications
        assert "2 of its" in told.message


async def test_a_session_of_which_nothing_makes_sense_is_told_of_and_not_opened(home):
    log = home / "sessions" / "c" / "supervisor.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[1:]))
    async with opened(home, words="id:c") as it:
        await it.pilot.press("enter")
        await it.until(lambda: len(it.app._notifications) > 0)
        (told,) = it.app._notifications
        assert "comes before the session's start" in told.message
        assert isinstance(it.app.screen, SessionsScreen)


async def test_the_tree_of_forks_is_shown_and_opens_a_session_of_it(home):
    invent(home, "d", *asked(), *talk(1), parent=ev.Parent(session_id="c", steps=0), query="And if not?")
    async with opened(home, words="id:c") as it:
        await it.pilot.press("t")
        await it.until(lambda: isinstance(it.app.screen, PickScreen))
        rows = ["".join(t for t, _ in row) for row in rows_of(it.app.screen.query_one(LinePane))]
        assert rows == ["c  When does it end?", "   d (from step 1)  And if not?"]
        await it.pilot.press("down", "enter")
        await it.until(lambda: isinstance(it.app.screen, LiveScreen))
        assert it.app.screen.wiring.playback.session_id == "d"


async def test_a_session_without_forks_has_no_tree(home):
    async with opened(home, words="id:a") as it:
        await it.pilot.press("t")
        await it.pilot.pause(0.3)
        assert it.app.screen is it.screen


async def test_statistics_of_what_is_listed(home):
    async with opened(home, words="status:finished") as it:
        await it.pilot.press("p")
        await it.until(lambda: isinstance(it.app.screen, StatisticsScreen))
        title = str(it.app.screen.query_one("#statistics-title", LineBar).render())
        assert "2 sessions" in title
        assert "status:finished" in title
        await it.pilot.press("escape")
        await it.until(lambda: it.app.screen is it.screen)


async def test_statistics_leave_examples_out_and_say_so(home):
    invent(home, "example-01-two-years", *talk(1))
    async with opened(home) as it:
        await it.pilot.press("p")
        await it.until(lambda: isinstance(it.app.screen, StatisticsScreen))
        assert "without 1 example session" in str(
            it.app.screen.query_one("#statistics-title", LineBar).render()
        )


async def test_an_empty_home_says_so(tmp_path):
    async with opened(tmp_path / "nothing") as it:
        assert "Nothing is kept" in it.screen.query_one("#sessions-list", LinePane).empty
        await it.pilot.press("o", "r", "d", "space", "n", "u")
        await it.pilot.pause()
        assert it.app.screen is it.screen


@pytest.mark.parametrize(("width", "height"), [(120, 30), (80, 24)])
def test_how_it_looks(home, snap_compare, width, height):
    async def settle(pilot):
        screen = pilot.app.screen
        for _ in range(ROUNDS):
            if screen._listing.rows and screen._details.height(40) > 5:
                break
            await pilot.pause(0.02)
        await pilot.press("space")
        await pilot.pause(0.2)

    app = DistillApp(plain(), lambda: SessionsScreen(plain(), home, "ada"))
    assert snap_compare(app, terminal_size=(width, height), run_before=settle)


async def test_statistics_draw_hostile_names_harmlessly(home):
    from sessions.stats import stats

    with Store(home) as store:
        found = msgspec.structs.replace(stats(store), labels={HOSTILE: 1}, by_status={HOSTILE: 3})
    app = DistillApp(plain(), lambda: StatisticsScreen(found, HOSTILE))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        drawn = [strip.text for strip in app.screen._compositor.render_strips()]
        assert "␛]52;c;ZXZpbA==␇" in drawn[0]
        assert not [text for text in drawn if FORBIDDEN.search(text)]


async def test_many_labels_leave_room_for_what_was_edited(home):
    from sessions.stats import stats

    with Store(home) as store:
        labels = {f"label {n}": 1 for n in range(20)}
        found = msgspec.structs.replace(stats(store), labels=labels, edits={"code edited": 3, "answer": 2})
    app = DistillApp(plain(), lambda: StatisticsScreen(found, ""))
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        drawn = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "(code edited)" in drawn
        assert "(answer)" in drawn
        assert "label 6" in drawn


def test_how_statistics_look(home, snap_compare):
    from sessions.stats import stats

    with Store(home) as store:
        found = stats(store)
    app = DistillApp(plain(), lambda: StatisticsScreen(found, ""))
    assert snap_compare(app, terminal_size=(120, 40))


async def test_what_is_listed_or_marked_is_exported(home):
    async with opened(home, words="liability") as it:
        await it.pilot.press("x")
        await it.pilot.pause()
        assert isinstance(it.app.screen, ExportScreen)
        assert it.app.screen.draft.sessions == "liability"
        await it.pilot.press("q")
        await it.pilot.press("space", "x")
        await it.pilot.pause()
        assert isinstance(it.app.screen, ExportScreen)
        assert it.app.screen.draft.sessions == "c"
