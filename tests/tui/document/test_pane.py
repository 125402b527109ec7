"""The document pane on the live screen: brought when it is wanted, searched, asked for quotations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.hostile import HOSTILE
from tests.fakes.scripted import ScriptedCell, ScriptedStep
from tests.tui.harness import Opened, open_screen, open_story
from tests.tui.stories import ARTICLES, QUOTING
from tui.document.pane import DocumentPane
from tui.screens.documenting import Documenting


@asynccontextmanager
async def open_quoting(size: tuple[int, int] = (120, 40)) -> AsyncIterator[Opened]:
    """A session that has ended, whose answer and replies quote its document."""
    async with open_screen([QUOTING], policy="auto", document=ARTICLES, size=size) as opened:
        await opened.until(lambda model: not model.live)
        yield opened


def pane(opened: Opened) -> DocumentPane:
    found = opened.pane("document")
    assert isinstance(found, DocumentPane)
    return found


def part(opened: Opened) -> Documenting:
    return next(part for part in opened.screen.parts if isinstance(part, Documenting))


async def shown(opened: Opened) -> None:
    """Open the pane and wait until everything quoted has been looked up."""
    await opened.press("6")
    await opened.until(lambda _: "quoted" in str(pane(opened).note))


def heading(opened: Opened) -> str:
    return "\n".join("".join(text for text, _ in line) for line in pane(opened).header)


async def test_the_document_is_there_when_it_is_gone_to() -> None:
    async with open_quoting() as opened:
        assert not opened.pane("document").display
        await shown(opened)
        assert opened.text("document").startswith("ARTICLE I — DEFINITIONS\n")
        assert "law of the place" in opened.text("document")


async def test_quotations_of_answer_and_replies_are_counted_and_marked() -> None:
    async with open_quoting() as opened:
        await shown(opened)
        assert heading(opened) == "quoted: ✓ 2 found · ≈ 1 near · ✗ 1 not found"
        roles = {role for y in range(40) for _, role in pane(opened).source.row(y)}
        assert {"quote", "quote-near"} <= roles


async def test_a_quotation_is_chosen_and_jumped_to() -> None:
    async with open_quoting((80, 24)) as opened:
        await opened.press("o")
        await opened.until(lambda _: len(opened.app.screen_stack) == 3)
        await opened.press("down", "enter")
        await opened.until(lambda _: pane(opened).document.here is not None)
        here = pane(opened).document.here
        assert here is not None
        assert ARTICLES[here.start : here.end] == "Each party is liable for damage that it has caused"
        row = pane(opened).document.rows.row_of(here.start)
        top = round(pane(opened).scroll_y)
        assert top <= row < top + pane(opened).size.height


async def test_what_is_not_found_cannot_be_gone_to() -> None:
    async with open_quoting() as opened:
        await opened.press("o")
        await opened.until(lambda _: len(opened.app.screen_stack) == 3)
        await opened.press("end", "enter")
        assert len(opened.app.screen_stack) == 3
        await opened.press("escape")
        assert len(opened.app.screen_stack) == 2


async def test_search_goes_from_match_to_match_and_around() -> None:
    async with open_quoting() as opened:
        await shown(opened)
        await opened.press("slash", *"article", "enter")
        assert "1 of 4" in heading(opened)
        starts = []
        for key in ("n", "n", "n", "n", "N"):
            await opened.press(key)
            here = pane(opened).document.here
            assert here is not None
            starts.append(here.start)
        places = [i for i in range(len(ARTICLES)) if ARTICLES.startswith("ARTICLE", i)]
        assert starts == [places[1], places[2], places[3], places[0], places[3]]
        await opened.press("slash", *(["backspace"] * 7), "enter")
        assert "⌕" not in heading(opened)


async def test_what_is_nowhere_is_told() -> None:
    async with open_quoting() as opened:
        await shown(opened)
        await opened.press("slash", *"elephant", "enter")
        await opened.until(lambda _: "nowhere" in heading(opened))


async def test_without_a_search_n_goes_over_the_quotations() -> None:
    async with open_quoting() as opened:
        await shown(opened)
        seen = set()
        for _ in range(4):
            await opened.press("n")
            here = pane(opened).document.here
            assert here is not None
            seen.add(ARTICLES[here.start : here.end][:12])
        assert seen == {"Each party i", "In no event ", "liable for m"}


async def test_a_document_of_megabytes_is_read_from_its_end_at_once() -> None:
    text = "".join(f"{n}: {'the same words again ' * (n % 9)}\n" for n in range(50_000))
    step = ScriptedStep(reply="```\npass\n```", cells=(ScriptedCell(code="pass"),))
    async with open_screen([step], document=text) as opened:
        await opened.press("6")
        await opened.until(lambda _: pane(opened).document.text == text)
        await opened.press("slash", *"49990:", "enter")
        await opened.until(lambda _: pane(opened).document.here is not None)
        y = round(pane(opened).scroll_y)
        seen = [
            "".join(t for t, _ in pane(opened).source.row(y + at)) for at in range(pane(opened).size.height)
        ]
        assert any(row.startswith("49990: the same") for row in seen)


async def test_hostile_text_is_drawn_and_not_obeyed() -> None:
    step = ScriptedStep(
        reply="```\npass\n```",
        cells=(
            ScriptedCell(
                code="pass", status="final", final=f"“{HOSTILE}” and “no such words anywhere {HOSTILE}”"
            ),
        ),
    )
    async with open_screen([step], policy="auto", document=(HOSTILE + "\n") * 20) as opened:
        await opened.until(lambda model: not model.live)
        await shown(opened)
        await opened.press("o")
        await opened.pilot.pause(0.1)
        strips = opened.app.screen._compositor.render_strips(opened.app.size)
        drawn = "".join(segment.text for strip in strips for segment in strip)
        assert "␛]52" in drawn
        assert not any(char in drawn for char in "\x1b\x07\x9b\u202e\u2066\u200f\x00")


async def test_without_a_document_the_pane_says_so() -> None:
    async with open_story("awaiting") as opened:
        await opened.press("6")
        await opened.until(lambda _: "quoted" in str(pane(opened).note))
        assert pane(opened).empty == "The document is empty."
