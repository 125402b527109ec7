"""Reports: all of a session to read, and nothing of it acts."""

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.export.readable import visible
from sessions.home import Home
from tests.sessions.export.making import annotate, block, make

EVIL = "<script>alert(1)</script><img src=x onerror=y>](javascript:1) \x1b[31m \u202e | `` ``` </pre>"


@pytest.fixture(scope="module")
def reports(home, tmp_path_factory):
    """The text of reports, by format and session."""
    made = {}
    for name in ("markdown", "html"):
        out = tmp_path_factory.mktemp(name) / "out"
        export(Plan(format=find(name), sources=tuple(sources(Home(home).folders()))), str(out))
        made |= {(name, path.stem): path.read_text() for path in (out / "reports").iterdir()}
    return made


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_report_tells_question_answer_steps_and_judgements(reports, name):
    text = reports[name, "s2-decided"]
    for words in (
        "Which clause caps liability?",
        "clause 7",
        "edited by ada",
        "rejected by ada",
        "No imports",
        "rating 4",
    ):
        assert words in text
    assert "ZeroDivisionError" in text
    assert "One is right" in text


class Tags(HTMLParser):
    """Collects tags and attributes, and text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Reports of a session in which every text is an attack."""
    home = tmp_path_factory.mktemp("hostile")
    folder = make(
        home,
        "s-evil",
        [block(f"print(worker({EVIL!r}))\n{'print(' + repr(EVIL) + ')'}", EVIL), block(f"FINAL({EVIL!r})")],
        question=EVIL,
        document_name=EVIL,
        answer=lambda prompt: EVIL,
    )
    annotate(folder, {"step": 1, "target": {"kind": "step", "id": "1"}, "comment": EVIL, "labels": (EVIL,)})
    made = {}
    for name in ("markdown", "html"):
        export(Plan(format=find(name), sources=tuple(sources(Home(home).folders()))), str(home / name))
        (path,) = (home / name / "reports").iterdir()
        made[name] = path.read_text()
    return made


def test_a_page_needs_nothing_and_runs_nothing(hostile, reports):
    for text in (hostile["html"], reports["html", "s2-decided"]):
        tags = Tags()
        tags.feed(text)
        assert not {"script", "img", "link", "iframe", "object", "form", "a", "base"} & set(tags.tags)
        assert not [
            name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href", "style")
        ]
        assert "default-src 'none'" in text
    tags = Tags()
    tags.feed(hostile["html"])
    assert "<script>alert(1)</script>" in "".join(tags.text)


def test_markdown_of_a_hostile_session_holds_no_html_and_no_link(hostile):
    tokens = MarkdownIt("commonmark").parse(hostile["markdown"])
    kinds = {t.type for t in tokens} | {c.type for t in tokens for c in t.children or ()}
    assert not {"html_block", "html_inline", "link_open", "image"} & kinds
    fences = [t.content for t in tokens if t.type == "fence"]
    assert any("<script>" in content for content in fences)


def test_nothing_invisible_is_left(hostile):
    for text in hostile.values():
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert "\\u{1b}" in text.replace("\\\\u\\{1b\\}", "\\u{1b}")


def test_what_is_visible_stays_as_it_is():
    text = "Ünïcode 漢字 👩‍👩‍👧\n\ttabs"
    assert visible(text) == text
    assert visible("a\x00b\u2028c\ud800") == "a\\u{0}b\\u{2028}c\\u{d800}"
    assert visible("a\U000e0141\ufe03\u034f") == "a\\u{e0141}\\u{fe03}\\u{34f}", (
        "words hidden behind a letter"
    )
