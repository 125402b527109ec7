"""The dataset card: what is in the folder, how it was curated, and the `configs` block by which it loads as it is.

Source: https://huggingface.co/docs/datasets/repository_structure. It holds no date, so that the same export is the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from distill_core.plurals import count
from sessions.export.chat import MESSAGE, TOOLED
from sessions.export.plan import Plan
from sessions.export.provenance import COLUMN, SHAPE
from sessions.export.report import Report
from sessions.export.rows import RULES, Shape
from sessions.export.shapes import features
from sessions.export.shards import DATA


def columns_of(plan: Plan, present: set[str]) -> dict[str, Shape]:
    """The columns of the rows that there are, in the format's order, with the provenance at the end."""
    columns = {name: shape for name, shape in plan.format.columns.items() if name in present}
    if "tools" in present:
        tooled: Shape = "json" if plan.format.objects else TOOLED
        columns = {name: _with_tools(shape, tooled) for name, shape in columns.items()}
    return {**columns, COLUMN: SHAPE} if plan.format.provenance == "column" else columns


def _with_tools(shape: Shape, tooled: Shape) -> Shape:
    """A shape whose messages are of the shape `tooled`, since they may call tools."""
    if isinstance(shape, list):
        return [_with_tools(inner, tooled) for inner in shape]
    return tooled if shape == MESSAGE else shape


def card(plan: Plan, report: Report, present: set[str], content: str) -> str:
    """The text of the card.

    Args:
        content: another one for other rows. `datasets` keeps what it has read of a folder by what the card declares of
            it, and would go on with the old rows once there are new ones.
    """
    front = _front(plan, report, present, content)
    return "---\n" + "\n".join(_yaml(front)) + "\n---\n\n" + _body(plan, report, present)


def _front(plan: Plan, report: Report, present: set[str], content: str) -> dict[str, Any]:
    front: dict[str, Any] = {"pretty_name": f"{plan.format.name} from supervised sessions"}
    if plan.licence != "unknown":
        front |= {"license": "other", "license_name": plan.licence}
    front["tags"] = ["distill-tui", plan.format.name, "human-in-the-loop"]
    front["size_categories"] = [_size(report.total)]
    if plan.format.columns and report.total:
        front["configs"] = [
            {"config_name": "default", "description": content, "data_files": _data_files(plan, report)}
        ]
        columns = columns_of(plan, present) if plan.format.storage == "rows" else plan.format.columns
        front["dataset_info"] = {"config_name": "default", "features": features(columns)}
    return front


def _data_files(plan: Plan, report: Report) -> list[dict[str, str]]:
    if plan.format.storage == "files":
        return [{"split": "train", "path": f"*/*.{plan.format.suffix}"}]
    return [{"split": split, "path": f"{DATA}/{split}/*.{plan.storage}"} for split in report.rows]


def _size(rows: int) -> str:
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def _yaml(value: Any, indent: int = 0) -> Iterator[str]:
    """Block YAML of dicts, lists and scalars; strings as JSON, which YAML reads."""
    pad = " " * indent
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping | list):
                yield f"{pad}{_scalar(name)}:"
                yield from _yaml(inner, indent + 2)
            else:
                yield f"{pad}{_scalar(name)}: {_scalar(inner)}"
    else:
        for inner in value:
            if isinstance(inner, Mapping):
                first, *rest = _yaml(inner, indent + 2)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{pad}- {_scalar(inner)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value.replace("_", "").isalnum() and not value[0].isdigit():
        return (
            value if value not in ("null", "true", "false", "yes", "no", "on", "off") else json.dumps(value)
        )
    return json.dumps(value, ensure_ascii=False)


def _body(plan: Plan, report: Report, present: set[str]) -> str:
    parts = [
        f"# {plan.format.name}: {plan.format.help}",
        "Made by distill-tui from sessions in which a large model answered "
        "questions of long documents by writing programs, and people approved, edited, rejected and annotated what it "
        "did.",
    ]
    if plan.format.teaches:
        parts.append(plan.format.teaches)
    if plan.format.objects and "tools" in present:
        parts.append(
            "Arguments of tool calls are objects, as chat templates ask for. Messages are declared as `Json`, which "
            "`datasets` knows from 4.7 on, so that each is loaded with its own keys and no others."
        )
    parts += ["## What is in it", _counts(report)]
    if report.labels:
        parts += ["## Labels", _labels(plan, report)]
    parts += ["## How it was curated", _curation(plan, report)]
    if plan.format.provenance != "inside":
        place = (
            f"the column `{COLUMN}`" if plan.format.provenance == "column" else "`provenance/`, line by line"
        )
        parts += [
            "## Where rows come from",
            f"Every row has its provenance in {place}: session, step and events, models and sampling parameters, what "
            f"was decided and by whom, annotators, labels, the document's hash and licence note (here: "
            f"{plan.licence}), the program's version, and a hash of the row's JSON without it (XXH3, 128 bits). "
            "`export.json` holds the settings.",
        ]
    return "\n\n".join(parts) + "\n"


def _counts(report: Report) -> str:
    rows = [f"| {split or 'files'} | {number} |" for split, number in report.rows.items()]
    table = "\n".join(["| split | rows |", "|---|---|", *rows])
    people = f" Annotators: {', '.join(report.annotators)}." if report.annotators else ""
    models = f" Models: {', '.join(f'`{m}`' for m in report.models)}." if report.models else ""
    return f"{count(report.sessions, 'session')}.{models}{people}\n\n{table}"


def _labels(plan: Plan, report: Report) -> str:
    rows = [
        f"| `{_cell(label)}` | {count} | {_cell(plan.definitions.get(label, ''))} |"
        for label, count in report.labels.items()
    ]
    return "\n".join(["| label | rows | meaning |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    """Words of a person's own as what stands in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'")


def _curation(plan: Plan, report: Report) -> str:
    lines = [f"- Sessions: {plan.told(plan.selection)}."]
    if plan.examples:
        number = f"{plan.examples} session{'' if plan.examples == 1 else 's'}"
        lines.append(f"- Not among them: {number} of the examples that come with the program.")
    splits = ", ".join(f"{name} {share:g}" for name, share in plan.splits.shares.items())
    if plan.format.storage != "files":
        lines.append(
            f"- Splits by family of sessions (a fork is always with its parent), seed {plan.splits.seed}"
            + (f": {splits}, the rest to train." if splits else ": all to train.")
        )
    lines.append(
        "- The supervisor's prose was dropped; its code was kept."
        if not plan.reasoning
        else "- The supervisor's words were kept as they were written."
    )
    near = f", and nearly equal ones (similarity {plan.near:g})" if plan.near is not None else ""
    lines.append(f"- Equal rows stand once{near}.")
    if plan.redact:
        found = ", ".join(f"{count} {kind}" for kind, count in report.redacted.items()) or "nothing found"
        lines.append(f"- Redacted ({', '.join(plan.redact)}): {found}.")
    else:
        lines.append("- **Nothing was redacted.**")
    if plan.options.keep:
        lines.append(f"- Rules not applied: {', '.join(sorted(plan.options.keep))}.")
    if report.left:
        lines.append("- Left out:")
        lines += [f"  - {count} by `{rule}`: {RULES[rule]}" for rule, count in report.left.items()]
    return "\n".join(lines)
