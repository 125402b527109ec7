"""What must not leave does not, in any format; placeholders are consistent, and spans move along."""

import base64
import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.prompts.context import describe_context
from distill_core.prompts.observations import CellReport, observation
from sessions.export import Plan, export, rehearse, sources
from sessions.export.formats import all_formats, find
from sessions.export.redact import KINDS, Found, Redactor, make_finders
from sessions.export.redact.personal import luhn
from sessions.export.redact.presidio import best_model, finder
from sessions.export.redacting import redacted
from sessions.export.trace import Plain, Trace
from sessions.home import Home
from tests.sessions.export.making import annotate, block, make, traced
from tests.sessions.export.tokens import options_for

KEY = "my-own-endpoint-key-9000"
HOME = "/srv/people/ada"


def redactor(*kinds):
    return Redactor(make_finders(kinds or KINDS, keys=[KEY], homes=[HOME]))


SECRETS = {
    "aws": "AKIA" + "Q3EGRIDSPPLNSAZX",
    "github": "ghp_" + "a1B2" * 9,
    "slack": "xoxb-" + "1234567890-" + "abcdefabcdef",
    "openai": "sk-" + "proj-" + "Ab3" * 16,
    "anthropic": "sk-" + "ant-" + "api03-" + "Zx9" * 16,
    "hub": "hf_" + "aBcDeFgHiJ" * 4,
    "stripe": "sk_" + "live_" + "0123456789abcdefABCDEF12",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "dBjftJeZ4CVPmB92K27u",
    "sendgrid": "SG." + "a" * 22 + "." + "b" * 43,
    "configured": KEY,
}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_found_by_their_form(name):
    secret = SECRETS[name]
    for text in (f"key = {secret}\n", f"{secret}", f'{{"token": "{secret}"}}', f"a\nb {secret} c\nd"):
        told = redactor().text(text)
        assert secret not in told
        assert re.search(r"<(SECRET|KEY)_1>", told)


@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\\\n", "\\u00a0", "\\x0a"])
@pytest.mark.parametrize(
    "thing", [*SECRETS.values(), "ada@x.org", "+44 20 7946 0958", "(555) 123-4567", "5500000000000004"]
)
def test_an_escape_is_no_part_of_what_stands_behind_it(thing, escape):
    told = redactor().text(f'print("it is:{escape}{thing}")')
    assert re.fullmatch(rf'print\("it is:{re.escape(escape)}<\w+_1>"\)', told)


@given(st.text(), st.sampled_from([*SECRETS.values(), "ada@x.org", "+44 20 7946 0958", "/home/grace/x"]))
def test_json_stays_json(before, thing):
    told = redactor().text(json.dumps({"text": f"{before}\n{thing}\n{before}", "to": thing}))
    assert thing not in told
    assert set(json.loads(told)) == {"text", "to"}


def test_an_address_in_an_url_is_one():
    assert redactor().text("https://x.io/?to=ada%40mail.example.org&x=1") == "https://x.io/?to=<EMAIL_1>&x=1"


@pytest.mark.parametrize("key", ["my own/endpoint+key-9000", 'quoted"and\\slashed', "0123456789abcdef"])
@pytest.mark.parametrize("user", ["", "u", "us", "ada:"])
def test_a_configured_key_is_found_as_others_write_it(key, user):
    r = Redactor(make_finders(["keys"], keys=[key]))
    raw = f"{user}{key}:x".encode()
    for written in (
        json.dumps(f"{user}{key}"),
        f"?key={quote(key)}&a=b",
        f"?key={quote(key, safe='')}&a=b",
        "Basic " + base64.b64encode(raw).decode(),
        "Basic " + base64.urlsafe_b64encode(raw).decode(),
    ):
        told = r.text(written)
        assert re.search(r"<KEY_\d>", told)
        # What is left beside the placeholder are a few letters of what stands around it.
        assert len(re.sub(r"<KEY_\d>", "", told)) <= len(written) - len(key)


def cut_between(text, limit):
    return observation([CellReport(status="ok", output=text)], limit)


@pytest.mark.parametrize("told", range(2, len(KEY)))
def test_what_a_cut_left_of_a_configured_key_goes_from_eight_letters_on(told):
    before = cut_between("." * (60 - told) + KEY + "." * 200, 120)
    after = cut_between("." * 200 + KEY + "." * (60 - told), 120)
    for text, piece in ((before, KEY[:told]), (after, KEY[-told:])):
        assert piece in text
        assert KEY not in text
        assert (piece not in redactor().text(text)) == (told >= 8)
    assert len(redactor().text(before)) == len(before) - (told - len("<KEY_1>") if told >= 8 else 0)


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY[:20]}\n[… 1,200 characters left out …]\n{KEY[-9:]}",
        f"x{KEY[:9]}\n[… 7 characters of output dropped: a cell keeps 1,000]\n",
        describe_context("." * 590 + KEY + "." * 2000 + KEY + "." * 280).text,
        describe_context(["." * 110 + KEY]).text,
        describe_context([{"'": "'" + "." * 109 + KEY}]).text,
        describe_context({"." * 50 + KEY: 1}).text,
    ],
)
def test_a_key_is_found_at_every_cut_of_this_program(text):
    told = redactor().text(text)
    assert re.search("<KEY_1>", told)
    assert KEY[:8] not in told
    assert KEY[-8:] not in told


def test_a_piece_of_a_key_elsewhere_is_a_word():
    for text in (f"{KEY[:12]} is a name\n[... 1 of 2 characters not shown ...]\nand {KEY[-9:]}", KEY[:-1]):
        assert redactor().text(text) == text


@pytest.mark.parametrize("name", ["github", "hub"])
def test_a_secret_of_known_length_goes_where_it_was_cut(name):
    secret = SECRETS[name]
    for told in (20, 28, len(secret) - 1):
        text = cut_between("." * (59 - told) + " " + secret + "." * 200, 120)
        assert secret[:told] in text
        assert secret[:told] not in redactor().text(text)


def test_of_a_name_only_an_address_a_home_or_a_key_goes():
    r = redactor()
    assert r.name("meta-llama/Llama-4-8B") == "meta-llama/Llama-4-8B"
    assert r.name("/home/grace/models/x.gguf") == "<HOME_1>/models/x.gguf"
    assert r.name("ada@b.org") == "<EMAIL_1>" == r.text("ada@b.org")
    assert r.name("5500000000000004") == "5500000000000004"


def test_a_private_key_goes_whole():
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA " + "PRIVATE KEY-----"
    assert redactor().text(f"before\n{key}\nafter") == "before\n<PRIVATE_KEY_1>\nafter"
    assert redactor().text(key[:40] + "\nMIIEow, and it was cut off") == "<PRIVATE_KEY_1>"


def test_of_an_address_with_a_password_the_password_goes():
    told = redactor("secrets").text("postgres://bob:hunter2secret@db.internal/x")
    assert told == "postgres://bob:<SECRET_1>@db.internal/x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("write to ada.l+x@mail.example.org, please", "write to <EMAIL_1>, please"),
        ("<bob@x.io>", "<<EMAIL_1>>"),
        ("call +44 20 7946 0958 now", "call <PHONE_1> now"),
        ("call (555) 123-4567.", "call <PHONE_1>."),
        ("555-123-4567", "<PHONE_1>"),
        ("paid with 4111 1111 1111 1111.", "paid with <CARD_1>."),
        ("5500000000000004", "<CARD_1>"),
        ("/home/grace/notes.txt", "<HOME_1>/notes.txt"),
        (r"C:\Users\grace\x", r"<HOME_1>\x"),
        (r"C:\\\\Users\\\\grace\\\\x", r"<HOME_1>\\\\x"),
        (f"{HOME}/data and {HOME}", "<HOME_1>/data and <HOME_1>"),
        (r"C:\Users\John Doe\x", r"<HOME_1>\x"),
        (r"C:\\Users\\john van der doe\\x", r"<HOME_1>\\x"),
        (r'cd "C:\Users\John Doe" now', 'cd "<HOME_1>" now'),
        (r"{\"at\": \"C:\\Users\\John Doe\"}", r"{\"at\": \"<HOME_1>\"}"),
        (r"C:\Users\ada is where C:\x lies", r"<HOME_1> is where C:\x lies"),
        (r"'C:\\Users\\ada is gone\n'", r"'<HOME_1> is gone\n'"),
        (r'"C:\Users\ada is gone"', '"<HOME_1> is gone"'),
        ("an müller@bücher.de, bitte", "an <EMAIL_1>, bitte"),
        ("mu\u0308ller@bu\u0308cher.de", "<EMAIL_1>"),
        ("к ада@почта.рф.", "к <EMAIL_1>."),
        ("请联系ada@b.org谢谢", "请联系<EMAIL_1>谢谢"),
        ("ada@xn--bcher-kva.xn--p1ai", "<EMAIL_1>"),
        ("call +44\u00a020\u202f7946\u00a00958 now", "call <PHONE_1> now"),
        ("555\u2011123\u20114567", "<PHONE_1>"),
        ("(555)\u00a0123\u00a04567", "<PHONE_1>"),
        ("4111\u202f1111\u202f1111\u202f1111", "<CARD_1>"),
    ],
)
def test_what_points_to_a_person_is_found(text, told):
    assert redactor().text(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # the check digit is wrong
        "1234567890123456",
        "the year 2023-2024, 1,234,567.89 and 3.14159265358979",
        "2026-11-21 08:45:05.123456",
        "version 1.22.333-4444",
        "import @dataclass, a @ b, x@y",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "/home/user/x and /homeward",
        "chr1:123456789-123456999",
        "print(worker_batch([f'piece {i}' for i in range(20)]))",
        "sk-learn and task-based",
        "xai-is-a-very-long-name-of-a-page-about-it-all-and-more",
        "AIza, gsk_ and github_pat_ are how keys begin",
        "020 7946 0958, as it is written at home",
        "1\u00a0234\u00a0567\u00a0890",
        r"C:\Users\Public\x and C:\Users\All Users\x",
        "@größe and ада@",
    ],
)
def test_what_points_to_nobody_stays(text):
    assert redactor().text(text) == text


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18))
def test_exactly_one_check_digit_is_right(digits):
    assert sum(luhn([*digits, check]) for check in range(10)) == 1


def test_equal_things_have_equal_placeholders_and_others_have_others():
    r = redactor()
    assert r.text("a@b.org c@d.org a@b.org") == "<EMAIL_1> <EMAIL_2> <EMAIL_1>"
    assert r.text("again c@d.org") == "again <EMAIL_2>"
    assert r.counts["email"] == 4


@given(
    st.lists(st.sampled_from(["word ", "a@b.org ", "+44 20 7946 0958 ", "é ", "\n"]), max_size=12), st.data()
)
def test_spans_stay_aligned(parts, data):
    text = "".join(parts)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    told, alignment = redactor().aligned(text)
    place = alignment.span(start, end)
    untouched = redactor().text(text[start:end]) == text[start:end] and text[start:end] in told
    if place is None:
        assert start == end
    elif untouched and "@" not in text and "+" not in text:
        assert told[place[0] : place[1]] == text[start:end]
    else:
        assert 0 <= place[0] < place[1] <= len(told)


def test_a_span_over_a_redacted_thing_covers_its_placeholder():
    text = "ask ada@b.org today"
    told, alignment = redactor().aligned(text)
    assert told == "ask <EMAIL_1> today"
    for start, end in ((4, 13), (6, 8), (4, 5)):
        place = alignment.span(start, end)
        assert told[place[0] : place[1]] == "<EMAIL_1>"
    place = alignment.span(0, 19)
    assert told[place[0] : place[1]] == told
    place = alignment.span(14, 19)
    assert told[place[0] : place[1]] == "today"


PLANTED = "ada.lovelace@mail.example.org"


def strings(value):
    """Every string in a value, with the way to it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """A session with something to hide in every text of it."""
    from distill_core.approval import Decision

    home = tmp_path_factory.mktemp("leaky")
    folder = make(
        home,
        "s-leaky",
        [
            block(f"print('{PLANTED}', worker('ask {PLANTED}'))", f"I write to {PLANTED}."),
            block(f"raise ValueError('{PLANTED}')", f"Again {PLANTED}."),
            block(f"FINAL('{PLANTED}')", f"So {PLANTED}."),
            block(f"FINAL('{PLANTED}!')", f"So {PLANTED}!"),
        ],
        Decision(action="edit", by="ada", codes=(f"print('{PLANTED}', worker('ask {PLANTED}'), 2)",)),
        Decision(action="approve", by=PLANTED, reason=PLANTED),
        Decision(action="approve", by="ada"),
        Decision(action="send_back", by="ada", guidance=f"Not {PLANTED}."),
        answer=lambda prompt: f"{prompt} says {PLANTED}",
        question=f"Who is {PLANTED}?",
        document=f"{PLANTED} wrote it.",
        document_name=f"{PLANTED} letters.txt",
    )
    annotate(
        folder,
        {
            "step": 1,
            "target": {"kind": "step", "id": "1"},
            "mark": 1,
            "comment": PLANTED,
            "labels": (PLANTED,),
        },
        {
            "step": 1,
            "target": {"kind": "step", "id": "1", "field": "reply", "start": 11, "end": 40},
            "mark": -1,
            "by": PLANTED,
        },
        {"target": {"kind": "worker_call", "id": "w1"}, "correction": f"No, {PLANTED}.", "reason": PLANTED},
        {"target": {"kind": "session"}, "rating": 5, "comment": PLANTED, "by": PLANTED},
        {"target": {"kind": "answer"}, "correction": f"{PLANTED}?"},
    )
    return home


IDS = frozenset(
    (
        *("session_id", "family", "call_id", "cell_id", "calls", "batch_id", "retry_of", "replaced_by"),
        *("annotation_id", "proposal_id", "chosen", "id", "other", "sha256"),
    )
)
"""Fields that hold what the program itself names things by."""
AS_TOLD = ("WorkerCallStarted", "WorkerCallReturned", "TokenLogprob")
"""What a plain call holds beside its words."""


WITHOUT_WORDS = {int: 1, float: 1.0, bool: True, datetime: ev.EPOCH, type(None): None}


def filled(kind, field="", names=None):
    """A value of a type with an address in every str of it; `names` are told of which fields."""
    names = set() if names is None else names
    parts = [one for one in get_args(kind) if one is not type(None)]
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        # Rather words than a number, and rather what is made of several than words.
        return filled(max(parts, key=lambda one: (isinstance(one, type), one is str)), field, names)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        types = get_type_hints(kind)
        return kind(
            **{one: filled(types[one], f"{kind.__name__}.{one}", names) for one in kind.__struct_fields__}
        )
    if kind in (str, Any):
        names.add(field)
        return PLANTED
    if get_origin(kind) is Literal:
        return parts[0]
    if get_origin(kind) is dict:
        return {filled(parts[0], field, names): filled(parts[1], field, names)}
    if get_origin(kind) in (tuple, list):
        return get_origin(kind)(filled(one, field, names) for one in parts if one is not ...)
    return WITHOUT_WORDS[kind]


def left_in(value, field=""):
    """The fields of structs in which an address stands."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from left_in(getattr(value, name), f"{type(value).__name__}.{name}")
    elif isinstance(value, dict):
        for one in value.items():
            yield from left_in(one, field)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from left_in(one, field)
    elif isinstance(value, str) and PLANTED in value:
        yield field


def test_no_field_of_a_trace_is_forgotten():
    names = set()
    whole = filled(Trace, names=names)
    assert {"Mark.by", "Turn.reply", "Call.purpose", "Rival.by", "Annotated.scores"} <= names
    assert set(left_in(whole)) == names
    left = set(left_in(redacted(whole, redactor())))
    assert {one for one in left if IDS.union(AS_TOLD).isdisjoint(one.split("."))} == set()


def test_of_a_plain_call_no_word_that_leaves_is_forgotten():
    # It holds its two events as they were told. Of them only ids, numbers, the model's name and parameters leave; with
    # a word among the parameters it is no plain call.
    whole = msgspec.structs.replace(filled(Trace), plainly=(filled(Plain),))
    (told,) = redacted(whole, redactor()).plainly
    assert (told.prompt, told.response, told.returned.model) == ("<EMAIL_1>",) * 3


def test_nothing_of_a_trace_is_forgotten(leaky):
    trace = traced(leaky / "sessions" / "s-leaky")
    before = [text for text in strings(msgspec.to_builtins(trace)) if PLANTED in text]
    assert len(before) > 30
    told = list(strings(msgspec.to_builtins(redacted(trace, redactor()))))
    assert not [text for text in told if PLANTED in text]


@pytest.mark.parametrize("name", [format.name for format in all_formats()])
def test_nothing_leaves_in_any_format(leaky, tmp_path, name):
    options = {"keep": frozenset({"unfinished", "error", "rejected", "sent_back"})}
    plan = Plan(format=find(name), sources=tuple(sources(Home(leaky).folders())), options=options_for(name))
    plan = msgspec.structs.replace(plan, options=msgspec.structs.replace(plan.options, **options))
    made = export(plan, str(tmp_path / "out"))
    assert made.total
    assert made.redacted["email"] > 10
    written = [p for p in Path(tmp_path / "out").rglob("*") if p.is_file()]
    assert any(b"EMAIL_1" in path.read_bytes() for path in written)
    for path in written:
        assert PLANTED.encode() not in path.read_bytes(), path
        assert b"lovelace" not in path.read_bytes(), path


def test_numbers_of_an_answer_are_looked_at_too(tmp_path):
    folder = make(tmp_path, "s-card", [block("FINAL(5500000000000004)")])
    (turn,) = redacted(traced(folder), redactor()).turns
    assert (turn.cells[0].final.value, turn.cells[0].final.text) == ("<CARD_1>", "<CARD_1>")
    folder = make(tmp_path, "s-count", [block("FINAL(42)")])
    (turn,) = redacted(traced(folder), redactor()).turns
    assert turn.cells[0].final.value == 42


def test_what_was_asked_for_leaves_no_more_than_the_rows(leaky, tmp_path):
    folder = Path(shutil.copytree(Path(options_for("process-steps").tokenizer).parent, tmp_path / PLANTED))
    plan = Plan(
        format=find("process-steps"),
        sources=tuple(sources(Home(leaky).folders())),
        selection=f"by:{PLANTED}",
        options=msgspec.structs.replace(options_for("process-steps"), tokenizer=str(folder)),
    )
    export(plan, str(tmp_path / "out"))
    for path in (tmp_path / "out").glob("*.*"):
        assert PLANTED not in path.read_text(), path
        assert "by:<EMAIL_1>" in path.read_text()


def test_marks_move_with_the_text(leaky):
    trace = redacted(traced(leaky / "sessions" / "s-leaky"), redactor())
    turn = trace.turns[0]
    (mark,) = turn.marks
    assert turn.text[mark.start : mark.end] == "<EMAIL_1>"


def test_a_fork_has_its_parents_placeholders(leaky, tmp_path):
    home = Path(shutil.copytree(leaky, tmp_path / "home"))
    from tests.sessions.export.making import fork

    child = fork(home / "sessions" / "s-leaky", "s-fork", 2)
    one = redacted(traced(home / "sessions" / "s-leaky"), redactor())
    two = redacted(traced(child), redactor())
    assert [t.decided for t in two.turns] == [t.decided for t in one.turns[:2]]


def test_what_a_format_does_not_read_has_no_number_and_is_not_counted(tmp_path):
    # Printed by the last cell, so that no prompt shows it.
    folder = make(tmp_path, "s", [block("print('ada' + '@example.org')\nFINAL('done')")])
    for name, counted in (("prompt-completion", {}), ("atif", {"email": 1})):
        assert rehearse(Plan(format=find(name), sources=tuple(sources([folder])))).redacted == counted


def test_the_store_keeps_the_original(leaky, tmp_path):
    logs = {p: p.read_bytes() for p in leaky.rglob("*.jsonl")}
    export(Plan(format=find("worker"), sources=tuple(sources(Home(leaky).folders()))), str(tmp_path / "out"))
    assert {p: p.read_bytes() for p in leaky.rglob("*.jsonl")} == logs


def test_a_rehearsal_counts_what_would_be_redacted(leaky):
    plan = Plan(format=find("worker"), sources=tuple(sources(Home(leaky).folders())))
    assert rehearse(plan).redacted["email"] > 10
    assert rehearse(msgspec.structs.replace(plan, redact=())).redacted == {}


def test_presidio_is_asked_where_it_is_wanted():
    class Analyzer:
        def get_supported_entities(self, language):
            return ["PERSON", "DATE_TIME", "EMAIL_ADDRESS"]

        def analyze(self, text, language, entities, score_threshold):
            assert entities == ["PERSON"]
            for name, score in (("Vale", 0.6), ("Mira Vale", 0.9)):
                start = text.find(name)
                if start >= 0:
                    place = {"start": start, "end": start + len(name), "score": score}
                    yield type("Result", (), {**place, "entity_type": "PERSON"})()

    find_names = finder(Analyzer())
    assert list(find_names("by Mira Vale")) == [Found(3, 12, "person"), Found(8, 12, "person")]
    assert Redactor([find_names]).text("by Mira Vale") == "by <PERSON_1>"


def test_of_language_models_the_english_one_that_finds_most_is_taken():
    assert best_model(["de_core_news_lg", "en_core_web_sm", "en_core_web_lg"]) == "en_core_web_lg"
    assert best_model(["en_core_web_sm_of_somebody"]) == "en_core_web_sm_of_somebody"
    assert best_model(["de_core_news_lg"]) is None
