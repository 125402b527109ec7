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


def slow(blocks: int = 50, at_once: int = 4) -> tuple[Transcript, list[int]]:
    """A transcript whose blocks wait, and the numbers of those whose lines were made, in order."""
    made: list[int] = []

    def make(number: int) -> list[Line]:
        made.append(number)
        return lines(f"block {number}", "more")

    transcript = Transcript(lambda line, width: wrap(line, width, words=True), at_once)
    transcript.set_all(list(range(blocks)), make)
    return transcript, made


def test_of_many_blocks_the_last_are_laid_out_at_once_and_the_others_when_their_turn_comes() -> None:
    transcript, made = slow()
    assert made == []  # nothing before it is known how wide
    transcript.height(80)
    assert made == [49, 48, 47, 46]
    assert rows(transcript)[-2:] == ["block 49", "more"]
    assert len(rows(transcript)) == 8
    transcript.catch_up(60)
    assert not transcript.behind
    assert len(rows(transcript)) == 100
    assert rows(transcript)[0] == "block 0"


def test_what_is_looked_at_comes_first() -> None:
    transcript, made = slow()
    transcript.height(10)
    transcript.row(0)
    transcript.catch_up(0)
    assert made[-1] == 0
    transcript.draw(30)
    assert made[-1] == 30
    assert transcript.span(30) == (2, 2)


def test_a_block_that_waits_is_laid_out_before_it_grows() -> None:
    transcript, _ = slow()
    transcript.extend(5, 0, lines("end"))
    start, count = transcript.span(5) or (0, 0)
    assert [plain(transcript.row(start + n)) for n in range(count)] == ["block 5", "more", "end"]


def test_a_new_width_keeps_only_what_is_seen_up_to_date() -> None:
    transcript, made = slow()
    transcript.catch_up(60)
    transcript.height(5)
    assert transcript.behind
    transcript.catch_up(60)
    assert len(made) == 50, "lines are made once"
    assert transcript.height(5) == 150


def test_what_was_cleared_waits_no_more() -> None:
    transcript, _ = slow()
    transcript.clear()
    transcript.catch_up(1)
    assert (transcript.height(10), transcript.behind) == (0, False)
