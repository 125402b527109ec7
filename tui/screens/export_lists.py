"""The lists of the export screen as lines: formats, rows, and what is left out and why. Knows no screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from distill_core.plurals import count
from sessions.export.redact import KINDS
from sessions.export.rows import FIXED, RULES, Format
from tui.lines import Line, fit, pad, roled
from tui.screens.export_draft import Draft, Preview, Shown


class Rows:
    """One line an entry, for a pane with a cursor."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._width = 0

    def fill(self, lines: Sequence[Line]) -> None:
        """Show these from now on."""
        self._lines = list(lines)

    def height(self, width: int) -> int:
        """As many rows as lines."""
        self._width = width
        return len(self._lines)

    def row(self, y: int) -> Line:
        """Line `y`; blank beyond the end."""
        return fit(self._lines[y], self._width) if 0 <= y < len(self._lines) else ()

    def count(self) -> int:
        """How many entries there are."""
        return len(self._lines)

    def span(self, index: int) -> tuple[int, int]:
        """Each has one row."""
        return index, 1

    def at(self, y: int) -> int:
        """The entry of row `y`."""
        return y


def format_lines(formats: Sequence[Format], chosen: str, *, narrow: bool) -> list[Line]:
    """The formats, the chosen one with a mark; what they are where there is room."""
    width = max(len(format.name) for format in formats)
    return [
        (
            ("● " if format.name == chosen else "  ", "active"),
            (format.name.ljust(width), "heading" if format.name == chosen else ""),
            ("" if narrow else f"  {format.help}", "muted"),
        )
        for format in formats
    ]


def row_lines(rows: Sequence[Shown]) -> list[Line]:
    """The first rows, by name."""
    splits = max((len(row.split) for row in rows), default=0)
    return [((pad(row.split, splits), "muted"), (" " if splits else "", ""), (row.key, "")) for row in rows]


LONGEST = 50_000
"""Characters of one text of a row that are shown."""


def row_text(row: Shown) -> list[Line]:
    """A row in full: texts as they read, what they belong to over them."""
    return list(_told("", row.columns, 0))


def _told(name: str, value: Any, depth: int) -> Iterator[Line]:
    pad_by = "  " * depth
    if isinstance(value, dict) and set(value) >= {"role", "content"}:
        yield ((pad_by, ""), (str(value["role"]), "heading"))
        yield from _text(value["content"], 1)
        yield from (
            line for n, v in value.items() if n not in ("role", "content") for line in _told(n, v, depth + 1)
        )
    elif isinstance(value, dict):
        if name:
            yield ((pad_by, ""), (name, "key"))
        for inner, part in value.items():
            yield from _told(inner, part, depth + bool(name))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        yield ((pad_by, ""), (name, "key"))
        for one in value:
            yield from _told("", one, depth + 1)
    elif isinstance(value, str) and ("\n" in value or len(value) > 60):
        if name:
            yield ((pad_by, ""), (name, "key"))
        yield from _text(value, 1 if name else 0)
    else:
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield ((pad_by, ""), (f"{name} ", "key"), (said, ""))


def _text(text: Any, depth: int) -> Iterator[Line]:
    said = str(text)
    cut = f"\n… {len(said) - LONGEST:,} characters more" if len(said) > LONGEST else ""
    for line in roled(said[:LONGEST] + cut):
        yield (("  " * depth, ""), *line)


def rule_text(rule: str, preview: Preview | None, draft: Draft) -> list[Line]:
    """A rule in full: what it leaves out, how many, the first of them."""
    lines: list[Line] = [((rule, "heading"), (f": {RULES[rule]}", ""))]
    if rule in draft.keep:
        lines.append((("It is lifted: what it would leave out is kept.", "active"),))
    elif rule in FIXED:
        lines.append(((f"It cannot be lifted: {FIXED[rule]}.", "muted"),))
    report = preview.report if preview is not None else None
    if report is not None and report.left.get(rule):
        lines.append(((f"{count(report.left[rule], 'row')} left out by it.", "warn"),))
    first = report.examples.get(rule) if report is not None else None
    if first is not None:
        lines += [(), (("The first: ", "muted"), (first.key, "")), *roled(first.why)]
    return lines


def rules(preview: Preview | None, draft: Draft) -> list[str]:
    """The rules that left something out, and those that were lifted."""
    left = list(preview.report.left) if preview is not None else []
    return [*left, *(rule for rule in RULES if rule in draft.keep and rule not in left)]


def left_lines(preview: Preview | None, draft: Draft) -> list[Line]:
    """What is left out: how many, by which rule, what that means, and the first of them."""
    lines: list[Line] = []
    for rule in rules(preview, draft):
        count = preview.report.left.get(rule, 0) if preview is not None else 0
        lifted = rule in draft.keep
        first = preview.report.examples.get(rule) if preview is not None else None
        example = f"; first {first.key}" if first is not None else ""
        lines.append(
            (
                (f"{count:>6} ", "warn" if count else "muted"),
                (f"{rule}", "heading"),
                (" (lifted)" if lifted else "", "active"),
                (f"  {RULES[rule]}{example}", "muted"),
            )
        )
    return lines


WIDEST = 100
"""Characters of one setting that are shown, so that none hides another."""


def settings_line(draft: Draft) -> Line:
    """What is asked for: what keys of the screen change, then what else differs from what is usual."""
    stored = draft.stored
    without = f" ({draft.format} has no Parquet form)" if stored != draft.storage else ""
    kinds = "on" if draft.kinds == KINDS else ", ".join(draft.kinds)
    said: list[tuple[str, str]] = []
    for name, value, role in (
        ("sessions", (draft.sessions or "all") + (", examples too" if draft.examples else ""), ""),
        ("storage", stored + without, "warn" if without else ""),
        ("splits", draft.splits or "all to train", ""),
        ("prose", "kept" if draft.prose else "dropped", ""),
        ("redaction", kinds if draft.redact else "OFF", "" if draft.redact else "error"),
        ("folder", draft.folder, ""),
        *((name, value, "") for name, value in _unusual(draft)),
    ):
        shown = value if len(value) <= WIDEST else f"{value[: WIDEST - 1]}…"
        said += [(f"{name} ", "muted"), (shown, role), ("   ", "")]
    return tuple(said)


def _unusual(draft: Draft) -> Iterator[tuple[str, str]]:
    usual = Draft()
    only = [f"label {' or '.join(draft.labels)}"] if draft.labels else []
    only += ["vouched"] if draft.vouched else []
    only += ["with evidence"] if draft.evidence else []
    only += [f"a sample of {draft.sample:g}"] if draft.sample is not None else []
    for name, value, given in (
        ("tokenizer", draft.tokenizer, bool(draft.tokenizer)),
        ("only rows", ", ".join(only), bool(only)),
        ("near-duplicates", f"from {draft.near} on", draft.near is not None),
        ("seed", str(draft.seed), draft.seed != usual.seed),
        ("shards", f"{draft.shard_size:,} bytes", draft.shard_size != usual.shard_size),
        ("licence", draft.licence, draft.licence != usual.licence),
    ):
        if given:
            yield name, value


def numbers_line(preview: Preview) -> Line:
    """What would come of it, in a line."""
    report = preview.report
    examples = count(preview.examples, "example session")
    splits = ", ".join(f"{name} {count}" for name, count in report.rows.items() if name)
    left = sum(report.left.values())
    redacted = ", ".join(f"{count} {kind}" for kind, count in report.redacted.items())
    return (
        (count(report.total, "row"), "heading"),
        (f" of {count(report.sessions, 'session')}", ""),
        (f"   without {examples} (kind:example)" if preview.examples else "", "muted"),
        (f"   {splits}" if splits else "", ""),
        (f"   {left} left out" if left else "   nothing left out", "warn" if left else "muted"),
        (f"   redacted {redacted}" if redacted else "", ""),
    )
