"""What is said of a cell before it runs."""

import pytest

from distill_core.analysis import analyse


def test_names_imports_and_bindings():
    found = analyse(
        "import re, json as j\nfrom collections import Counter\nx = len(context)\ny = Counter(missing)"
    )
    assert found.imports == ("collections", "json", "re")
    assert found.assigns == ("x", "y")
    assert found.uses == ("context", "missing")
    assert found.harmless


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("print(1)", 0),
        ("a = worker('x')\nb = worker('y')", 2),
        ("worker_batch(['a', 'b', 'c'])", 3),
        ("worker_batch(prompts)", None),
        ("for c in chunks:\n    worker(c)", None),
        ("[worker(c) for c in chunks]", None),
        ("def ask(c):\n    return worker(c)", None),
        ("list(map(worker, chunks))", None),
        ("ask = worker", None),
        ("if x:\n    worker('a')\nelse:\n    worker('b')", 2),
        ("worker(worker('inner'))", 2),
    ],
)
def test_counts_worker_calls_only_where_it_can_know(code, calls):
    assert analyse(code).worker_calls == calls


@pytest.mark.parametrize(
    ("code", "suspect"),
    [
        ("import os", "import os"),
        ("open('x')", "open"),
        ("().__class__.__subclasses__()", "__subclasses__"),
        ("worker = None", "rebinds worker"),
        ("def FINAL(x): pass", "rebinds FINAL"),
        ("import importlib as worker_batch", "rebinds worker_batch"),
        ("__import__('os')", "__import__"),
        ("getattr(x, 'y')", "getattr"),
        ("re.sys.modules['os']", "sys"),
        ("import random as r\nr._os.system('x')", "_os"),
        ("from random import _os", "_os"),
        ("from io import open as read", "open"),
        ("io.open('x')", "open"),
        ("operator.attrgetter('a.b')(x)", "attrgetter"),
        ("self = random\nself._os", "rebinds self"),
    ],
)
def test_names_what_keeps_code_from_being_harmless(code, suspect):
    found = analyse(code)
    assert suspect in found.suspects
    assert not found.harmless


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def f(self):\n        self._x = 1\n        return self._x",
        "row._replace(a=1)._asdict()",
        "isinstance(x, collections.abc.Mapping)",
        "re.compile('x').match(y)",
        "sorted(x, key=operator.itemgetter(1))",
    ],
)
def test_ordinary_code_stays_harmless(code):
    assert analyse(code).harmless


@pytest.mark.parametrize(
    "code", ["def (", "x = '\x00'", "(" * 5000, "-" * 100_000 + "1", "a" + ".b" * 50_000]
)
def test_code_that_does_not_parse_says_so(code):
    found = analyse(code)
    assert found.error
    assert not found.harmless
