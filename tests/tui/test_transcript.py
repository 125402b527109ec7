"""Blocks of lines as rows."""

from __future__ import annotations

from tui.lines import Line, plain, wrap
from tui.transcript import KEPT_HEAD, KEPT_TAIL, MOST_LINES, Transcript


def lines(*texts: str) -> list[Line]:
    return [((text, ""),) for text in texts]


def rows(transcript: Transcript, width: int = 10) -> list[str]:
    return [plain(transcript.row(y)) for y in range(transcript.height(width))]


def transcript() -> Transcript:
    return Transcript(lambda line, width: wrap(line, width, words=True))


def test_blocks_stay_in_the_order_of_their_first_appearance() -> None:
    text = transcript()
    text.set("a", lines("1"))
    text.set("b", lines("2"))
    text.set("a", lines("1", "1b"))
    assert rows(text) == ["1", "1b", "2"]
    assert text.span("b") == (2, 1)
    assert text.key_at(1) == "a"


def test_the_open_line_is_replaced_when_it_grows() -> None:
    text = transcript()
    text.extend("a", 0, lines("one", "tw"))
    text.extend("a", 1, lines("two", "three is long"))
    text.extend("a", 1, lines("three is longer"))
    assert rows(text) == ["one", "two", "three is ", "longer"]


def test_a_new_width_lays_everything_out_anew() -> None:
    text = transcript()
    text.set("a", lines("one two"))
    text.set("b", lines("x"))
    assert rows(text, 10) == ["one two", "x"]
    assert rows(text, 4) == ["one ", "two", "x"]
    assert text.span("b") == (2, 1)


def test_an_endless_block_keeps_its_head_and_its_tail() -> None:
    grown, put = transcript(), transcript()
    texts = [str(n) for n in range(50_000)]
    for start in range(0, len(texts), 700):
        grown.extend("a", 0, lines(*texts[start : start + 700]))
    put.set("a", lines(*texts))
    for text in (grown, put):
        shown = rows(text, 60)
        assert len(shown) <= MOST_LINES + 1
        assert shown[:KEPT_HEAD] == texts[:KEPT_HEAD]
        assert shown[-KEPT_TAIL:] == texts[-KEPT_TAIL:]
        hidden = int(shown[KEPT_HEAD].split()[1].replace(",", ""))
        assert hidden + len(shown) - 1 == len(texts)


def test_beyond_the_end_is_blank() -> None:
    text = transcript()
    assert text.row(0) == ()
    text.set("a", lines("1"))
    assert text.row(5) == ()
