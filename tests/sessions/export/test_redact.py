"""What must not leave does not, in any format; placeholders are consistent, and spans move along."""

import base64
import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.export import Plan, export, rehearse, sources
from sessions.export.formats import all_formats, find
from sessions.export.redact import KINDS, Found, Redactor, make_finders
from sessions.export.redact.personal import luhn
from sessions.export.redact.presidio import best_model, finder
from sessions.export.redacting import redacted
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
        },
        {"target": {"kind": "worker_call", "id": "w1"}, "correction": f"No, {PLANTED}.", "reason": PLANTED},
        {"target": {"kind": "session"}, "rating": 5, "comment": PLANTED, "by": PLANTED},
        {"target": {"kind": "answer"}, "correction": f"{PLANTED}?"},
    )
    return home


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
