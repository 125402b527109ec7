"""The export screen: what it shows is what would be written, and what it writes is what it showed."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.worker import WorkerFailed

from distill_core.approval import Decision
from distill_core.config import Settings
from sessions.export import Plan, export
from sessions.export.choosing import choose
from sessions.export.report import Report
from tests.fakes.hostile import HOSTILE
from tests.sessions.export.making import annotate, block, make
from tests.sessions.export.tokens import tokenizer_file
from tests.tui.test_hostile import FORBIDDEN
from tui.app import DistillApp
from tui.screens.confirm import ConfirmScreen
from tui.screens.export import ExportScreen
from tui.screens.export_draft import Draft, line_of, words_of
from tui.screens.read import ReadScreen
from tui.screens.write import WriteScreen
from tui.setup import plain
from tui.widgets.line_pane import LinePane, rows_of


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two sessions: one with a rejection and a secret, one simple."""
    home = tmp_path_factory.mktemp("home")
    folder = make(
        home,
        "20260301-090000-aaa",
        [
            block("print(contxt)", "A typo."),
            block("import os", "Rather not."),
            block("FINAL('clause 7')", "Surely."),
        ],
        Decision(action="edit", by="ada", codes=("print(context)",)),
        Decision(action="reject", by="ada", guidance="Ask ada@example.org first."),
    )
    annotate(folder, {"step": 1, "target": {"kind": "step", "id": "1"}, "mark": 1, "labels": ("probing",)})
    make(home, "20260302-090000-bbb", [block("FINAL('auto')", "At once.")], person="policy:auto")
    return home


class Opened:
    """The screen in a test."""

    def __init__(self, app: DistillApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> ExportScreen:
        return next(s for s in self.app.screen_stack if isinstance(s, ExportScreen))

    async def settled(self) -> None:
        """Wait until nothing is being read or written."""
        for _ in range(1500):
            await self.pilot.pause(0.02)
            if not self.screen.busy:
                await self.pilot.pause()
                return
        raise AssertionError("it never came to rest")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()
        await self.settled()

    def text(self, name: str) -> str:
        pane = self.screen.query_one(f"#export-{name}", LinePane)
        return "\n".join("".join(text for text, _ in row) for row in rows_of(pane))

    def drawn(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips(self.app.size))


def app_over(home: Path, draft: Draft | None = None) -> DistillApp:
    setup = plain()
    return DistillApp(setup, lambda: ExportScreen(setup, Settings(), home, draft))


@asynccontextmanager
async def opened(
    home: Path, draft: Draft | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Opened]:
    app = app_over(home, draft)
    async with app.run_test(size=size) as pilot:
        screen = Opened(app, pilot)
        await pilot.pause()
        await screen.settled()
        yield screen


async def test_it_shows_rows_numbers_and_what_is_left_out(home):
    async with opened(home) as it:
        assert "3 rows of 2 sessions" in it.drawn()
        assert it.text("rows").split() == [
            *("train", "20260301-090000-aaa/1/s1"),
            *("train", "20260301-090000-aaa/3/s3"),
            *("train", "20260302-090000-bbb/1/s1"),
        ]
        assert "1 rejected" in it.text("out")
        assert "print(context)" in it.text("row")
        assert "ada@example.org" not in it.drawn()


async def test_the_format_at_the_cursor_is_looked_at(home):
    async with opened(home) as it:
        await it.press("down")
        assert it.screen.draft.format == "sft"
        await it.press("G")
        assert it.screen.draft.format == "worker-preference"
        assert "0 rows of 2 sessions" in it.drawn()
        assert it.text("rows") == ""


async def test_a_rule_is_explained_and_lifted(home):
    async with opened(home) as it:
        await it.press("tab", "end")
        assert "rejected: a person rejected it" in it.text("row")
        await it.press("space")
        assert it.screen.draft.keep == {"rejected"}
        assert it.screen.preview.report.total == 4
        assert "(lifted)" in it.text("out")
        await it.press("space")
        assert it.screen.draft.keep == frozenset()


async def test_storage_prose_and_redaction_are_switched_by_a_key(home):
    async with opened(home) as it:
        await it.press("s", "p", "r")
        draft = it.screen.draft
        assert (draft.storage, draft.prose, draft.redact) == ("parquet", False, False)
        assert "redaction OFF" in it.drawn()
        assert "A typo." not in it.text("row")


async def test_sessions_are_filtered_and_splits_set(home):
    async with opened(home) as it:
        await it.press("f")
        assert isinstance(it.app.screen, WriteScreen)
        await it.press(*"by:ada", "enter")
        assert it.screen.preview.report.sessions == 1
        await it.press("l", *"nonsense", "enter")
        assert "not a split" in it.drawn()
        await it.press("escape", "l", *"test=0.9", "enter")
        assert it.screen.draft.splits == "test=0.9"


async def test_a_filter_that_finds_nothing_is_told_in_a_line(home):
    async with opened(home, Draft(sessions="by:nobody")) as it:
        assert "no session to export" in it.drawn()
        await it.press("w")
        assert it.screen.busy == ""


async def test_writing_gives_what_was_shown(home, tmp_path):
    async with opened(home, Draft(folder=str(tmp_path / "set"))) as it:
        shown = it.screen.preview
        await it.press("w")
        lines = (tmp_path / "set" / "data" / "train" / "00000.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [row.columns for row in shown.rows]
        assert any("3 rows are in" in n.message for n in it.app._notifications)


async def test_an_url_stays_one(home, tmp_path, monkeypatch):
    import fsspec

    monkeypatch.chdir(tmp_path)
    async with opened(home, Draft(folder="memory://screen/set")) as it:
        await it.press("w")
        assert any("3 rows are in memory://screen/set" in n.message for n in it.app._notifications)
    assert fsspec.filesystem("memory").exists("/screen/set/README.md")
    assert list(tmp_path.iterdir()) == []


async def test_writing_unredacted_asks_first(home, tmp_path):
    async with opened(home, Draft(folder=str(tmp_path / "set"), redact=False)) as it:
        await it.press("w")
        assert isinstance(it.app.screen, ConfirmScreen)
        await it.press("escape")
        assert not (tmp_path / "set").exists()
        await it.press("w", "w")
        assert (tmp_path / "set" / "README.md").exists()


async def test_a_place_that_cannot_be_written_is_told_in_a_line_and_another_named(home, tmp_path):
    async with opened(home, Draft(folder="/proc/nowhere/set")) as it:
        await it.press("w")
        assert "cannot export to /proc/nowhere/set" in it.drawn()
        assert len(it.text("rows").split("\n")) == 3
        assert "1 rejected" in it.text("out")
        shown = it.screen.preview
        it.screen.change(folder=str(tmp_path / "set"))
        assert it.screen.preview is shown
        await it.press("w")
        assert (tmp_path / "set" / "README.md").exists()
        assert "3 rows of 2 sessions" in it.drawn()


@pytest.mark.parametrize("failing", ["preview_of", "export"])
async def test_a_fault_of_the_program_is_told_in_a_line(home, tmp_path, monkeypatch, failing):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a [b]screw\nis loose")

    monkeypatch.setattr(f"tui.screens.export.{failing}", fail)
    async with opened(home, Draft(folder=str(tmp_path / "set"))) as it:
        await it.press("w")
        assert "✗ a fault of the program: RuntimeError: a [b]screw is loose" in it.drawn()
        assert it.app.is_running
        assert it.app.return_code is None


async def test_where_faults_come_from_is_shown_on_request(home, monkeypatch):
    monkeypatch.setenv("DISTILL_DEBUG", "1")
    monkeypatch.setattr("tui.screens.export.preview_of", lambda *_: 1 / 0)
    app = app_over(home)
    with pytest.raises(WorkerFailed, match="ZeroDivisionError"):
        async with app.run_test() as pilot:
            await pilot.pause(0.5)
    assert app.return_code == 1


async def test_what_was_written_is_told_also_after_a_change(home, tmp_path, monkeypatch):
    changed = threading.Event()

    def slowly(plan: Plan, place: str, **_: object) -> Report:
        assert changed.wait(10)
        return export(plan, place)

    monkeypatch.setattr("tui.screens.export.export", slowly)
    async with opened(home, Draft(folder=str(tmp_path / "set"))) as it:
        await it.pilot.press("w", "p")
        changed.set()
        for _ in range(500):
            await it.pilot.pause(0.02)
            if it.app._notifications:
                break
        assert f"3 rows are in {tmp_path / 'set'}" in [n.message for n in it.app._notifications]


ASKED = Draft(
    examples=True,
    storage="parquet",
    shard_size=10_000_000,
    splits="test=0.3",
    seed=3,
    labels=("probing", "copied"),
    vouched=True,
    evidence=True,
    sample=0.75,
    near=0.9,
    prose=False,
    kinds=("email", "phone"),
    keep=frozenset({"error"}),
    licence="CC0",
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_what_is_asked_for_stands_on_the_screen_key_or_not(home, tmp_path, size):
    draft = msgspec.structs.replace(ASKED, folder=str(tmp_path / "set"))
    async with opened(home, draft, size) as it:
        drawn = " ".join(it.drawn().split())
        for words in (
            "sessions all, examples too storage parquet splits test=0.3 prose dropped",
            "redaction email, phone",
            "only rows label probing or copied, vouched, with evidence, a sample of 0.75",
            "near-duplicates from 0.9 on seed 3 shards 10,000,000 bytes licence CC0",
        ):
            assert words in drawn
        assert "(lifted)" in it.text("out")


async def test_a_long_setting_hides_no_other(home):
    draft = msgspec.structs.replace(ASKED, sessions="-nobody " * 200, labels=("x" * 999,), folder="y" * 999)
    async with opened(home, draft, (80, 24)) as it:
        assert "licence CC0" in it.drawn()
        assert "0 rows of 2 sessions" in it.drawn()


async def test_a_format_without_parquet_says_so(home):
    async with opened(home, Draft(storage="parquet", format="markdown")) as it:
        assert "storage jsonl (markdown has no Parquet form)" in it.drawn()
        it.screen.change(format="sft")
        await it.settled()
        assert "storage parquet  " in it.drawn()


async def test_a_tokenizer_is_named_on_the_screen(home, tmp_path):
    file = tokenizer_file()
    async with opened(home, Draft(format="process-steps", folder=str(tmp_path / "set"))) as it:
        assert "process-steps needs a tokenizer (t names one)" in it.drawn()
        await it.press("t", *"nowhere", "enter")
        assert "cannot read the tokenizer: nowhere" in it.drawn()
        await it.press("escape", "t", *file, "enter")
        assert it.screen.draft.tokenizer == file
        assert it.screen.preview is not None
        await it.press("w")
        assert (tmp_path / "set" / "README.md").exists()


async def test_rules_that_nobody_lifts_stay(home):
    async with opened(home, Draft(labels=("nowhere",))) as it:
        await it.press("tab", "end")
        assert "It cannot be lifted: leave --label out." in it.text("row")
        await it.press("space")
        assert it.screen.draft.keep == frozenset()
        assert any("label cannot be lifted" in n.message for n in it.app._notifications)


def test_words_of_a_command_line_stand_in_a_line_and_mean_the_same(home, tmp_path):
    apart = tmp_path / "a folder"
    apart.symlink_to(home / "sessions" / "20260301-090000-aaa")
    words = [
        "20260302-090000-bbb",
        str(apart),
        "last",
        "by:ada rating:>=4",
        "clause seven",
        '-"clause seven"',
        'label:"needs work"',
        "-status:finished",
    ]
    parts = words_of(line_of(words), home)
    assert parts == [*words[:3], "by:ada", "rating:>=4", '"clause seven"', *words[5:]]
    assert choose(parts[:3], home) == choose(words[:3], home)
    assert choose(parts, home) == choose(words, home)


async def test_rows_are_read_in_full_and_the_keys_listed(home):
    async with opened(home, size=(80, 24)) as it:
        await it.press("tab", "tab")
        await it.press("enter")
        assert isinstance(it.app.screen, ReadScreen)
        await it.press("escape", "question_mark")
        assert "Keep or drop the supervisor's prose" in it.drawn()
        await it.press("escape")
        await it.pilot.press("q")
        await it.pilot.pause()
        assert it.app.return_code == 0


async def test_hostile_text_is_only_shown(tmp_path):
    make(tmp_path, "s", [block("FINAL('x')", HOSTILE)], question=HOSTILE)
    async with opened(tmp_path) as it:
        assert not any(FORBIDDEN.search(line) for line in it.drawn().split("\n"))
        await it.press("tab", "tab", "enter")
        assert not any(FORBIDDEN.search(line) for line in it.drawn().split("\n"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_how_it_looks(snap_compare: Callable[..., bool], home: Path, size: tuple[int, int]) -> None:
    app = app_over(home)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()
        it = Opened(app, pilot)
        await it.settled()
        await it.press("tab", "end", "tab", "down")
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=size, run_before=before)
