"""What a cell writes, and what arrives of it."""

from __future__ import annotations

import threading

from distill_core.repl import REPL, ReplLimits


def test_both_streams_arrive_in_the_order_written(repl: REPL) -> None:
    result = repl.execute(
        "import sys\nfor i in range(3):\n    print('out', i)\n    print('err', i, file=sys.stderr)\nprint('end')"
    )
    assert result.output == (
        ("stdout", "out 0\n"),
        ("stderr", "err 0\n"),
        ("stdout", "out 1\n"),
        ("stderr", "err 1\n"),
        ("stdout", "out 2\n"),
        ("stderr", "err 2\n"),
        ("stdout", "end\n"),
    )


def test_pieces_of_a_line_keep_their_order_across_streams(repl: REPL) -> None:
    result = repl.execute(
        "import sys\nfor i in range(50):\n    sys.stdout.write('o')\n    sys.stderr.write('e')"
    )
    assert result.output == tuple([("stdout", "o"), ("stderr", "e")] * 50)


def test_output_streams_while_the_cell_runs(repl: REPL) -> None:
    seen = threading.Event()
    pieces: list[tuple[str, str]] = []

    def on_output(stream: str, text: str) -> None:
        pieces.append((stream, text))
        seen.set()

    def stop_when_seen() -> None:
        seen.wait(30)
        repl.interrupt()

    stopper = threading.Thread(target=stop_when_seen)
    stopper.start()
    result = repl.execute("print('begun', end='')\nwhile True: pass", on_output=on_output)
    stopper.join()
    assert result.status == "interrupted"
    assert pieces[0] == ("stdout", "begun")


def test_an_observer_that_fails_is_reported_and_the_repl_goes_on(repl: REPL) -> None:
    def on_output(stream: str, text: str) -> None:
        raise LookupError("the observer's own")

    try:
        repl.execute("print('x')\nkept = 1", on_output=on_output)
    except LookupError as error:
        assert "observer" in str(error)  # noqa: PT017 - the REPL is used again below
    assert repl.execute("print(kept)").stdout == "1\n"


def test_a_print_loop_arrives_whole(repl: REPL) -> None:
    result = repl.execute("for i in range(20_000): print(i)")
    assert result.stdout == "".join(f"{i}\n" for i in range(20_000))
    assert result.dropped == 0


def test_prints_of_threads_are_captured(repl: REPL) -> None:
    result = repl.execute(
        # A print writes its text and its newline apart, so that other threads may come between them.
        "import threading\n"
        "ts = [threading.Thread(target=print, args=(f'<{i}>',), kwargs={'end': ''}) for i in range(8)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts];"
    )
    assert sorted(result.stdout.split("<")) == ["", *(f"{i}>" for i in range(8))]


def test_what_is_over_the_limit_is_dropped_counted_and_said() -> None:
    with REPL("", limits=ReplLimits(output_chars=1000)) as repl:
        result = repl.execute("for i in range(1000): print('é' * 9)")
        assert result.dropped == 9000
        assert result.stdout.startswith("ééééééééé\n" * 100 + "\n[…")
        assert "9,000 characters of output dropped" in result.stdout
        assert repl.execute("print('again')").output == (("stdout", "again\n"),)


def test_a_flood_of_raw_writes_is_bounded_too() -> None:
    with REPL("", limits=ReplLimits(output_chars=1000)) as repl:
        result = repl.execute("import os\nfor i in range(100): os.write(1, b'x' * 65536)")
        assert result.dropped == 6_553_600 - 1000
        assert len(result.stdout) < 1200


def test_control_characters_survive_and_surrogates_are_spelled_out(repl: REPL) -> None:
    result = repl.execute(r"print('\x00\x07\x1b[2J\u202e\r\x85 \ud800 🎉')")
    assert result.stdout == "\x00\x07\x1b[2J\u202e\r\x85 \\ud800 🎉\n"


def test_bytes_that_are_no_text_are_spelled_out(repl: REPL) -> None:
    result = repl.execute(
        "import os, sys\nsys.stdout.buffer.write(b'a\\x80b\\n'); sys.stdout.flush()\nos.write(1, b'\\xc3');"
    )
    assert result.stdout == "a\\x80b\n\\xc3"


def test_bytes_like_the_marks_between_streams_do_no_harm(repl: REPL) -> None:
    result = repl.execute("import os\nos.write(1, b'\\xff\\xfe'); os.write(1, b'\\xff\\xfez\\xff');")
    assert result.stdout == "\\xff\\xfe\\xff\\xfez\\xff"
    assert repl.execute("os.write(1, b'\\xff\\xfee');").status == "ok"
    assert repl.execute("print('straight')").output == (("stdout", "straight\n"),)


def test_raw_writes_are_captured_and_harmless(repl: REPL) -> None:
    result = repl.execute(
        "import os\nprint('first')\nos.write(1, b'raw one\\n'); os.write(2, b'raw two\\n');\nprint('last')"
    )
    assert result.stdout == "first\nraw one\nlast\n"
    assert result.stderr == "raw two\n"


def test_output_of_c_code_is_captured(repl: REPL) -> None:
    result = repl.execute("import ctypes\nlibc = ctypes.CDLL(None)\nlibc.puts(b'from C'); libc.fflush(None);")
    assert result.stdout == "from C\n"


def test_closed_streams_are_open_again_in_the_next_block(repl: REPL) -> None:
    repl.execute("import os, sys\nsys.stdout.close(); sys.stderr.close()\nfor fd in (0, 1, 2): os.close(fd)")
    assert repl.execute("import os\nprint('back'); os.write(1, b'raw\\n');").stdout == "back\nraw\n"


def test_a_redirected_stream_is_back_in_the_next_block(repl: REPL) -> None:
    result = repl.execute("import io, sys\nsys.stdout = io.StringIO()\nprint('hidden')\n'echoed'")
    assert result.stdout == "'echoed'\n"
    assert repl.execute("print('seen')").stdout == "seen\n"


def test_printing_to_a_closed_stream_is_an_error(repl: REPL) -> None:
    result = repl.execute("import sys\nsys.stdout.close()\nprint('x')")
    assert "I/O operation on closed file" in (result.traceback or "")


def test_there_is_nothing_to_read(repl: REPL) -> None:
    result = repl.execute("input('password: ')")
    assert result.status == "error"
    assert "EOFError: there is no keyboard here" in (result.traceback or "")
    assert repl.execute("import os, sys\nprint(repr(sys.stdin.read()), os.read(0, 1))").stdout == "'' b''\n"


def test_the_debugger_does_not_wait(repl: REPL) -> None:
    assert repl.execute("breakpoint()\nprint('x')").status == "error"
    assert repl.execute("print('alive')").stdout == "alive\n"


def test_warnings_and_logging_arrive_on_stderr(repl: REPL) -> None:
    result = repl.execute("import warnings, logging\nwarnings.warn('careful')\nlogging.warning('logged')")
    assert "UserWarning: careful" in result.stderr
    assert "WARNING:root:logged" in result.stderr
    assert "WARNING:root:again" in repl.execute("logging.warning('again')").stderr
