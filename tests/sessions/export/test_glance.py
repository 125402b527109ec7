"""The quick look before redaction rules nothing out that a closer one would find."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessions.export.redact import KINDS, Finders, Redactor, cut_off, make_finders, personal, secrets
from sessions.export.redact.glance import LONG, SHORT, Glance, glance, what_is_left
from tests.sessions.export.test_redact import HOME, KEY, SECRETS

HEX = "0123456789abcdef" * 8
CUT = "\n[... 3,200 of 5,200 characters not shown ...]\n"
KNOWN = [
    *SECRETS.values(),
    "AKC" + "a1B2c3D4e5",
    " AP5" + "a1B2c3D4e5 ",
    "aws_secret_key = '" + "aB3/" * 10 + "'",
    "AccountKey=" + "aB3+" * 22,
    "postgres://bob:hunter2@db",
    "cloudant_apikey = " + HEX[:64],
    "cl_key: " + "abcdefgh" * 3,
    "https://user:" + HEX[:64] + "@some.cloudant.com",
    "M" + "aB3_" * 6 + "." + "a_b-c9" + "." + "xYz" * 9,
    "glpat-" + "a_B-9" * 4,
    "GR1348941" + "a_B-9" * 4,
    "ibm_cloud_iam_key : " + "aB3_" * 11,
    "cos_hmac_secret_access_key=" + HEX[:48],
    "eyJh.b",
    HEX[:32] + "-us12",
    "//registry.npmjs.org/:_authToken= npm_x y",
    "pypi-" + "AgEIcHlwaS5vcmc" + "aB3-" * 18,
    "XOXB-1-a",
    "XOXb-1-a",
    "xoxB-1-a",
    "https://hooks.slack.com/services/T1/B2/x3",
    "HTTPS://hooks.slack.com/SERVICES/t1/b2/x3",
    "softlayer_api_key = " + HEX[:64],
    "sq0csp-" + "aB3" * 15,
    "12345678:" + "aB3_x" * 7,
    "AC" + "a1" * 16,
    "SK" + "a1" * 16,
    "-----BEGIN PRIVATE " + "KEY-----\nx\n-----END PRIVATE " + "KEY-----",
    "hf_" + "a" * 30,
    "AIza" + "aB3_-" * 7,
    "gsk_" + "aB3d" * 13,
    "xai-" + "aB3d" * 20,
    "nvapi-" + "aB3_-" * 12,
    "r8_" + "a" * 37,
    "pplx-" + "aB3d" * 12,
    "csk-" + "ab3d" * 12,
    "github_pat_" + "aB3d" * 5 + "aB_" + "aB3d" * 14 + "aB3",
    "ghp_" + "aB3d" * 5 + CUT,
    "hf_" + "a" * 17 + CUT,
]
PIECES = [
    *KNOWN,
    *(
        "ada@b.org",
        "ada%40b.org",
        "a@b@c.org",
        "@",
        "%",
        "+44 20 7946 0958",
        "(555) 123-4567",
        "4111 1111 1111 1111",
        "5500000000000004",
        "müller@bücher.de",
        "ада@пример.рф",
        "联系ada@b.org谢谢",
        "ada@xn--bcher-kva.xn--p1ai",
        "+44\u00a020\u00a07946\u00a00958",
        "+44\u202f20\u202f7946\u202f0958",
        "555\u2011123\u20114567",
        "5500\u20070000\u20070000\u20070004",
    ),
    *("/home/grace/x", r"C:\Users\grace", r"C:\Users\Grace Hopper\x", f"{HOME}/y", KEY),
    *(KEY[:15], KEY[-9:], KEY[:15] + CUT, CUT + KEY[-9:], CUT, "\n--- 7 characters not shown ---\n"),
    *(
        "the fee ",
        "twelve months",
        " ",
        "\n",
        "é",
        "٣٤",
        '"',
        "'",
        "=",
        "a" * 19,
        "Notice",
        "7.2",
        "2024-11-21",
        "https://",
    ),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map("".join)


@settings(deadline=None)
@given(texts)
def test_secrets_are_those_that_are_found_slowly(text):
    assert list(secrets.find(text)) == list(secrets.find_slowly(text))


@pytest.mark.parametrize("secret", KNOWN)
def test_each_form_of_a_secret_is_found_alone_and_in_a_text(secret):
    if secret != KEY:
        for text in (secret, f"word {secret}\nword", f"é{secret}"):
            found = list(secrets.find_slowly(text))
            assert list(secrets.find(text)) == found
        assert list(secrets.find(f"word {secret} word"))


@settings(deadline=None)
@given(texts)
def test_what_points_to_persons_is_what_is_found_slowly(text):
    assert list(personal.phones(text)) == list(personal._phones(text))
    assert list(personal.cards(text)) == list(personal._cards(text))
    homes = [(m.start(), m.end()) for m in re.finditer(re.escape(HOME) + r"(?![\w-])", text)]
    usual = [
        (m.start(), m.end())
        for m in personal._HOME.finditer(text)
        if re.split(r"[/\\]", m[0])[-1] not in personal._PUBLIC
    ]
    assert [(f.start, f.end) for f in personal.of_homes([HOME])(text)] == homes + usual


@settings(deadline=None)
@given(texts)
def test_addresses_that_are_jumped_to_are_those_that_are_tried_everywhere(text):
    found = [match.span() for match in personal._AT.finditer(text)]
    assert found == list(personal._at(text)) or "%" in text
    assert personal.holds_address(text) or not found


ASCII = "._%+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NEAR = [
    "a",
    "b.",
    "@",
    "@x.org",
    "%40y.com",
    "\\",
    "\\n",
    "\\u00e9",
    "\\x41",
    "n",
    "u00e9",
    "._",
    "+",
    "%",
    " ",
    "é",
    "日",
]
near = st.lists(st.sampled_from([*NEAR, "a" * 70, "c@d.com", "\n"]), max_size=14).map("".join)


def of_an_address(letter):
    return letter in ASCII or re.match(f"[{personal._ALPHABETS}]", letter)


def letter_by_letter(text):
    for match in personal._AT.finditer(text):
        start = match.start()
        while start > max(0, match.start() - 64) and of_an_address(text[start - 1]):
            start -= 1
        if escape := re.match(r"\\(?:[nrtbfv0]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})", text[max(0, start - 1) :]):
            start += escape.end() - 1
        while start < match.start() and text[start] in "._%+-":
            start += 1
        if start < match.start():
            yield start, match.end()


@settings(deadline=None)
@given(texts | near)
def test_addresses_begin_where_letters_cannot_be_of_one(text):
    assert [(one.start, one.end) for one in personal.emails(text)] == list(letter_by_letter(text))


@settings(deadline=None)
@given(texts)
def test_configured_keys_are_all_found(text):
    found = {(f.start, f.end) for f in secrets.of_keys([KEY, "another-key-of-mine"])(text)}
    whole = {(m.start(), m.end()) for m in re.finditer(re.escape(KEY), text)}
    cut = set(cut_off.pieces(text, [KEY]))
    assert found == whole | cut
    for start, end in cut - whole:
        piece = text[start:end]
        assert KEY.startswith(piece) or KEY.endswith(piece)


def asked_all(text):
    """A redactor that asks every finder of every text."""
    finders = make_finders(KINDS, keys=[KEY], homes=[HOME])
    return Redactor([lambda text, find=find: find(text) for find in finders]).aligned(text)[0]


@settings(deadline=None)
@given(texts)
def test_no_text_is_passed_over_in_which_something_is_found(text):
    assert Redactor(make_finders(KINDS, keys=[KEY], homes=[HOME])).text(text) == asked_all(text)


@settings(deadline=None)
@given(st.lists(texts | st.text(max_size=9), max_size=6))
def test_what_is_known_of_short_texts_from_other_sessions_hides_nothing(told):
    finders = make_finders(KINDS, keys=[KEY], homes=[HOME])
    known = Finders(finders)
    for text in told:
        one = Redactor(known)
        assert one.name(text) == Redactor(finders).name(text)
        assert one.text(text) == asked_all(text)
        assert Redactor(known).text(text) == asked_all(text)


def test_few_short_texts_are_known_from_other_sessions():
    finders = Finders(make_finders(KINDS))
    for number in range(1000):
        Redactor(finders).text(f"field {number}")
        Redactor(finders).text(f"a rather long text about {number}")
    assert len(finders.harmless) == 200
    assert max(map(len, finders.harmless)) < 24


@pytest.mark.parametrize("piece", PIECES)
def test_no_piece_is_passed_over(piece):
    for text in (piece, f"ask {piece} about it"):
        assert Redactor(make_finders(KINDS, keys=[KEY], homes=[HOME])).text(text) == asked_all(text)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
@example("", "\ud800", "")
def test_what_is_left_of_a_word_stands_in_what_is_left_of_its_text(before, word, after):
    assert what_is_left(word) in what_is_left(before + word + after)


@pytest.mark.parametrize(
    ("length", "run"), [(0, 0), (SHORT - 1, 0), (SHORT, SHORT), (LONG - 1, SHORT), (LONG, LONG)]
)
def test_a_run_of_what_keys_are_made_of_is_seen(length, run):
    assert Glance(f"é some words; {'aB3/' * length}"[: 14 + length] + " and more.").run() == run


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 (2) 34-5.6 78", True),
        ("of 12345 and 678", False),
        ("12345678", True),
        ("1234é5678", False),
        ("", False),
    ],
)
def test_a_run_of_what_numbers_are_made_of_is_seen(text, number):
    assert Glance(text).number() == number


def test_the_last_look_is_kept_and_no_other():
    one, other = "one text", "other text"
    assert glance(one) is glance(one)
    assert glance(other).text is other
    assert glance(one).text is one
