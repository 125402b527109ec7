"""The review queue: sessions judged by keys alone, every key in the log before the next."""

import contextlib
import threading

import msgspec
import pytest

from distill_core.config.rubric import load_rubric
from distill_core.errors import LogError
from distill_core.reading import read_session
from distill_core.state import fold
from sessions.appending import annotate
from sessions.judging.judgement import done_by
from sessions.verify import verify
from sessions.waiting import Queue
from tests.fakes.hostile import HOSTILE
from tests.fakes.models import Scripted, echo
from tests.fakes.recordings import block, record_in, recorded
from tests.tui.test_hostile import check
from tui.app import DistillApp
from tui.memory import Memory
from tui.review import past_wiring
from tui.reviewing import card as card_module
from tui.screens.fork_here import ForkScreen
from tui.screens.live import LiveScreen
from tui.screens.review import ReviewScreen
from tui.setup import plain
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import rows_of

QUESTIONS = ("What is alpha?", "What is beta?", "What is gamma?")


@pytest.fixture
async def home(tmp_path):
    """A home with three sessions of two steps."""
    for number, question in enumerate(QUESTIONS):
        folder = tmp_path / "sessions" / f"2026030{number + 1}-093000-aaaaaa"
        replies = [block("r = worker('x')\nprint(r)"), block("FINAL(r)")]
        await recorded(folder, Scripted(*replies), echo(), query=question, session_id=folder.name)
    return tmp_path


async def settled(pilot):
    for _ in range(1000):
        await pilot.pause()
        reviews = [s for s in pilot.app.screen_stack if isinstance(s, ReviewScreen)]
        if all(screen.settled for screen in reviews):
            break
        await pilot.pause(0.01)
    await pilot.pause()


class Opened:
    """A review screen in a test."""

    def __init__(self, app, pilot, home):
        self.app, self.pilot, self.home = app, pilot, home

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self):
        """Wait until all is written and shown."""
        await settled(self.pilot)

    @property
    def screen(self):
        return next(s for s in self.app.screen_stack if isinstance(s, ReviewScreen))

    def text(self, name):
        return "\n".join(
            "".join(t for t, _ in row) for row in rows_of(self.screen.query_one(f"#review-{name}"))
        )

    def head(self):
        return str(self.screen.query_one("#review-title", LineBar).render())

    def state(self, index=0):
        return fold(read_session(self.screen.queue.folder(index)).events)

    def said(self, index=0):
        return [
            (a.target.kind, a.target.id, a.rating, a.mark, a.labels, a.comment, a.scores)
            for a in self.state(index).annotations()
            if a.by == "ada"
        ]


@contextlib.asynccontextmanager
async def opening(home):
    setup = plain()
    queue = Queue(home, "ada", "")

    def live(card):
        return past_wiring(card.events, who=card.who, setup=setup, folder=card.folder)

    app = DistillApp(setup, lambda: ReviewScreen(queue, load_rubric(), setup, ("good", "fast"), live))
    async with app.run_test(size=(130, 40)) as pilot:
        await settled(pilot)
        yield Opened(app, pilot, home)


@pytest.fixture
async def opened(home):
    async with opening(home) as it:
        yield it


async def test_the_card_shows_the_session_its_steps_and_its_answer(opened):
    text = opened.text("card")
    assert "What is alpha?" in text
    assert "Step 1" in text
    assert "W<x>" in text
    assert text.count("○") == 0
    assert opened.text("queue").count("○") == 3


async def test_each_key_is_in_the_log_at_once(opened):
    await opened.press("4")
    assert opened.said() == [("session", "", 4, None, (), "", {})]
    await opened.press("j", "2")
    assert opened.said()[-1][6] == {load_rubric().criteria[0].id: 2.0}
    criteria = len(load_rubric().criteria)
    await opened.press(*["j"] * criteria, "plus")
    assert opened.said()[-1][:4] == ("step", "1", None, 1)
    await opened.press("j", "0")
    assert opened.said()[-1][:4] == ("step", "2", None, 0)
    assert opened.text("queue").count("✓") == 1
    assert verify(opened.screen.queue.folder(0)).problems == ()


async def test_a_criterion_tells_what_to_look_at_and_what_its_scores_mean(opened):
    first = load_rubric().criteria[0]
    assert first.help in opened.text("card")
    await opened.press("j")
    assert f"{first.title}: 1 contradicts it · 2 mostly not" in opened.head()
    await opened.press("5")
    assert "in every point" in opened.text("card")
    assert first.help not in opened.text("card")
    await opened.press("k")
    assert "contradicts it" not in opened.head()


async def test_neutral_is_not_unmarked(opened):
    steps = 1 + len(load_rubric().criteria)
    await opened.press(*["j"] * steps, "0")
    entry = opened.screen.entry
    assert opened.screen.card.mine(entry).mark == 0
    await opened.press("backspace")
    assert opened.screen.card.mine(entry).mark is None
    assert "  · Step 1" in opened.text("card") or " · Step 1" in opened.text("card")


async def test_scores_move_up_and_down_and_end_with_the_scale(opened):
    await opened.press("j", "plus", "plus", "0")
    assert opened.said()[-1][-1] == {"faithful": 2}
    await opened.press("minus", "minus")
    assert opened.said()[-1][-1] == {"faithful": 1}


async def test_undo_and_redo_go_through_the_log(opened):
    await opened.press("4", "2", "u")
    assert opened.screen.card.mine(opened.screen.entry).rating == 4
    await opened.press("U")
    assert opened.screen.card.mine(opened.screen.entry).rating == 2
    await opened.press("u", "u", "u")
    assert opened.said() == []
    assert len(opened.state().annotated) == 2, "nothing is erased"


async def test_labels_comments_and_corrections_are_written(opened):
    await opened.press("l", *"god", "enter")
    refused = str(opened.app.screen.query_one("#write-keys").render())
    assert "there is no label 'god': did you mean good? (known: good, fast; " in " ".join(refused.split())
    await opened.press("backspace", *"od,fast", "enter")
    await opened.press("c", *"hm", "ctrl+s")
    assert opened.said()[0][4] == ("good", "fast")
    assert opened.said()[1][5] == "hm"
    await opened.press(*["j"] * 20)
    assert opened.screen.entry.about == "answer"
    await opened.press("e", *"W", "ctrl+s", *"short", "enter")
    made = opened.state().annotations()[-1]
    assert (made.target.kind, made.correction, made.reason) == ("answer", "W", "short")


async def test_a_correction_needs_a_reason_and_taking_it_away_needs_none(opened):
    await opened.press(*["j"] * 20, "e", *"W", "ctrl+s", "enter")
    assert not isinstance(opened.app.screen, ReviewScreen), "it still asks why"
    await opened.press(*"short", "enter")
    assert opened.screen.card.mine(opened.screen.entry).correction == "W"
    await opened.press("e", "backspace", "ctrl+s")
    assert opened.screen.card.mine(opened.screen.entry).correction is None


async def test_words_of_a_step_are_selected_and_judged(opened):
    steps = 1 + len(load_rubric().criteria)
    await opened.press(*["j"] * steps, "S", "tab")
    await opened.press(*["shift+right"] * 5, "enter")
    await opened.press("3", "ctrl+s")
    made = opened.state().annotations()[-1]
    where = (made.target.kind, made.target.id, made.target.field, made.target.start, made.target.end)
    assert (where, made.rating, made.step) == (("cell", "c1", "code", 0, 5), 3, 1)
    assert "‘r = w’ ★★★" in opened.text("card")
    await opened.press("u")
    assert "‘r = w’" not in opened.text("card")


async def test_words_of_the_answer_are_judged_and_of_the_session_none(opened):
    await opened.press("S")
    assert isinstance(opened.app.screen, ReviewScreen)
    await opened.press(*["j"] * 20, "S", "ctrl+a", "enter", "2", "ctrl+s")
    made = opened.state().annotations()[-1]
    answer = opened.state().finished.answer.text
    assert (made.target.kind, made.target.field, made.target.end) == ("answer", "answer", len(answer))
    assert f"‘{answer}’ ★★" in opened.text("card")


async def test_a_fork_that_is_asked_for_there_ends_the_queue(opened):
    await opened.press("o", "home")
    opened.app.screen.wiring.playback.fork = ("x", "--at", "1")
    opened.app.screen.leave()
    await opened.pilot.pause()
    assert opened.app.return_value == ("x", "--at", "1")


async def test_next_is_the_next_that_i_have_not_judged(opened):
    await opened.press("3", "n")
    assert opened.screen.queue.at == 1
    assert "What is beta?" in opened.text("card")
    await opened.press("n", "5", "n")
    assert opened.screen.queue.at == 1
    await opened.press("4", "n")
    assert opened.screen.queue.left == 0


async def test_others_are_hidden_until_i_am_done(opened):
    folder = opened.screen.queue.folder(0)
    session = opened.screen.card.entries[0].target
    annotate(folder, session, by="ben", comment="too long")
    annotate(folder, session, by="ben", done=True)
    await opened.press("n", "N", "tab", "home", "tab")
    opened.screen._stand()
    await opened.settle()
    assert "too long" not in opened.text("card")
    await opened.press("4")
    assert "too long" not in opened.text("card")
    await opened.press("d")
    assert done_by(opened.state()) == {"ada", "ben"}
    assert "ben: “too long”" in opened.text("card")


async def test_enter_opens_the_session_with_playback_and_comes_back(opened):
    await opened.press("o")
    assert isinstance(opened.app.screen, LiveScreen)
    assert opened.app.screen.wiring.playback is not None
    await opened.press("q")
    assert isinstance(opened.app.screen, ReviewScreen)


async def test_a_filter_selects_and_a_wrong_one_changes_nothing(opened):
    await opened.press("slash", *"beta", "enter")
    assert [row.question for row in opened.screen.queue.rows] == ["What is beta?"]
    await opened.press("slash", *["backspace"] * 4, *"nokey:1", "enter")
    assert [row.question for row in opened.screen.queue.rows] == ["What is beta?"]


async def test_the_place_is_remembered(home, tmp_path):
    memory = tmp_path / "memory.json"
    setup = msgspec.structs.replace(plain(), memory=Memory(memory))
    queue = Queue(home, "ada", "")
    app = DistillApp(setup, lambda: ReviewScreen(queue, load_rubric(), setup, (), lambda card: None))
    async with app.run_test(size=(130, 40)) as pilot:
        await settled(pilot)
        await pilot.press("3", "n")
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
    left = Memory(memory).reviewed("ada")
    again = Queue(home, "ada", left.words)
    again.return_to(left.places[left.words])
    assert again.rows[again.at].question == "What is beta?"
    assert Memory(memory).reviewed("ben").places == {}, "it is ada's place, not ben's"


async def test_each_filter_has_a_place_of_its_own(opened):
    await opened.press("n", "n")
    assert opened.screen.queue.at == 2
    await opened.press("slash", *"steps:>0", "enter")
    assert opened.screen.queue.at == 2, "the session that was shown stays, where the other filter has it too"
    await opened.press("N", "slash", *["backspace"] * len("steps:>0"), "enter")
    assert opened.screen.queue.at == 2
    await opened.press("slash", *"steps:>0", "enter")
    assert opened.screen.queue.at == 1


@pytest.fixture
def held(monkeypatch):
    """Lets nobody read or write a log until it is set."""
    free = threading.Event()
    for name in ("fitting", "append"):
        whole = getattr(card_module, name)

        def waits(*args, _whole=whole, **options):
            assert free.wait(30)
            return _whole(*args, **options)

        monkeypatch.setattr(card_module, name, waits)
    free.set()
    yield free
    free.set()


def written(state):
    """All annotations in the log, those taken back too."""
    return [state.annotated[seq] for seq in sorted(state.annotated)]


async def test_keys_that_come_while_a_log_is_slow_are_written_in_their_order(held, opened):
    held.clear()
    await opened.pilot.press("4", "j", "2", "home", "5", "u")
    assert opened.said() == []
    assert not opened.screen.settled
    held.set()
    await opened.settle()
    made = [(a.rating, a.scores) for a in written(opened.state())]
    criterion = load_rubric().criteria[0].id
    assert made == [(4, {}), (None, {criterion: 2.0}), (5, {})]
    assert opened.screen.card.mine(opened.screen.card.entries[0]).rating == 4


async def test_no_key_judges_before_the_session_is_seen(held, opened):
    held.clear()
    await opened.pilot.press("n", "5")
    held.set()
    await opened.settle()
    assert opened.screen.queue.at == 1
    assert (opened.said(0), opened.said(1)) == ([], [])


async def test_the_screen_is_left_once_all_is_written(held, opened):
    held.clear()
    await opened.pilot.press("4", "q")
    assert isinstance(opened.app.screen, ReviewScreen)
    folder = opened.screen.queue.folder(0)
    held.set()
    await opened.settle()
    assert [a.rating for a in written(fold(read_session(folder).events))] == [4]


async def test_a_judgement_that_cannot_be_written_keeps_the_screen(opened, monkeypatch):
    left = threading.Event()

    def refuses(*_, **__):
        assert left.wait(30)
        raise LogError("cannot write")

    monkeypatch.setattr(card_module, "append", refuses)
    await opened.pilot.press("4", "q")
    left.set()
    await opened.settle()
    assert isinstance(opened.app.screen, ReviewScreen)


async def test_ratings_end_at_the_highest_of_the_settings(home):
    setup = msgspec.structs.replace(plain(), best=3)
    app = DistillApp(
        setup, lambda: ReviewScreen(Queue(home, "ada"), load_rubric(), setup, (), lambda card: None)
    )
    async with app.run_test(size=(130, 40)) as pilot:
        await settled(pilot)
        it = Opened(app, pilot, home)
        await it.press("2", "4")
        assert it.said()[0][2] == 2
        assert "★★☆ " in it.text("card").replace("\n", " ")


async def test_hostile_text_is_drawn_harmlessly_in_the_queue_on_the_card_and_in_the_form_of_a_fork(tmp_path):
    folder = tmp_path / "sessions" / "20260301-093000-aaaaaa"
    reply = f"{HOSTILE}\n\n" + block(f"print({HOSTILE!r})\nFINAL({HOSTILE!r})")
    await recorded(folder, Scripted(reply), echo(), query=HOSTILE, session_id=folder.name)
    async with opening(tmp_path) as it:
        assert "␛]52;c;ZXZpbA==␇" in check(it)
        for _ in range(len(load_rubric().criteria) + 3):
            await it.press("j")
            check(it)
    app = DistillApp(plain(), lambda: ForkScreen(record_in(folder), 1, plain().palettes["harbour"]))
    async with app.run_test(size=(130, 40)) as pilot:
        await pilot.pause()
        form = Opened(app, pilot, tmp_path)
        assert "print('" in check(form)


def damage(folder):
    """Lose a line in the middle of a log, and what speaks of it stays."""
    log = folder / "supervisor.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"type":"supervisor_called"' not in line))


async def test_a_session_that_makes_no_sense_is_told_and_the_queue_goes_on(home):
    damage(sorted((home / "sessions").iterdir())[0])
    async with opening(home) as it:
        assert it.screen.card is None
        (told,) = it.app._notifications
        assert "the session's log is damaged" in told.message
        assert "sessions verify" in told.message
        await it.press("n")
        assert it.screen.card is not None
