"""One session after the other through every rule: read, redacted, turned into rows, and each row judged.

Writing, counting, previewing and explaining all listen to the same verdicts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from distill_core import events as ev
from distill_core.errors import DistillError
from distill_core.models.base import Message
from distill_core.reading import Reading, read_session
from sessions.export.chat import conversation
from sessions.export.dedup import Dedup
from sessions.export.encoding import Encoding
from sessions.export.hashing import content_hash
from sessions.export.plan import Plan
from sessions.export.provenance import COLUMN, Alikes, provenance
from sessions.export.reasoning import without_prose
from sessions.export.redact import Finders, Redactor, make_finders
from sessions.export.redacting import redacted
from sessions.export.rows import Alike, Left, Origin, Row
from sessions.export.selecting import Source, fingerprint, fingerprint_of
from sessions.export.several import Kept, Kind, Several, several
from sessions.export.trace import Part, Rival, Trace
from sessions.export.tracing import trace_of

Sifted: TypeAlias = Kept | Left
Prepared: TypeAlias = Kept | Left | Several
"""What there is to become of a session before it is known what others hold."""
_encoder = msgspec.json.Encoder()
_ROWS = 500
"""Rows of a session that stand together, at most,"""
_BYTES = 4 << 20
"""and bytes from which on no more are added."""
_TOLD_IN: dict[Part, ev.Stream] = {"turns": "repl", "calls": "worker"}
"""The stream that only those need who read the part."""
REPLAY = "replay"
"""The kind of sessions that ran another one again, as `distill_core.trying_again` calls it."""


class Sieve:
    """Applies a plan to sessions. What it has seen it remembers, so that a repeated row is left out.

    Raises:
        ExportError: a library that the plan needs is missing, or a kind of redaction is unknown.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._finders = Finders(make_finders(plan.redact, keys=plan.keys, homes=plan.homes))
        self._dedup = Dedup(plan.near)
        # What is asked of single rows is asked of each for itself.
        single = plan.labels or plan.vouched or plan.sample is not None or plan.format.provenance != "column"
        self._together = None if single else plan.format.together
        self._encoding = Encoding()
        self._options = msgspec.structs.replace(
            plan.options, tool=plan.tool, licence=plan.licence, prose=plan.reasoning
        )
        self._sessions: dict[str, str] = {}
        self._others = {source.session_id: source for source in plan.sources}
        self.fingerprint = ""
        """Of the log of the session that was sifted last, as it was before that was read."""
        self.redacted: Counter[str] = Counter()
        """What was redacted in the session that was sifted last."""
        self.beside: tuple[str, ...] = ()
        """The other sessions that its rows depend on."""

    def remember(self, source: Source, digests: tuple[str, ...]) -> bool:
        """Take the rows that were made of a session before for seen; False, and nothing, if one of them was seen."""
        if source.session_id in self._sessions or any(self._dedup.knows(digest) for digest in digests):
            return False
        self._sessions[source.session_id] = str(source.folder)
        for digest in digests:
            self._dedup.seen(source.session_id, digest, "")
        return True

    def sift(self, source: Source) -> Iterator[Sifted]:
        """What becomes of each row of a session."""
        for one in self.settle(source, self.prepare(source)):
            yield from one.each() if isinstance(one, Several) else (one,)

    def settle(self, source: Source, prepared: Iterable[Prepared]) -> Iterator[Prepared]:
        """What becomes of a session, for the sake of what others hold too.

        Args:
            prepared: what there is to become of it, whatever they hold.
        """
        known = self._sessions.setdefault(source.session_id, str(source.folder))
        if known != str(source.folder):
            for _ in prepared:
                pass  # in a stream it stands before what comes next
            self.redacted, self.beside = Counter(), ()
            yield Left(key=source.session_id, rule="same_session", why="another folder holds it too")
            return
        for one in prepared:
            if isinstance(one, Several) and self._dedup.repeats(one.digests, one.keys):
                yield from map(self._settled, one.each())
            else:
                yield self._settled(one) if isinstance(one, Kept) else one

    def _settled(self, kept: Kept) -> Sifted:
        """A row that was prepared, or why it is left out for the sake of one before it."""
        if not kept.digest:
            return kept
        words = taught(kept.row.columns) if self._plan.near is not None else ""
        seen = self._dedup.seen(kept.row.key, kept.digest, words)
        return kept if seen is None else Left(key=kept.row.key, rule=seen.rule, why=f"as {seen.first}")

    def prepare(self, source: Source) -> Iterator[Sifted]:
        """What becomes of each row of a session, whatever others hold."""
        whole = self._whole(source, plainly=False)
        if isinstance(whole, Left):
            yield whole
            return
        split = self._split(source)
        for verdict in self._plan.format.rows(whole, self._options):
            yield self._judged(whole, verdict, split) if isinstance(verdict, Row) else verdict

    def prepare_together(self, source: Source) -> Iterator[Prepared]:
        """The same, rows together where they can be: all but files, and what may be nearly equal to another."""
        if self._plan.format.storage == "files" or self._plan.near is not None:
            yield from self.prepare(source)
            return
        together = self._together
        whole = self._whole(source, plainly=together is not None)
        if isinstance(whole, Left):
            yield whole
            return
        split = self._split(source)
        rows: list[Kept] = []
        size = 0
        for verdict in (together or self._plan.format.rows)(whole, self._options):
            if isinstance(verdict, Alike):
                if rows:
                    yield several(rows)
                    rows, size = [], 0
                yield from self._alike(whole, verdict, split)
                continue
            one = self._judged(whole, verdict, split) if isinstance(verdict, Row) else verdict
            if isinstance(one, Left):
                yield one
                continue
            rows.append(one)
            size += len(one.line)
            if len(rows) == _ROWS or size >= _BYTES:
                yield several(rows)
                rows, size = [], 0
        if rows:
            yield several(rows)

    def _split(self, source: Source) -> str:
        return self._plan.splits.of(source.family) if self._plan.format.storage != "files" else ""

    def _whole(self, source: Source, *, plainly: bool) -> Trace | Left:
        """The trace that rows are made of, or why there are none."""
        self.redacted = Counter()
        self.beside = ()
        # Of a log that is read it is told what was read, whoever writes to it meanwhile.
        self.fingerprint = fingerprint_of(source.folder) if source.trouble else ""
        try:
            reading = self._reading(source)
            self.fingerprint = fingerprint(reading.ends)
            redactor = Redactor(self._finders)
            whole = self._trace(source, reading, redactor, plainly=plainly)
            self.redacted = redactor.counts.copy()
            whole = self._with_rivals(source, whole, redactor)
        except DistillError as error:
            return Left(key=source.session_id, rule="unreadable", why=str(error))
        if whole.kind == REPLAY and "replay" not in self._options.keep:
            # Its turns are another session's, with the replies of another worker; nobody decided on them anew.
            return Left(key=source.session_id, rule="replay", why="it runs another session again")
        return whole

    def _with_rivals(self, source: Source, whole: Trace, redactor: Redactor) -> Trace:
        """`whole` with the conversations of the sessions that it was preferred over, of one redaction with it."""
        if not self._plan.format.compares:
            return whole
        rivals = []
        for made in whole.preferences:
            other = self._others.get(made.preference.other) if made.preference is not None else None
            if made.preference is None or made.preference.winner != "this":
                continue
            if other is None:
                rivals.append(_rival(made, (), "it is not exported too"))
            elif self._plan.splits.of(other.family) != self._plan.splits.of(source.family):
                rivals.append(_rival(made, (), "it is in another split"))
            else:
                try:
                    said = conversation(self._trace(other, self._reading(other), redactor))
                except DistillError as error:
                    rivals.append(_rival(made, (), str(error)))
                else:
                    rivals.append(_rival(made, tuple(one.message for one in said), ""))
        self.beside = tuple(rival.session_id for rival in rivals)
        return msgspec.structs.replace(whole, rivals=tuple(rivals))

    def _reading(self, source: Source) -> Reading:
        """What the plan's format reads of the session's log.

        Raises:
            DistillError: it cannot be read.
        """
        if source.trouble:
            raise DistillError(source.trouble)
        reads = self._plan.format.reads
        return read_session(source.folder, passing=[s for part, s in _TOLD_IN.items() if part not in reads])

    def _trace(self, source: Source, reading: Reading, redactor: Redactor, *, plainly: bool = False) -> Trace:
        """The session's trace as it may leave.

        Raises:
            DistillError: its log is damaged.
        """
        _refuse_damage(reading)
        reads = self._plan.format.reads
        found = trace_of(reading.events, family=source.family, reads=reads, plainly=plainly)
        if self._finders.all:
            found = redacted(found, redactor)
        as_told = self._plan.reasoning or self._plan.format.drops_prose
        return found if as_told else without_prose(found)

    def _judged(self, whole: Trace, row: Row, split: str) -> Sifted:
        plan = self._plan
        if plan.labels and not set(plan.labels) & {*row.origin.labels, *whole.labels}:
            return Left(key=row.key, rule="label", why=", ".join(row.origin.labels) or "none")
        if plan.vouched and not _vouched(row.origin):
            return Left(key=row.key, rule="unvouched", why=f"decided by {row.origin.decided_by or 'nobody'}")
        if plan.sample is not None and not _sampled(row.key, plan.sample, plan.splits.seed):
            return Left(key=row.key, rule="sampled_out")
        if plan.format.storage == "files":
            return Kept(row=row, split=split, digest="", line=b"", text=row.columns["text"])
        line = self._encoding.of(row.columns)
        digest = content_hash(line)
        if plan.format.provenance == "inside":
            return Kept(row=row, split=split, digest=digest, line=line)
        where = _encoder.encode(provenance(whole, row, digest, licence=plan.licence, tool=plan.tool))
        if plan.format.provenance == "beside":
            return Kept(row=row, split=split, digest=digest, line=line, beside=where)
        return Kept(row=row, split=split, digest=digest, line=_with(line, where))

    def _alike(self, whole: Trace, rows: Alike, split: str) -> Iterator[Several]:
        """The same of rows that differ in little, where no row is asked for itself: see `_together`."""
        plan = self._plan
        kind = Kind(rows.columns, rows.origin.models, rows.origin.annotators, rows.origin.labels)
        where = Alikes(whole, rows.origin, licence=plan.licence, tool=plan.tool)
        for at in range(0, len(rows.keys), _ROWS):
            mine = slice(at, at + _ROWS)
            keys, starts, lines = rows.keys[mine], rows.starts[mine], rows.lines[mine]
            digests = [content_hash(start + line) for start, line in zip(starts, lines, strict=True)]
            whole_lines = where.added(starts, lines, keys, rows.places[mine], digests)
            yield Several(split, keys, digests, memoryview(whole_lines), b"", [kind], [0] * len(keys))


def _with(line: bytes, where: bytes) -> bytes:
    """A row with its provenance: what was encoded to be hashed is not encoded again."""
    return b'%b,"%b":%b}' % (line[:-1], COLUMN.encode(), where)


def _rival(made: ev.Annotated, messages: tuple[Message, ...], split_apart: str) -> Rival:
    other = made.preference.other if made.preference is not None else ""
    return Rival(session_id=other, messages=messages, by=made.by, seq=made.seq, split_apart=split_apart)


def taught(columns: dict[str, Any]) -> str:
    """The words by which rows are nearly equal or not: all but what came before the last message of a prompt."""
    told = [value for name, value in columns.items() if name not in ("prompt", "input")]
    for name in ("prompt", "input"):
        asked = columns.get(name)
        asked = asked.get("messages") if isinstance(asked, dict) else asked
        told.insert(0, asked[-1] if isinstance(asked, list) and asked else asked)
    return "\n".join(_strings(told))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _vouched(origin: Origin) -> bool:
    """Whether a person stands behind a row."""
    people = (name for name in origin.decided_by.split(", ") if name and not name.startswith("policy:"))
    return bool(origin.annotators) or any(people)


def _sampled(key: str, share: float, seed: int) -> bool:
    digest = hashlib.sha256(f"{seed}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _refuse_damage(reading: Reading) -> None:
    damage = next((problem for problem in reading.problems if not problem.torn), None)
    if damage is not None:
        raise DistillError(
            "the log is damaged", found=str(damage), remedy="distill-tui sessions verify says more"
        )
