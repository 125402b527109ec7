"""What people marked is still what is marked, once secrets and prose are gone, in every format that tells of spans."""

import json

import pytest

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.export.reasoning import without_prose
from sessions.export.redact import KINDS, Redactor, make_finders
from sessions.export.redacting import redacted
from sessions.process_steps import Span, SpanTokenizer
from tests.sessions.export.making import annotate, block, make, traced
from tests.sessions.export.tokens import options_for, tokenizer_file

MAIL = "ada.lovelace@mail.example.org"
REPLY = f"Ask {MAIL}, then look."
CODE = f"r = worker('to {MAIL}: which fee?')\nprint('{MAIL} wrote', r)"
ANSWER = f"{MAIL} pays twelve fees"


def place(text, words):
    start = text.index(words)
    return {"start": start, "end": start + len(words)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A session in which words behind an address are marked: in a reply, code, output, prompt, response, answer."""
    folder = make(
        tmp_path_factory.mktemp("marked"),
        "s",
        [block(CODE, REPLY), block(f"FINAL('{ANSWER}')", "So.")],
        answer=lambda prompt: f"{MAIL} says seven fees",
    )
    trace = traced(folder)
    turn, (call,) = trace.turns[0], trace.calls
    cell = turn.cells[0]
    targets = [
        ("step", "1", "reply", turn.reply, "then look"),
        ("step", "1", "reply", turn.reply, MAIL[4:12]),
        ("cell", cell.cell_id, "code", cell.code, "wrote"),
        ("cell", cell.cell_id, "output", cell.output, "seven fees"),
        ("worker_call", call.call_id, "prompt", call.prompt, "which fee"),
        ("worker_call", call.call_id, "response", call.response, "seven"),
        ("answer", "", "answer", trace.given, "twelve fees"),
    ]
    annotate(
        folder,
        *(
            {
                "step": 1,
                "target": {"kind": kind, "id": name, "field": field, **place(text, words)},
                "mark": 1,
                "comment": words
                if words in "then look wrote seven fees which fee twelve fees"
                else "<EMAIL_1>",
            }
            for kind, name, field, text, words in targets
        ),
    )
    return folder


def checked(trace):
    """How many spans were held against the words that their comments say."""
    texts = {("answer", ""): {"answer": trace.given}}
    judged = [*trace.judgements]
    for turn in trace.turns:
        texts["step", str(turn.step)] = {"reply": turn.reply}
        judged += [*turn.judgements, *(made for cell in turn.cells for made in cell.judgements)]
        for cell in turn.cells:
            texts["cell", cell.cell_id] = {"code": cell.code, "output": cell.output}
    for call in trace.calls:
        texts["worker_call", call.call_id] = {"prompt": call.prompt, "response": call.response}
        judged += call.judgements
    for made in judged:
        target = made.target
        assert texts[target.kind, target.id][target.field][target.start : target.end] == made.comment
    return len(judged)


def test_spans_of_judgements_move_with_their_texts(folder):
    redactor = Redactor(make_finders(KINDS))
    told = redacted(traced(folder), redactor)
    assert checked(told) == 9  # those of a cell stand with the turn and with the cell
    assert MAIL not in repr(told)
    for turn in told.turns:
        for mark in turn.marks:
            assert turn.text[mark.start : mark.end] in ("then look", "<EMAIL_1>", "wrote")


def test_asking_where_words_went_counts_nothing_twice(folder):
    redactor = Redactor(make_finders(KINDS))
    redacted(traced(folder), redactor)
    bare = Redactor(make_finders(KINDS))
    redacted(_unjudged(traced(folder)), bare)
    assert redactor.counts == bare.counts


def _unjudged(trace):
    import msgspec

    replace = msgspec.structs.replace
    turns = [
        replace(t, judgements=(), marks=(), cells=tuple(replace(c, judgements=()) for c in t.cells))
        for t in trace.turns
    ]
    calls = [replace(c, judgements=()) for c in trace.calls]
    return replace(trace, turns=tuple(turns), calls=tuple(calls), judgements=())


def test_without_prose_a_judgement_of_prose_goes_and_others_stay(folder):
    told = without_prose(redacted(traced(folder), Redactor(make_finders(KINDS))))
    comments = [made.comment for made in told.turns[0].judgements]
    assert comments == ["wrote", "seven fees"]
    assert MAIL not in repr(told)


def written(folder, tmp_path, name):
    options = options_for(name)
    export(Plan(format=find(name), sources=tuple(sources([folder])), options=options), str(tmp_path))
    return tmp_path


def test_atif_tells_spans_of_the_redacted_texts(folder, tmp_path):
    (path,) = written(folder, tmp_path / "out", "atif").glob("**/s.json")
    told = json.loads(path.read_text())
    assert MAIL not in path.read_text()
    step = next(s for s in told["steps"] if s.get("extra", {}).get("judgements"))
    found = [j for j in step["extra"]["judgements"] if j["target"]["field"] == "reply"]
    assert len(found) == 2
    for made in found:
        target = made["target"]
        assert step["message"][target["start"] : target["end"]] == made["comment"]
    for mark in step["extra"]["marks"]:
        assert step["message"][mark["start"] : mark["end"]] in ("then look", "<EMAIL_1>", "wrote")


def test_axolotl_trains_the_marked_words(folder, tmp_path):
    out = written(folder, tmp_path / "out", "axolotl")
    (line,) = (out / "data" / "train" / "00000.jsonl").read_text().splitlines()
    (message,) = [m for m in json.loads(line)["messages"] if m.get("train_detail")]
    trained = [
        message["content"][d["begin_offset"] : d["end_offset"] + 1]
        for d in message["train_detail"]
        if d["train"]
    ]
    assert trained == ["<EMAIL_1>", "then look", "wrote"]
    covered = "".join(
        message["content"][d["begin_offset"] : d["end_offset"] + 1] for d in message["train_detail"]
    )
    assert covered == message["content"]


def test_process_steps_mask_what_stands_in_the_redacted_text(folder, tmp_path):
    out = written(folder, tmp_path / "out", "process-steps")
    tokenizer = SpanTokenizer(tokenizer_file())
    rows = [json.loads(line) for line in (out / "data" / "train" / "00000.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    for row in rows:
        text = row["teacher_text"]
        assert MAIL not in text
        spans = row["metadata"]["spans"]["arguments"]
        wanted = "".join(Span(*span).of(text) for span in spans)
        assert tokenizer.decode(row["gold_json_text_ids"]) == wanted
        assert "<EMAIL_1>" in wanted
