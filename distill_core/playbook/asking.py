"""What the worker is asked, by kind of question. Short, and with nothing in it that a small model could copy out."""

from __future__ import annotations

from distill_core.playbook.brief import Brief, Kind
from distill_core.playbook.writing import Code

_QUOTE = "then on a new line copy the sentence of the text that says so, in quotation marks."

REQUESTS: dict[Kind, str] = {
    "fact": f"Answer from the text above alone, in a few words, {_QUOTE} If the text does not tell, write NONE.",
    "list": (
        "Give every answer that the text above holds, in a few words each, with commas between, "
        f"{_QUOTE} If the text holds none, write NONE."
    ),
    "computed": (
        "If the text above holds a fact that is needed to answer the question, state that fact in a few words, "
        f"{_QUOTE} If it holds no such fact, write NONE."
    ),
    "choice": (
        "If the text above helps to answer the question, state in a few words what it tells, "
        f"{_QUOTE} If it does not help, write NONE."
    ),
    "summary": (
        "Summarise the text above in two sentences, then on a new line copy its most important sentence, "
        "in quotation marks."
    ),
}

_WHOLE_ANSWER = "Does the text above contain the answer to this question? Answer Yes or No."
_PART_OF_IT = "Does the text above contain a fact that is needed to answer this question? Answer Yes or No."

GATES: dict[Kind, str] = {
    "fact": _WHOLE_ANSWER,
    "list": _WHOLE_ANSWER,
    "computed": _PART_OF_IT,
    "choice": _PART_OF_IT,
    "summary": _PART_OF_IT,
}

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
