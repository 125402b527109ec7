"""A primitive is added by adding one file."""

from pathlib import Path

import pytest

from distill_core.errors import ConfigError
from distill_core.primitives import load_primitives
from distill_core.runner import arun
from tests.fakes.models import Scripted
from tests.fakes.sinks import Kept

WORDS = '''
import re
from collections import Counter


def frequent(text: str, n: int = 3) -> list[str]:
    """The `n` most frequent words of `text`."""
    return [word for word, _ in Counter(_words(text)).most_common(n)]


def _words(text):
    return re.findall(r"\\w+", text.lower())
'''


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.py"
    path.write_text(WORDS)
    return path


async def test_one_file_is_described_and_called(words):
    kept = Kept()
    result = await arun(
        "Which word is most frequent?",
        "so it goes so",
        Scripted("```repl\nFINAL(frequent(context, n=1)[0])\n```"),
        Scripted(),
        primitives=load_primitives([words]),
        sinks=[kept],
    )
    assert result.answer == "so"
    system = next(e.message["content"] for e in kept.events if type(e).__name__ == "MessageAdded")
    assert (
        "- `frequent(text: str, n: int = 3) -> list[str]`: The `n` most frequent words of `text`." in system
    )


def test_what_a_file_imports_or_hides_is_not_offered(words):
    assert list(load_primitives([words])) == ["frequent"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "offers no primitive"),
        ("1 / 0", r"cannot be loaded: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", r"cannot be loaded: SystemExit: 3"),
        ("def broken(:", r"cannot be loaded: SyntaxError"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, text, said):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_primitives([tmp_path / "bad.py"])


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file of primitives: .*none\.py"):
        load_primitives([tmp_path / "none.py"])


def test_two_of_one_name_are_refused(words, tmp_path):
    (tmp_path / "more.py").write_text("def frequent():\n    pass\n")
    with pytest.raises(ConfigError, match="two files define the primitive frequent"):
        load_primitives([words, tmp_path / "more.py"])
