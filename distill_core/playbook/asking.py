"""What the worker is asked, by kind of question. Short, and with nothing in it that a small model could copy out."""

from __future__ import annotations

from distill_core.playbook.brief import Brief, Kind
from distill_core.playbook.writing import Code

_COPY = "Copy the one sentence of the text above that answers it, in quotation marks, then write the answer."

REQUESTS: dict[Kind, str] = {
    "fact": f"{_COPY} If no sentence answers it, write NONE.",
    "list": (
        "Copy a sentence of the text above that answers it, in quotation marks, then write every answer "
        "that the text holds, with commas between. If no sentence answers it, write NONE."
    ),
    "computed": (
        "Copy the one sentence of the text above that holds a fact needed to answer it, in quotation marks, "
        "then write that fact. If no sentence does, write NONE."
    ),
    "choice": (
        "Copy the one sentence of the text above that tells most about it, in quotation marks, then write "
        "what it tells. If no sentence tells anything about it, write NONE."
    ),
    "summary": (
        "Copy the most important sentence of the text above, in quotation marks, then summarise the text "
        "in two sentences."
    ),
}
"""What follows a piece and the question. The sentence comes first: measured on a 1.5B model, asked for the answer
first it left the sentence out, and answered where the text has none."""

INSISTING = _COPY
"""Asked where a passage is all but sure to hold the answer and the worker said NONE: with no way out, and only what the
passage bears out counts."""

GATE = "Does the text above help to answer this question? Answer Yes or No."
"""What decides whether a piece is read, after the question."""

CONCLUSIONS: dict[Kind, str] = {
    "fact": "Answer the question from these extracts alone, in a few words on one line.",
    "list": "Answer the question from these extracts alone, on one line, with commas between several answers.",
    "computed": "Work out the answer from these extracts alone. Write the result on the first line, in a few words.",
    "choice": "Choose the right option from these extracts alone. Write its number or letter on the first line.",
    "summary": "Answer the question from these extracts of one document, in one paragraph.",
}


def question_setting(brief: Brief) -> tuple[str, object, str]:
    """The setting QUESTION: what pieces are asked, without the options of a multiple-choice question."""
    if brief.kind == "choice":
        code = Code('re.split(r"\\n\\s*\\(?(?:1|A|a)[.)]\\s", query)[0]')
        return ("QUESTION", code, "the options are for the conclusion")
    return ("QUESTION", Code("query"), "what each piece is asked")
