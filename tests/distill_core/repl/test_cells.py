"""What a cell does to the namespace, and how it ends."""

from __future__ import annotations

import textwrap

import pytest

from distill_core.errors import ReplError
from distill_core.events import Final
from distill_core.repl import REPL


def test_variables_live_on(repl: REPL) -> None:
    repl.execute("n = 41")
    assert repl.execute("print(n + 1)").stdout == "42\n"


def test_variables_assigned_before_an_exception_stay(repl: REPL) -> None:
    assert repl.execute("kept = 1\nraise ValueError('no')\nlost = 2").status == "error"
    assert repl.execute("print(kept, 'lost' in globals())").stdout == "1 False\n"


@pytest.mark.parametrize("name", ["worker", "worker_batch", "FINAL", "budget", "query", "WorkerError"])
def test_scaffold_names_come_back_after_a_block(repl: REPL, name: str) -> None:
    before = repl.execute(f"print(repr({name}))").stdout
    repl.execute(f"{name} = 'overwritten'")
    assert repl.execute(f"print(repr({name}))").stdout == before


def test_scaffold_names_come_back_after_deletion_of_everything(repl: REPL) -> None:
    repl.execute("for name in list(globals()): del globals()[name]")
    assert repl.execute("print(worker('x'), __name__)").stdout == "<x> __main__\n"


def test_a_redefined_worker_serves_its_own_block(repl: REPL) -> None:
    result = repl.execute("def worker(prompt): return 'mine'\nprint(worker('x'))")
    assert result.stdout == "mine\n"
    assert repl.execute("print(worker('x'))").stdout == "<x>\n"


def test_primitives_come_back_too() -> None:
    with REPL("", primitives={"double": lambda n: 2 * n}) as repl:
        repl.execute("double = None")
        assert repl.execute("double(21)").stdout == "42\n"


def test_a_rebound_context_persists(repl: REPL) -> None:
    repl.execute("context = context.upper()")
    assert repl.execute("print(context)").stdout == "THE DOCUMENT\n"


def test_a_deleted_context_comes_back_as_it_was_before_the_cell(repl: REPL) -> None:
    repl.execute("context = context.upper()")
    assert repl.execute("del context").status == "ok"
    assert repl.execute("print(context)").stdout == "THE DOCUMENT\n"


@pytest.mark.parametrize(
    "code", ["print = None", "def print(x): pass", "from pprint import pprint as print", "print = 5\n1/0"]
)
def test_a_cell_may_take_the_name_of_print(repl: REPL, code: str) -> None:
    assert repl.execute("kept = 1\n" + code).status in ("ok", "error")
    assert repl.execute("import sys\nsys.stdout.write(str(kept))").stdout.startswith("1")


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("6 * 7", "42\n"),
        ("'text'", "'text'\n"),
        ("None", ""),
        ("6 * 7;", ""),
        ("6 * 7 ;  # quiet", ""),
        ("6 * 7  # a remark; with a semicolon", "42\n"),
        ("'é'; 'ü';", ""),
        ("x = 1; x", "1\n"),
        ("x = 1", ""),
        ("if True:\n    5", ""),
        ("print('a')\n'b'", "a\n'b'\n"),
        ("(1,\n 2)", "(1, 2)\n"),
        ("'''one\ntwo'''", "'one\\ntwo'\n"),
        ("", ""),
        ("# only a remark", ""),
    ],
)
def test_the_last_expression_is_echoed(repl: REPL, code: str, written: str) -> None:
    assert repl.execute(code).stdout == written


def test_echo_can_be_switched_off() -> None:
    with REPL("", echo=False) as repl:
        assert repl.execute("6 * 7").stdout == ""


def test_a_traceback_has_the_lines_of_the_block_and_nothing_else(repl: REPL) -> None:
    trace = repl.execute("def inner(v):\n    return v['missing']\n\ninner({})").traceback
    assert trace is not None
    assert 'File "<cell 1>", line 4, in <module>' in trace
    assert 'File "<cell 1>", line 2, in inner' in trace
    assert "return v['missing']" in trace
    assert trace.endswith("KeyError: 'missing'\n")
    assert trace.count("File ") == 2


def test_a_traceback_through_an_earlier_block_shows_its_source(repl: REPL) -> None:
    repl.execute("def fail():\n    raise LookupError('deep')  # the place")
    trace = repl.execute("\nfail()").traceback or ""
    assert 'File "<cell 1>", line 2, in fail' in trace
    assert "# the place" in trace
    assert 'File "<cell 2>", line 2, in <module>' in trace


def test_frames_of_the_scaffold_are_hidden(repl: REPL) -> None:
    for code in (
        "worker(5)",
        "worker('FAIL')",
        "try:\n    worker('FAIL')\nexcept Exception as e:\n    1 / 0",
    ):
        trace = repl.execute(code).traceback or ""
        assert "distill_core" not in trace
        assert "scaffold" not in trace


def test_a_syntax_error_shows_the_line(repl: REPL) -> None:
    result = repl.execute("x = 1\nif x\n    y = 2")
    assert result.status == "error"
    assert 'File "<cell 1>", line 2' in (result.traceback or "")
    assert "if x\n" in (result.traceback or "")
    assert "child" not in (result.traceback or "")


@pytest.mark.parametrize("code", ["x = '\0'", "(" * 1000, "x = '\ud800'\nprint(x)"])
def test_odd_source_ends_well(repl: REPL, code: str) -> None:
    repl.execute(code)
    assert repl.execute("print('alive')").stdout == "alive\n"


def test_an_exception_that_cannot_be_shown_is_named(repl: REPL) -> None:
    result = repl.execute(
        "class Odd(Exception):\n    def __str__(self): raise ValueError('in str')\nraise Odd"
    )
    assert result.status == "error"
    assert "Odd" in (result.traceback or "")


def test_a_huge_error_message_is_cut(repl: REPL) -> None:
    result = repl.execute("raise KeyError('x' * 3_000_000)")
    assert len(result.traceback or "") < 50_000
    assert "characters left out" in (result.traceback or "")


def test_functions_see_globals_of_later_blocks(repl: REPL) -> None:
    repl.execute("def g(): return LIMIT * 2")
    repl.execute("LIMIT = 21")
    assert repl.execute("print(g())").stdout == "42\n"


def test_the_namespace_is_a_module(repl: REPL) -> None:
    code = (
        "import sys, pickle, typing\nfrom dataclasses import dataclass\nfrom enum import Enum\n"
        "@dataclass\nclass Hit:\n    text: 'str'\n    n: 'int' = 0\n"
        "class Kind(Enum):\n    A = 1\n"
        "print(sys.modules['__main__'].Hit is Hit, pickle.loads(pickle.dumps(Hit('a'))), Kind.A)\n"
        "print(typing.get_type_hints(Hit)['n'], __name__)"
    )
    assert repl.execute(code).stdout == "True Hit(text='a', n=0) Kind.A\n<class 'int'> __main__\n"


@pytest.mark.parametrize(
    ("value", "final"),
    [
        ("'Mira Vale'", Final(value="Mira Vale", text="Mira Vale")),
        ("None", Final(value=None, text="None")),
        ("0", Final(value=0, text="0")),
        ("''", Final(value="", text="")),
        ("False", Final(value=False, text="False")),
        ("2.5", Final(value=2.5, text="2.5")),
        ("float('nan')", Final(value="nan", text="nan")),
        ("10 ** 30", Final(value="1" + "0" * 30, text="1" + "0" * 30)),
        (
            "{'a': [1, None], 'é': 'ü'}",
            Final(value='{"a": [1, null], "é": "ü"}', text='{"a": [1, null], "é": "ü"}'),
        ),
        ("(1, 2)", Final(value="[1, 2]", text="[1, 2]")),
        ("{(1, 2): 3}", Final(value="{(1, 2): 3}", text="{(1, 2): 3}")),
        ("b'x'", Final(value="b'x'", text="b'x'")),
        ("'\\ud800 \\x00'", Final(value="\\ud800 \x00", text="\\ud800 \x00")),
    ],
)
def test_anything_is_an_answer(repl: REPL, value: str, final: Final) -> None:
    result = repl.execute(f"FINAL({value})")
    assert result.status == "final"
    assert result.final == final
    assert result.traceback is None


def test_final_ends_the_block_past_except_exception(repl: REPL) -> None:
    result = repl.execute("try:\n    FINAL('x')\nexcept Exception:\n    print('caught')\nprint('after')")
    assert result.final == Final(value="x", text="x")
    assert result.output == ()


def test_final_is_remembered_where_a_bare_except_swallows_it(repl: REPL) -> None:
    result = repl.execute("try:\n    FINAL(None)\nexcept:\n    pass\nprint('after')")
    assert result.status == "final"
    assert result.final == Final(value=None, text="None")
    assert result.stdout == "after\n"


def test_the_first_final_counts(repl: REPL) -> None:
    result = repl.execute("try:\n    FINAL(1)\nexcept:\n    FINAL(2)")
    assert result.final == Final(value=1, text="1")
    assert repl.execute("FINAL(3)").final == Final(value=3, text="3")


def test_final_from_a_thread_counts_and_is_silent(repl: REPL) -> None:
    result = repl.execute(
        "import threading\nt = threading.Thread(target=FINAL, args=('there',)); t.start(); t.join(); print('after')"
    )
    assert result.final == Final(value="there", text="there")
    assert (result.stdout, result.stderr) == ("after\n", "")


def test_an_answer_that_is_too_long_is_an_error_that_says_so(repl: REPL) -> None:
    result = repl.execute("FINAL('x' * 1_000_001)")
    assert result.status == "error"
    assert "1,000,000" in (result.traceback or "")


def test_final_does_not_count_where_it_is_not_called(repl: REPL) -> None:
    assert repl.execute("if False: FINAL('x')\nprint('FINAL(1)')").final is None


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit(3)", "raise SystemExit", "raise KeyboardInterrupt", "exit()"]
)
def test_leaving_is_an_error_and_not_a_death(repl: REPL, code: str) -> None:
    repl.execute("kept = 1")
    result = repl.execute(code)
    assert result.status == "error"
    assert result.traceback
    assert repl.execute("print(kept)").stdout == "1\n"


def test_await_at_the_top_level(repl: REPL) -> None:
    result = repl.execute(
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\n"
        "print(await asyncio.gather(f(1), f(2)))\nawait f('last')"
    )
    assert result.stdout == "[1, 2]\n'last'\n"
    assert repl.execute("import asyncio\nprint(asyncio.run(f(3)))").stdout == "3\n"


def test_random_and_sets_are_the_same_in_every_repl_of_a_seed() -> None:
    code = "import random\nprint(random.random(), list({'a', 'b', 'c', 'd', 'e'}))"
    outputs = []
    for seed in (7, 7, 8):
        with REPL("", seed=seed) as repl:
            assert repl.seed == seed
            outputs.append(repl.execute(code).stdout)
    assert outputs[0] == outputs[1] != outputs[2]


def test_what_a_block_bends_is_straight_in_the_next(repl: REPL) -> None:
    repl.execute(
        "import sys, json, signal, struct, builtins\nsys.stdout = sys.stderr = None\nsys.setrecursionlimit(50000)\n"
        "json.dumps = struct.pack = None\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "sys.modules['__main__'] = None\nsys.settrace(lambda *a: None)"
    )
    result = repl.execute("import sys\nprint(sys.getrecursionlimit() < 50000, sys.gettrace(), worker('x'))")
    assert result.stdout == "True None <x>\n"


def test_variables_are_listed_without_a_trace(repl: REPL) -> None:
    repl.execute(
        "import json\nhits = [1, 'two', None]\nname = 'x' * 500\ncount = 3\ndef f(): pass\n"
        "class Loud:\n    def __repr__(self): print('seen'); return 'loud'\n    __len__ = __repr__\nloud = Loud()"
    )
    listed = {variable.name: variable for variable in repl.variables()}
    assert set(listed) == {"context", "hits", "name", "count", "f", "Loud", "loud"}
    assert (listed["hits"].type, listed["hits"].size) == ("list", 3)
    assert listed["hits"].preview == "1, 'two', None"
    assert listed["name"].size == 500
    assert len(listed["name"].preview) < 200
    assert (listed["loud"].type, listed["loud"].size, listed["loud"].preview) == ("Loud", None, "")
    assert repl.execute("print(sorted(n for n in globals() if n.startswith('_')))").stdout.count("seen") == 0


def test_very_many_variables_are_capped(repl: REPL) -> None:
    repl.execute("globals().update({f'v{i}': i for i in range(200_000)})")
    assert len(repl.variables()) == 1000


@pytest.mark.parametrize("name", ["worker", "FINAL", "context", "not a name", "class"])
def test_a_primitive_needs_a_free_name(name: str) -> None:
    with pytest.raises(ReplError, match="primitive"):
        REPL("", primitives={name: lambda: None})


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ReplError, match="auto, strong, good, seatbelt, none"):
        REPL("", isolation="steel")
    with pytest.raises(ReplError, match="klingon"):
        REPL("", dialect="klingon")


def test_the_level_of_isolation_is_told() -> None:
    with REPL("", isolation="none") as repl:
        assert repl.isolation == "none"


def test_a_closed_repl_says_so() -> None:
    with REPL("") as repl:
        repl.close()
        repl.close()
        with pytest.raises(ReplError, match="closed"):
            repl.execute("1")


def test_variables_are_listed_whatever_they_are_called(repl: REPL) -> None:
    repl.execute(
        "r = range(10**30)\nendless = range(10**5000)\ns = range(1, 9, 2)\n"
        "globals()['x' * 1_000_000] = globals()['\\ud800'] = 1"
    )
    listed = {variable.name: variable for variable in repl.variables()}
    assert (listed["r"].size, listed["r"].preview) == (None, f"range(0, {10**30})")
    assert listed["endless"].preview == "range(0, <int>)"
    assert (listed["s"].size, listed["s"].preview) == (4, "range(1, 9, 2)")
    assert listed["x" * 200].type == "int"
    assert "\\ud800" in listed


def test_no_code_of_the_variables_runs_when_they_are_listed(repl: REPL) -> None:
    code = """
        import os
        class Told(type):
            @property
            def __name__(self): os._exit(9)
        class Odd(metaclass=Told): pass
        class Text(str):
            def __getitem__(self, key): os._exit(9)
            __eq__ = startswith = __getitem__
            __hash__ = str.__hash__
        one, two = Odd(), [Odd()]
        three = type(Text('Three'), (), {})()
        globals()[Text('four')] = 4
        """
    repl.execute(textwrap.dedent(code))
    listed = {variable.name: (variable.type, variable.preview) for variable in repl.variables()}
    assert listed["one"] == ("Odd", "")
    assert listed["two"] == ("list", "<Odd>")
    assert listed["three"] == ("Three", "")
    assert "four" not in listed
