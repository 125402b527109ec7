"""What happens in the example sessions: documents, questions, hand-written programs, and what two people made of them.

`make_example_sessions.py` runs them. Nothing here is a recording: the programs run, the worker is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from distill_core.approval import Decision
from distill_core.events import Limits
from distill_core.examples import example

HOME = Path(__file__).parents[1] / "sessions" / "examples"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement that somebody adds afterwards; `says` are fields of `events.Annotated`."""

    by: str
    kind: Literal["session", "step", "cell", "worker_call", "answer"]
    id: str = ""
    step: int = 0
    field: str | None = None
    words: str = ""
    says: dict[str, Any]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One session.

    Args:
        name: its id.
        document: which document.
        question: what is asked.
        supervisor: "written" for `replies`, "playbook", or "embedded".
        replies: what the supervisor says, in the order of its turns.
        decisions: what the person decides, in order; what is beyond them is approved.
        overrides: replies that the person puts in the place of the worker's, by a piece of the prompt.
        forks: the story that it branches off from, and at which step.
        codes: of the step where it branches off, instead of its own.
    """

    name: str
    document: Literal["time_machine", "ruth", "ruth_1"]
    question: str
    supervisor: Literal["written", "playbook", "embedded", "recorded"] = "written"
    worker: Literal["large", "small"] = "large"
    replies: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    overrides: dict[str, str] = msgspec.field(default_factory=dict)
    limits: Limits = Limits()
    forks: str = ""
    at: int = 0
    codes: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def document(name: str) -> tuple[str, str]:
    """Name and text of a document."""
    if name == "time_machine":
        one = example(name)
        return one.document, one.text()
    text = (HOME / "ruth.txt").read_text(encoding="utf-8")
    return (
        ("ruth.txt", text)
        if name == "ruth"
        else ("ruth_1.txt", text[: text.index("Ruth 2\n")].strip() + "\n")
    )


def says(words: str, *codes: str) -> str:
    """A reply of a supervisor: words, then a block for each code."""
    return words + "".join(f"\n\n```repl\n{code.strip()}\n```" for code in codes) + "\n"


ADA, BEN = "ada", "ben"

RANK = """
import re
rare = ["model", "years", "made", "machine"]
paragraphs = [p for p in re.split(r"\\n\\s*\\n", context) if len(p) > 40]
ranked = sorted(paragraphs, key=lambda p: -sum(w in p.lower() for w in rare))
for p in ranked[:6]:
    print(len(p), p[:90].replace("\\n", " "))
"""
ASK = """
question = "How many years did the model take to make? Answer with the number, or NONE if the text does not say."
replies = worker_batch([f"{question}\\n\\n{p}" for p in ranked[:6]])
for p, r in zip(ranked, replies):
    print(repr(r[:60]), "<-", p[:50].replace("\\n", " "))
"""
ASK_FEWER = ASK.replace(
    '[f"{question}\\n\\n{p}" for p in ranked[:6]]', '[f"{question}\\n\\n{p}" for p in ranked[:3]]'
)
ASK_YES = """
asked = "Does this text say how long the model took to make? Answer Yes or No.\\n\\n"
found = [p for p in ranked[:3] if worker(asked + p).strip().lower().startswith("yes")]
print(len(found), [p[:60] for p in found])
answer = re.search(r"took (\\w+ \\w+) to make", " ".join(context.split()))
print(answer and answer[1])
"""

VERSES = """
import re
verses = re.findall(r"^\\s+(\\d+) (.+?)(?=^\\s+\\d+ |\\Z|^Ruth)", context, re.M | re.S)
verses = [" ".join(v.split()) for _, v in verses]
barley = [v for v in verses if "barley" in v]
print(len(verses), len(barley))
for v in barley:
    print("-", v)
"""
MEASURE = """
question = "How much barley does this verse speak of, and who gets it? Answer in one short sentence."
asked = [f"{question}\\n\\n{v}" for v in barley[1:4]]
said = worker_batch(asked)
for v, s in zip(barley[1:4], said):
    print(s.strip(), "<-", v[:60])
"""
GUESTS = """
names = re.findall(r"the (Psychologist|Medical Man|Provincial Mayor|Editor|Journalist|Very Young Man)", context)
print(sorted(set(names)))
"""

STORIES: tuple[Story, ...] = (
    Story(
        name="example-01-two-years",
        document="time_machine",
        question="How many years did the model of the time machine take to make?",
        replies=(
            says("I rank the paragraphs by words that the answer would stand beside.", RANK),
            says("I ask the worker about the best ones.", ASK),
            says("One paragraph says it.", 'FINAL("Two years")'),
        ),
        decisions=(
            Decision(action="approve", by=ADA),
            Decision(action="edit", by=ADA, codes=(ASK_FEWER.strip(),), reason="three are enough"),
        ),
        notes=(
            Note(
                by=ADA,
                kind="session",
                says={"rating": 5, "labels": ("good evidence",), "comment": "Few calls, right answer."},
            ),
            Note(by=BEN, kind="session", says={"rating": 4, "labels": ("good evidence",)}),
            Note(by=ADA, kind="step", id="1", step=1, says={"mark": 1}),
            Note(
                by=ADA,
                kind="step",
                id="2",
                step=2,
                says={"mark": 0, "comment": "Asked too many pieces before the edit."},
            ),
            Note(by=BEN, kind="answer", says={"mark": 1, "comment": "Verbatim: it took two years to make."}),
        ),
    ),
    Story(
        name="example-02-barley",
        document="ruth",
        question="How much barley did Ruth bring home from the field, and how much did Boaz give her later?",
        replies=(
            says("I look at the whole text first.", "print(context)"),
            says("I take the verses that speak of barley.", VERSES),
            says("I ask the worker what each of them measures.", MEASURE),
            says(
                "Both measures stand in the verses.",
                'FINAL("She gleaned about an ephah of barley; later Boaz gave her six measures.")',
            ),
        ),
        decisions=(
            Decision(
                action="reject",
                by=ADA,
                guidance="Do not print the whole document. Take the verses with barley in them.",
            ),
        ),
        notes=(
            Note(by=ADA, kind="session", says={"rating": 4, "labels": ("needed guidance",)}),
            Note(
                by=ADA,
                kind="step",
                id="1",
                step=1,
                says={"mark": -1, "reason": "prints 13,000 characters into the prompt"},
            ),
            Note(by=ADA, kind="step", id="2", step=2, says={"mark": 1}),
            Note(by=BEN, kind="session", says={"rating": 3, "comment": "The last step needs no worker."}),
        ),
    ),
    Story(
        name="example-03-guests",
        document="time_machine",
        question="Which guests are named by what they do rather than by a name?",
        replies=(
            says("I collect them by a pattern.", GUESTS),
            says("The module was not imported.", "import re", GUESTS),
            says("That is all of them.", 'FINAL(", ".join(sorted(set(names))))'),
            says(
                "I count how often each is named.", "from collections import Counter\nprint(Counter(names))"
            ),
            says(
                "Ordered by how often they speak.",
                'FINAL(", ".join(n for n, _ in Counter(names).most_common()))',
            ),
        ),
        decisions=(
            Decision(action="approve", by=BEN),
            Decision(action="approve", by=BEN),
            Decision(action="approve", by=BEN),
            Decision(action="send_back", by=BEN, guidance="Order them by how often they are named."),
        ),
        notes=(
            Note(by=BEN, kind="session", says={"rating": 4, "labels": ("error recovered",)}),
            Note(by=BEN, kind="cell", id="c1", step=1, says={"mark": -1, "comment": "re was never imported"}),
            Note(by=ADA, kind="step", id="2", step=2, says={"mark": 1, "comment": "Recovers at once."}),
        ),
    ),
    Story(
        name="example-04-husband",
        document="ruth_1",
        question="Who was the husband of Naomi?",
        supervisor="playbook",
        notes=(Note(by=ADA, kind="session", says={"rating": 4, "labels": ("playbook",)}),),
    ),
    Story(
        name="example-05-daughters",
        document="ruth_1",
        question="How many daughters in law did Naomi have?",
        replies=(
            says(
                "I ask about the verses that name them.",
                "import re\n"
                "verses = [' '.join(v.split()) for v in re.split(r'\\n\\s+\\d+ ', context)[1:]]\n"
                "named = [v for v in verses if 'Orpah' in v or 'Ruth' in v]\n"
                "print(len(named))\n"
                "said = worker_batch([f'Which women does this verse name? Names only.\\n\\n{v}' for v in named[:3]])\n"
                "print(said)",
            ),
            says("Orpah and Ruth.", 'FINAL("Two: Orpah and Ruth")'),
        ),
        overrides={"Orpah kissed": "Orpah, Ruth"},
        notes=(
            Note(by=BEN, kind="session", says={"rating": 4, "labels": ("worker corrected",)}),
            Note(
                by=BEN,
                kind="worker_call",
                id="w2",
                step=1,
                says={"mark": -1, "correction": "Orpah, Ruth", "reason": "left one out"},
            ),
        ),
    ),
    Story(
        name="example-06-two-years-fork",
        document="time_machine",
        question="",
        forks="example-01-two-years",
        at=2,
        codes=(ASK_YES.strip(),),
        replies=(
            says("The sentence stands there word for word.", 'FINAL("two years: it took two years to make")'),
        ),
        notes=(
            Note(
                by=ADA,
                kind="session",
                says={"rating": 5, "comment": "Quotes its evidence; I prefer it to the parent."},
            ),
        ),
    ),
    Story(
        name="example-07-out-of-turns",
        document="ruth",
        question="Name every place that the book mentions.",
        replies=(
            says(
                "I look for capitalised words after 'in' and 'of'.",
                "import re\n"
                "places = sorted(set(re.findall(r'(?:in|of|unto|from) ([A-Z][a-z]+)', context)))\n"
                "print(places)",
            ),
            says("I would like to check each of them.", "print(len(places), places[:5])"),
        ),
        limits=Limits(turns=2),
        notes=(
            Note(
                by=ADA,
                kind="session",
                says={
                    "rating": 1,
                    "labels": ("unfinished",),
                    "comment": "Never calls FINAL, though told that it is the last turn.",
                },
            ),
            Note(by=BEN, kind="session", says={"rating": 2, "labels": ("unfinished",)}),
        ),
    ),
    Story(
        name="example-08-embedded",
        document="time_machine",
        question="How many years did the model of the time machine take to make?",
        supervisor="embedded",
        decisions=(Decision(action="approve", by=ADA),),
        notes=(
            Note(
                by=ADA,
                kind="session",
                says={
                    "rating": 5,
                    "labels": ("embedded supervisor",),
                    "comment": "One program: ranks the pieces, asks which of five say it, reads two.",
                },
            ),
            Note(
                by=ADA,
                kind="worker_call",
                id="w5",
                step=1,
                says={"mark": -1, "correction": "No", "reason": "this piece does not say how long it took"},
            ),
            Note(by=BEN, kind="step", id="1", step=1, says={"mark": 1}),
            Note(
                by=BEN,
                kind="session",
                says={"rating": 4, "comment": "Right, by a model that fits on a laptop."},
            ),
        ),
    ),
    Story(
        name="example-09-candidates",
        document="ruth",
        question="How many verses does each chapter have?",
        replies=(
            says(
                "I count lines that begin with a number.",
                "import re\nprint(len(re.findall(r'^ +\\d+ ', context, re.M)))",
            ),
            says(
                "I split at the chapters first.",
                "import re\n"
                "chapters = re.split(r'^Ruth (\\d+)$', context, flags=re.M)[1:]\n"
                "counts = {c: len(re.findall(r'^ +\\d+ ', t, re.M)) for c, t in zip(chapters[::2], chapters[1::2])}\n"
                "print(counts)",
            ),
            says("I ask the worker.", "print(worker('How many verses has the book of Ruth, by chapter?'))"),
            says("Counted.", "FINAL(counts)"),
        ),
        decisions=(
            Decision(action="regenerate", by=ADA, more=2, reason="it counts the whole book at once"),
            Decision(action="approve", by=ADA, chosen="s2"),
        ),
        notes=(
            Note(by=ADA, kind="session", says={"rating": 5, "labels": ("exact",)}),
            Note(by=BEN, kind="session", says={"rating": 5, "comment": "No worker needed, and none asked."}),
        ),
    ),
    Story(
        name="example-10-further-question",
        document="ruth",
        question="Who is the grandfather of David?",
        replies=(
            says("The line of descent stands at the end.", "print(context[-330:])"),
            says("Obed begat Jesse, and Jesse begat David.", 'FINAL("Obed")'),
            says(
                "I follow the line backwards.",
                "import re\n"
                "begat = dict((b, a) for a, b in re.findall(r'(\\w+) begat (\\w+)', context))\n"
                "line = ['David']\n"
                "while line[-1] in begat:\n    line.append(begat[line[-1]])\n"
                "print(line)",
            ),
            says("Boaz, whom Ruth married.", "FINAL(line[3])"),
        ),
        decisions=(
            Decision(action="approve", by=BEN),
            Decision(action="approve", by=BEN),
            Decision(action="follow_up", by=BEN, guidance="And who is the father of that one?"),
            Decision(action="approve", by=BEN),
            Decision(action="stop", by=BEN, reason="the line says it: Boaz"),
        ),
        notes=(
            Note(by=BEN, kind="session", says={"rating": 4, "labels": ("exact",)}),
            Note(by=ADA, kind="answer", says={"mark": 1}),
        ),
    ),
)
