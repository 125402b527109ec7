"""The lines of a growing output."""

from __future__ import annotations

from distill_core.events import Final
from distill_core.sequence import Sequence
from distill_core.state import Cell
from tui.lines import Line, plain
from tui.live.output import Body, head, tail


def cell(*pieces: tuple[str, str], **more: object) -> Cell:
    return Cell(
        cell_id="c1",
        call_id="s1",
        step=1,
        index=0,
        code="",
        proposed="",
        origin="supervisor",
        output=Sequence(pieces),
        **more,  # type: ignore[arg-type]
    )


def grown(*pieces: tuple[str, str]) -> list[str]:
    """The lines after the pieces have come one by one."""
    body, lines = Body(), list[Line]()
    for count in range(1, len(pieces) + 1):
        replaced, new = body.add(cell(*pieces[:count]))
        if replaced:
            lines.pop()
        lines += new
    return [plain(line) for line in lines]


def test_pieces_of_any_size_make_the_same_lines() -> None:
    text = "one\ntwo\n\nfour"
    whole = grown(("stdout", text))
    assert whole == ["  one", "  two", "  ", "  four"]
    assert grown(*(("stdout", char) for char in text)) == whole


def test_errors_are_marked_and_start_a_line_of_their_own() -> None:
    assert grown(("stdout", "a"), ("stderr", "b\n"), ("stdout", "c")) == ["  a", "! b", "  c"]


def test_an_endless_line_is_counted_and_not_kept() -> None:
    body = Body()
    pieces = tuple(("stdout", "x" * 1000) for _ in range(100))
    _, lines = body.add(cell(*pieces))
    assert plain(lines[-1]).endswith("… 96,000 characters more, whole in the log")


def test_the_end_says_what_was_dropped_and_what_the_answer_is() -> None:
    ended = cell(
        phase="done", status="final", dropped=5, final=Final(value="a\nb", text="a\nb"), traceback="T"
    )
    assert [plain(line) for line in tail(ended)] == [
        "! 5 characters of output over the limit were dropped",
        "✗ T",
        "★ a",
        "  b",
        "",
    ]
    assert "★ final" in plain(head(ended)[0])


def test_a_cell_that_printed_nothing_says_so() -> None:
    assert plain(tail(cell(phase="done", status="ok"))[0]) == "  no output"
