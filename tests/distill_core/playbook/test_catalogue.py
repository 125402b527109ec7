"""A strategy is added by adding one file."""

import sys

import pytest

from distill_core.errors import ConfigError
from distill_core.playbook import PlaybookSupervisor, program, strategies
from distill_core.playbook import strategies as listing
from distill_core.playbook.catalogue import folder
from distill_core.runner import arun
from tests.distill_core.playbook.test_supervisor import Reader

LAST_WORD = '''
"""The last word of the document, for questions that ask for it."""

from distill_core.playbook.brief import Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.writing import compose

STRATEGY = Strategy(
    name="last_word",
    description="give the document's last word",
    fits=lambda brief: Fit(1.0, "the last word is asked for") if "last word" in brief.question else None,
    write=lambda brief: compose(
        "last_word", "The last word.", settings=[], parts=[], steps="FINAL(context.split()[-1])"
    ),
)
'''


@pytest.fixture
def drawer(tmp_path, monkeypatch):
    """A folder that the package looks into beside its own."""
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(folder.__name__):
            del sys.modules[name]
            delattr(folder, name.rpartition(".")[2])


async def test_one_file_is_listed_written_and_chosen(drawer):
    assert "last_word" not in strategies()
    (drawer / "last_word.py").write_text(LAST_WORD)
    assert strategies()["last_word"] == "give the document's last word"
    assert "FINAL(context.split()[-1])" in program("last_word")
    result = await arun("What is the last word?", "so it goes", PlaybookSupervisor(), Reader())
    assert result.answer == "goes"


def test_a_file_without_a_strategy_is_an_error_that_names_it(drawer):
    (drawer / "empty_one.py").write_text("")
    with pytest.raises(ConfigError, match=r"empty_one\.py has no STRATEGY"):
        listing()


def test_two_strategies_of_one_name_are_an_error(drawer):
    (drawer / "twin.py").write_text(LAST_WORD.replace('"last_word"', '"search"'))
    with pytest.raises(ConfigError, match="search"):
        listing()
