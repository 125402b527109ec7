"""A further question and a worker's reply that a person put another in the place of, in every format there is."""

import json

import msgspec
import pytest

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.reading import read_session
from distill_core.recorder import Recorder, SessionLog
from sessions.export import Plan, export, sources
from sessions.export.formats import all_formats, find
from tests.sessions.export.making import annotate, block, make, traced
from tests.sessions.export.tokens import options_for

FIRST, FURTHER = "Which clause caps liability?", "And for how many months of fees?"
SAID, PUT = "41237 dollars", "98761 dollars"
FOLLOW_UP = Decision(action="follow_up", by="ada", guidance=FURTHER)
APPROVE = Decision(action="approve", by="ada")


def overridden(folder, call_id, response):
    """Add what a person puts in the place of a worker's reply."""
    log = SessionLog(folder, append=True)
    recorder = Recorder([log], last_seq=read_session(folder).events[-1].seq)
    recorder.emit(ev.WorkerCallOverridden(step=2, call_id=call_id, response=response, by="ada"))
    log.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two questions; what the worker said on the way to the second answer is overridden."""
    folder = make(
        tmp_path_factory.mktemp("home"),
        "s",
        [
            block("FINAL('Clause 7')", "The first."),
            block("months = worker('how many?')\nprint('code', months)", "The second."),
            block("FINAL(months)", f"So it is {SAID}, as was said."),
        ],
        APPROVE,
        FOLLOW_UP,
        answer=lambda prompt: SAID,
        question=FIRST,
    )
    call = traced(folder).calls[0].call_id
    overridden(folder, call, PUT)
    good = {"mark": 1, "step": 2}
    annotate(
        folder,
        *({**good, "step": step, "target": {"kind": "step", "id": str(step)}} for step in (1, 2, 3)),
        {"target": {"kind": "session"}, "rating": 5},
        {
            "step": 2,
            "target": {"kind": "step", "id": "2"},
            "correction": block("months = worker('how many months?')\nprint('code', months)", "Better."),
            "reason": "It asks for more.",
        },
    )
    return folder


def rows(folder, tmp_path, name):
    """The rows of a format, or what stands in its file."""
    keep = frozenset({"no_judgement"})
    options = msgspec.structs.replace(options_for(name), keep=keep)
    out = tmp_path / "out"
    export(Plan(format=find(name), sources=tuple(sources([folder])), options=options), str(out))
    if find(name).storage == "files":
        (path,) = (p for p in out.rglob("s.*") if p.is_file())
        return path.read_text()
    return [json.loads(line) for path in sorted((out / "data").rglob("*.jsonl")) for line in path.open()]


def users(messages):
    return [m["content"] for m in messages if m["role"] == "user"]


def asked_both(messages):
    said = users(messages)
    assert FIRST in said[0] or FIRST in messages[0]["content"]
    assert [FURTHER in words for words in said] == [False, True, *[False] * (len(said) - 2)]


def whole(key):
    def check(told):
        (row,) = told
        asked_both(row[key])
        assert len([m for m in row[key] if m["role"] == "assistant"]) == 3

    return check


def prompts(count, asked, key="prompt"):
    def check(told):
        assert [any(FURTHER in words for words in users(_messages(row[key]))) for row in told] == asked
        assert len(told) == count

    return check


def _messages(prompt):
    return prompt["messages"] if isinstance(prompt, dict) else prompt


def sharegpt(told):
    (row,) = told
    said = [m["value"] for m in row["conversations"] if m["from"] == "human"]
    assert [FURTHER in words for words in said] == [False, True, False]


def sharegpt_prompts(count, asked):
    def check(told):
        found = [
            any(FURTHER in m["value"] for m in row["conversations"] if m["from"] == "human") for row in told
        ]
        assert (len(told), found) == (count, asked)

    return check


def steps(told):
    one, two = told
    assert (len(one["completions"]), len(two["completions"])) == (1, 2)
    assert FIRST in one["prompt"]
    assert FURTHER not in one["prompt"]
    assert FIRST in two["prompt"]
    assert FURTHER in two["prompt"]
    assert (one["labels"], two["labels"]) == ([True], [True, True])


def worker(told):
    (row,) = told
    assert [m["content"] for m in row["messages"]] == ["how many?", PUT]
    assert row["corrected"]
    assert row["provenance"]["decision"] == "overridden"


def worker_preference(told):
    (row,) = told
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == (PUT, SAID)


def episodes(told):
    (row,) = told
    asked_both(row["prompt"])
    assert FURTHER in row["prompt"][-1]["content"]
    assert [m["role"] for m in row["completion"]] == ["assistant", "user", "assistant"]
    assert row["answer"] == SAID
    assert [call["response"] for call in row["worker_calls"]] == [PUT]
    info = json.loads(row["info"])
    assert (info["question"], info["questions"]) == (FURTHER, [FIRST, FURTHER])
    assert len(row["turns"]) == 3


def verl(told):
    (row,) = told
    assert FURTHER in row["prompt"][-1]["content"]
    assert row["reward_model"]["ground_truth"] == SAID
    assert row["extra_info"]["question"] == FURTHER


def process_steps(told):
    assert [FURTHER in json.dumps(row["prompt"]) for row in told] == [False, True, True]
    used = [i["value"] for i in told[2]["metadata"]["integrations"]]
    assert used  # the reply that the program really got is what the results are
    assert all(PUT not in value for value in used)


def otel(told):
    text = json.dumps(told)
    assert FIRST in text
    assert FURTHER in text
    assert SAID in text
    assert PUT in text


def atif(told):
    trajectory = json.loads(told)
    assert trajectory["extra"]["further_questions"] == [FURTHER]
    (sub,) = trajectory["subagent_trajectories"]
    reply = sub["steps"][1]
    assert (reply["message"], reply["extra"]["original"], reply["extra"]["override"]) == (PUT, SAID, PUT)


def report(told):
    for words in (FIRST, FURTHER, SAID, PUT):
        assert words in told


def kto(told):
    assert [row["label"] for row in told].count(True) == 3
    assert [FURTHER in json.dumps(row["prompt"]) for row in told if row["label"]] == [False, True, True]


def sharegpt_kto(told):
    assert len([row for row in told if row["kto_tag"]]) == 3


CHECKS = {
    "prompt-completion": prompts(3, [False, True, True]),
    "sft": whole("messages"),
    "openai": whole("messages"),
    "axolotl": whole("messages"),
    "preference": prompts(1, [True]),
    "openai-preference": prompts(1, [True], "input"),
    "kto": kto,
    "stepwise": steps,
    "process-steps": process_steps,
    "worker": worker,
    "worker-preference": worker_preference,
    "sharegpt": sharegpt,
    "sharegpt-preference": sharegpt_prompts(1, [True]),
    "sharegpt-kto": sharegpt_kto,
    "episodes": episodes,
    "episodes-verl": verl,
    "atif": atif,
    "otel": otel,
    "markdown": report,
    "html": report,
}


@pytest.mark.parametrize("name", [format.name for format in all_formats()])
def test_each_format_tells_what_was_asked_and_what_was_put_in(folder, tmp_path, name):
    CHECKS[name](rows(folder, tmp_path, name))


@pytest.mark.parametrize("name", ["episodes", "episodes-verl"])
def test_a_further_question_without_an_answer_leaves_the_one_before_as_the_task(tmp_path, name):
    folder = make(
        tmp_path / "home",
        "s",
        [block("FINAL('Clause 7')", "The first."), block("print(1)", "I try.")],
        APPROVE,
        FOLLOW_UP,
        Decision(action="stop", by="ada"),
        question=FIRST,
    )
    (row,) = rows(folder, tmp_path, name)
    assert not any(FURTHER in words for words in users(row["prompt"]))
    if name == "episodes":
        assert row["answer"] == "Clause 7"
        assert [m["role"] for m in row["completion"]] == ["assistant"]
        assert json.loads(row["info"])["question"] == FIRST
    else:
        assert row["reward_model"]["ground_truth"] == "Clause 7"
