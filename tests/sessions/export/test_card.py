"""The card of a data set tells what its labels mean, and what is not in it."""

from distill_core.config import load_settings
from distill_core.config.settings import DEFINITIONS, LABELS
from sessions.export import Plan, export, sources
from sessions.export.configured import definitions
from sessions.export.formats import find
from tests.sessions.export.making import annotate, block, make

TOML = """
[annotation]
labels = ["correct", "odd | strange", "plain"]

[annotation.definitions]
correct = "A lawyer would sign it."
"odd | strange" = "It says\\nsomething | unheard of."
"""


def settings(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    return load_settings(path=path, environ={}, folder=tmp_path).settings


def test_definitions_are_configured(tmp_path):
    found = definitions(settings(tmp_path))
    assert found["correct"] == "A lawyer would sign it."
    assert found["wrong"] == DEFINITIONS["wrong"]
    assert set(LABELS) == set(DEFINITIONS)


def test_labels_stand_on_the_card_with_what_they_mean(tmp_path):
    folder = make(tmp_path / "home", "s1", [block("FINAL('seven')")])
    labels = ("correct", "odd | strange", "plain")
    annotate(folder, {"step": 1, "target": {"kind": "step", "id": "1"}, "labels": labels})
    plan = Plan(
        format=find("prompt-completion"),
        sources=tuple(sources([folder])),
        definitions=definitions(settings(tmp_path)),
        examples=3,
    )
    export(plan, str(tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| `correct` | 1 | A lawyer would sign it. |" in card
    assert r"| `odd \| strange` | 1 | It says something \| unheard of. |" in card
    assert "| `plain` | 1 |  |" in card
    assert "- Not among them: 3 sessions of the examples that come with the program." in card


def test_a_loader_does_not_go_on_with_what_it_read_before(tmp_path):
    """`datasets` keeps what it has read of a folder, and knows by the card whether it is the same."""
    from datasets import load_dataset

    def loaded(folders):
        export(Plan(format=find("prompt-completion"), sources=tuple(sources(folders))), str(tmp_path / "out"))
        return load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]

    first = make(tmp_path / "home", "s1", [block("FINAL('seven')")])
    second = make(tmp_path / "home", "s2", [block("FINAL('eight')")])
    assert len(loaded([first])) == 1
    assert len(loaded([first, second])) == 2
    annotate(first, {"step": 1, "target": {"kind": "step", "id": "1"}, "correction": block("FINAL('nine')")})
    assert "nine" in loaded([first, second])[0]["completion"][0]["content"]
