"""Which counts a question asks for, in the many ways there are to ask."""

import pytest

from distill_core.playbook.counting import wanted


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("How many times is Moses mentioned?", "Moses"),
        ('What is the number of occurrences of "selah"?', "selah"),
        ("How many occurrences of the word leviathan are there?", "leviathan"),
        ("How frequently is the term “grace” used?", "grace"),
        ("What's the count of the string `foo` in the text?", "foo"),
        ("In how many lines does 'unicorn' appear?", "unicorn"),
        ('How many times do the words "verily, verily" occur?', "verily, verily"),
        ("How many times does the word 'don't' occur?", "don't"),
        ('How often does "a  b" appear in this text?', "a b"),
        ("How many times does the name Nebuchadnezzar occur in the provided text?", "Nebuchadnezzar"),
        ('Count how many times the word "sea" is used in the whole book.', "sea"),
        ("「漢字」は何回出てきますか?", "漢字"),
        ("文中『漢 字』出现了多少次?", "漢 字"),
        ("“汉字”一共出现了几次?", "汉字"),
        ("“한국”은 몇 번 나오나요?", "한국"),
        ("How many rows have the name n3?", "n3"),
        ("How many records contain the word Paris?", "Paris"),
        ('How many entries include "New York"?', "New York"),
        ("How many rows have the city Paris?", "Paris"),
    ],
)
def test_the_term_is_read(question, term):
    assert wanted(question).term == term


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Which clause caps liability?",
        "How many people died?",
        "How many times did the earthquake strike?",
        "How often does he visit the doctor?",
        "How many chapters are there?",
        'How often does the word "God" appear in Genesis 1?',
        'How many times is "sea" used in the first chapter?',
        "How often do 'king' and 'queen' appear?",
        "「田中」は何回優勝しましたか?",
        "第二章に「漢字」は何回出てきますか?",
        "How many rows have an amount greater than 5?",
        'How many rows have "amount" above 5?',
        "How many rows have a missing name?",
        "How many rows have the amount 12?",
        "How many records have errors in them?",
        "How many entries have the highest price?",
        'How many rows have the status "open" and the name n3?',
    ],
)
def test_what_code_cannot_count_is_left_alone(question):
    assert wanted(question) is None


def test_the_unit_is_read():
    assert wanted("In how many lines does 'unicorn' appear?").unit == "lines"
    assert wanted("How many lines mention Jonah?").unit == "lines"
    assert wanted("How many words are there?").unit == "words in all"
    assert wanted("How many rows are in this file?").unit == "items in all"
    assert wanted('How many rows contain "x"?').unit == "rows"
    assert wanted("How often is 'line' used?").unit == "occurrences"


def test_case_and_word_boundaries_are_honoured():
    assert wanted('Count "x", case-sensitive.').any_case is False
    assert wanted('Count "x" (not case-sensitive).').any_case is True
    assert wanted('Count "x", case-insensitive, whole word.').whole is True
    assert wanted('Count the string "x".').whole is False
    assert wanted('Count the string "x", whole word.').whole is True
    assert wanted("「漢字」は何回出てきますか?").whole is False
    assert wanted('Count the word "x", inside longer words too.').whole is False


def test_alternatives_count_together():
    assert (
        wanted("How many times does the text mention 'king' or 'queen'?").pattern
        == r"(?<!\w)(?:king|queen)(?!\w)"
    )


def test_a_pattern_is_taken_as_it_is():
    assert wanted(r"Count the matches of the regex `\d{4}-\d\d`.").pattern == r"\d{4}-\d\d"
