"""From a plan to a folder: select, sift, write aside, rename. The same plan over the same sessions, the same bytes.

What an earlier export in the same place holds of sessions that have not changed is taken from there; what an
interrupted one had done is not done again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from pathlib import Path

import msgspec

from distill_core.errors import ExportError
from distill_core.plurals import count
from sessions.export import parquet, shards, sifting_ahead
from sessions.export.card import card, columns_of
from sessions.export.destination import Destination, destination
from sessions.export.hashing import content_hash
from sessions.export.plan import Plan
from sessions.export.provenance import without
from sessions.export.records import CARD, Journal, Manifest, SessionRecord, is_whole, write_manifest
from sessions.export.report import Report, report
from sessions.export.rows import FIXED, RULES, Left
from sessions.export.selecting import Source, fingerprint_of
from sessions.export.several import Kept, several
from sessions.export.sifting import Prepared, Sieve, Sifted


class Progress(msgspec.Struct, frozen=True):
    """How far it is: sessions done of all, and rows written."""

    done: int
    sessions: int
    rows: int


OnProgress = Callable[[Progress], None]


def export(plan: Plan, place: str, *, on_progress: OnProgress = lambda _: None) -> Report:
    """Write the export of `plan` to `place`, a folder or an URL.

    Raises:
        ExportError: the plan is not right, nothing is left of the sessions, or the place cannot be written; then
            nothing is there that was not before.
    """
    plan.check()
    if plan.storage == "parquet":
        parquet.check()
    where = destination(place)
    try:
        return _export(plan, where, on_progress)
    finally:
        where.close()


def _export(plan: Plan, where: Destination, on_progress: OnProgress) -> Report:
    settings = plan.settings()
    earlier = where.before()
    if earlier is not None and earlier[1].settings != msgspec.to_builtins(settings):
        different = sorted(
            name
            for name, value in msgspec.to_builtins(settings).items()
            if earlier[1].settings.get(name) != value
        )
        raise ExportError(
            "another export is there already",
            found=f"made with another {', '.join(different)}",
            remedy="name another place, or remove that one",
        )
    if earlier is not None and not is_whole(*earlier):
        earlier = None  # a file of it is gone, or was changed: it is made anew
    if earlier is not None and _unchanged(plan, earlier[1]):
        return report(plan.format.name, earlier[1].sessions, reused=len(earlier[1].sessions), changed=False)
    writing = _Writing(plan, where.aside(), settings, earlier)
    try:
        made = writing.run(on_progress)
    except OSError as error:
        raise ExportError(
            "cannot write the export",
            found=error.strerror or str(error),
            remedy="free some space, then run it again",
        ) from error
    where.publish()
    return made


def _unchanged(plan: Plan, manifest: Manifest) -> bool:
    # Near-duplicates and damage depend on more than a fingerprint tells, but on nothing that is not in the logs.
    return len(manifest.sessions) == len(plan.sources) and all(
        map(_is_as_then, manifest.sessions, plan.sources)
    )


def _is_as_then(record: SessionRecord, source: Source) -> bool:
    """Whether a session is as it was when `record` was made of it: one that could not be read, still cannot be."""
    named = (record.session, record.family) == (source.session_id, source.family)
    return named and record.fingerprint == fingerprint_of(source.folder)


class _Writing:
    """One export, being written in `folder`."""

    def __init__(
        self, plan: Plan, folder: Path, settings: dict[str, object], earlier: tuple[Path, Manifest] | None
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._settings = settings
        self._sieve = Sieve(plan)
        self._journal = Journal(folder, settings)
        done = self._journal.records
        # Once shards are turned into Parquet there are no lines to go on with.
        finishing = any(folder.rglob("*.parquet"))
        if finishing or plan.near is not None or not self._journal.usable or not _goes_on(done, plan.sources):
            self._start_anew()
        self._shards = shards.Shards(folder, plan.shard_size, self._journal.places)
        self._earlier = _Earlier(plan, *earlier) if earlier is not None and plan.near is None else None
        self._examples: dict[str, Left] = {}
        self._reused = 0
        self._ahead: sifting_ahead.Ahead | None = None

    def _start_anew(self) -> None:
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self._journal = Journal(self._folder, self._settings)
        self._journal.begin(self._settings)

    def run(self, on_progress: OnProgress) -> Report:
        """Write everything; the folder is then whole."""
        plan = self._plan
        sifting_ahead.keep_freed_memory()
        if self._earlier is None and sifting_ahead.pays(plan):
            self._ahead = sifting_ahead.Ahead(plan, len(self._journal.records))
        try:
            with sifting_ahead.collecting_seldom():
                self._sift_all(on_progress)
        except ExportError:
            if not self._journal.records:  # there is nothing to go on with
                shutil.rmtree(self._folder, ignore_errors=True)
            raise
        finally:
            self._shards.close()
            if self._ahead is not None:
                self._ahead.close()
        made = report(plan.format.name, self._journal.records, examples=self._examples, reused=self._reused)
        if not made.total:
            self._nothing(made)
        self._finish(made)
        return made

    # ------------------------------------------------------------ a session

    def _sift_all(self, on_progress: OnProgress) -> None:
        sources = self._plan.sources
        rows = 0
        for number, source in enumerate(sources):
            if number < len(self._journal.records):
                record = self._journal.records[number]
                self._sieve.remember(source, record.hashes)
                if self._earlier is not None:
                    self._earlier.skip(source)
            else:
                record = self._reuse(source) or self._sift(number, source)
                self._shards.flush()
                self._journal.add(record, self._shards.places)
            rows += record.rows
            on_progress(Progress(number + 1, len(sources), rows))

    def _reuse(self, source: Source) -> SessionRecord | None:
        """Take over what the earlier export has of a session that is as it was then; None where it cannot be."""
        if self._earlier is None:
            return None
        record = self._earlier.record(source)
        if record is None:
            return None
        lines = list(self._earlier.lines(record))
        inside = self._plan.format.provenance == "column"
        hashes = [content_hash(without(line) if inside else line) for line, _ in lines]
        if hashes != list(record.hashes):
            return None  # somebody changed a row
        if not self._sieve.remember(source, record.hashes):
            return None
        for line, beside in lines:
            self._shards.write(record.split, line, beside)
        for name in record.files:
            self._earlier.copy(name, self._folder)
        self._reused += 1
        return record

    def _sift(self, number: int, source: Source) -> SessionRecord:
        left: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        hashes: list[str] = []
        files: list[str] = []
        columns: set[str] = set()
        models: set[str] = set()
        annotators: set[str] = set()
        split = ""
        for one in self._sieve.settle(source, self._prepared(number, source)):
            if isinstance(one, Left):
                left[one.rule] += 1
                self._examples.setdefault(one.rule, one)
                continue
            if isinstance(one, Kept) and one.row.name:
                self._write_file(one)
                files.append(one.row.name)
                models.update(one.row.origin.models)
                annotators.update(one.row.origin.annotators)
                labels.update(one.row.origin.labels)
                continue
            rows = several([one]) if isinstance(one, Kept) else one
            split = rows.split
            self._shards.write_all(split, len(rows.keys), rows.lines, rows.beside)
            hashes += rows.digests
            for kind, number in rows.counted():
                columns.update(kind.columns)
                models.update(kind.models)
                annotators.update(kind.annotators)
                for label in kind.labels:
                    labels[label] += number
        return SessionRecord(
            session=source.session_id,
            fingerprint=self._sieve.fingerprint,
            family=source.family,
            split=split,
            rows=len(hashes) + len(files),
            hashes=tuple(hashes),
            files=tuple(files),
            left=dict(sorted(left.items())),
            redacted=dict(sorted(self._sieve.redacted.items())),
            columns=tuple(sorted(columns)),
            beside=self._sieve.beside,
            labels=dict(sorted(labels.items())),
            models=tuple(sorted(models)),
            annotators=tuple(sorted(annotators)),
        )

    def _prepared(self, number: int, source: Source) -> Iterator[Prepared]:
        """What there is to become of a session, made in this process or in another."""
        if self._ahead is not None:
            return self._ahead.prepared(number, source, self._sieve)
        return self._sieve.prepare_together(source)

    def _write_file(self, kept: Kept) -> None:
        path = self._folder / kept.row.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(kept.text, encoding="utf-8", errors="backslashreplace")

    # ------------------------------------------------------------ the end

    def _nothing(self, made: Report) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        why = "the sessions hold none"
        if made.left:
            numbers = ", ".join(f"{number} by {rule}" for rule, number in made.left.items())
            most = max(made.left, key=made.left.__getitem__)
            one = made.examples.get(most) if len(made.left) == 1 and most in FIXED else None
            why = f"{numbers}; " + (
                f"first {one.key}: {one.why}" if one and one.why else f"{most}: {RULES[most]}"
            )
        lifting = "" if set(made.left) <= set(FIXED) else "--keep RULE lifts a rule, "
        raise ExportError(
            f"no row for {made.format} in {count(made.sessions, 'session')}",
            found=f"left out: {why}",
            remedy=f"{lifting}--explain ROW says more",
        )

    def _finish(self, made: Report) -> None:
        plan, folder = self._plan, self._folder
        present = {name for record in self._journal.records for name in record.columns}
        if plan.storage == "parquet":
            for path in sorted((folder / shards.DATA).rglob("*.jsonl")):
                parquet.convert(path, columns_of(plan, present))
        if plan.format.extras is not None:
            folders = {split: f"{shards.DATA}/{split}" for split in made.rows}
            for name, text in plan.format.extras(folders).items():
                (folder / name).write_text(text, encoding="utf-8")
        content = write_manifest(folder, self._settings, self._journal.records)
        (folder / CARD).write_text(card(plan, made, present, f"rows {content[:16]}"), encoding="utf-8")
        self._journal.remove()


def _goes_on(done: list[SessionRecord], sources: tuple[Source, ...]) -> bool:
    """Whether what an interrupted export had done is the beginning of this one."""
    return len(done) <= len(sources) and all(map(_is_as_then, done, sources))


class _Earlier:
    """The rows of an earlier export, read in the order of its sessions."""

    def __init__(self, plan: Plan, folder: Path, manifest: Manifest) -> None:
        self._plan = plan
        self._folder = folder
        self._records = {record.session: (place, record) for place, record in enumerate(manifest.sessions)}
        self._order = manifest.sessions
        self._at = 0
        present = {name for record in manifest.sessions for name in record.columns}
        splits = {record.split for record in manifest.sessions if record.rows and not record.files}
        self._data = {split: self._open(split, present) for split in splits}
        self._beside = {split: shards.lines(folder, shards.BESIDE, split) for split in splits}

    def _open(self, split: str, present: set[str]) -> Iterator[bytes]:
        if self._plan.storage == "parquet":
            return parquet.lines(self._folder, split, columns_of(self._plan, present))
        return shards.lines(self._folder, shards.DATA, split)

    def record(self, source: Source) -> SessionRecord | None:
        """What became of `source` then, if it is the same now and does not hang on other sessions."""
        place, record = self._records.get(source.session_id, (0, None))
        if record is None or place < self._at:
            return None
        same = _is_as_then(record, source)
        # What was left out as a repetition may be the first of its kind now.
        if not same or record.beside or {"duplicate", "same_session", "unreadable"} & set(record.left):
            return None
        while self._at < place:
            self._pass(self._order[self._at])
        return record

    def lines(self, record: SessionRecord) -> Iterator[tuple[bytes, bytes | None]]:
        """The rows of `record`, which comes next; fewer where somebody took some away."""
        self._at += 1
        if record.files or not record.rows:
            return
        lines = islice(self._data[record.split], record.rows)
        if self._plan.format.provenance == "beside":
            yield from zip(lines, islice(self._beside[record.split], record.rows), strict=False)
        else:
            yield from zip(lines, repeat(None), strict=False)

    def skip(self, source: Source) -> None:
        """Go past what there is of a session that needs nothing."""
        place, record = self._records.get(source.session_id, (0, None))
        if record is not None and place >= self._at:
            while self._at <= place:
                self._pass(self._order[self._at])

    def copy(self, name: str, folder: Path) -> None:
        """Take over a file."""
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._folder / name, target)

    def _pass(self, record: SessionRecord) -> None:
        for _ in self.lines(record):
            pass


# ---------------------------------------------------------------- without writing


def sifted(plan: Plan) -> Iterator[tuple[Source, Sifted]]:
    """What the export would do with each row, without writing any.

    Raises:
        ExportError: the plan is not right.
    """
    plan.check()
    sieve = Sieve(plan)
    for source in plan.sources:
        for verdict in sieve.sift(source):
            yield source, verdict


def rehearse(
    plan: Plan,
    *,
    on_progress: OnProgress = lambda _: None,
    on_verdict: Callable[[Sifted], None] = lambda _: None,
) -> Report:
    """The report that the export would give, without writing anything.

    Args:
        on_progress: told after each session; what it raises ends the rehearsal.
        on_verdict: told of each row, in or out.

    Raises:
        ExportError: the plan is not right.
    """
    plan.check()
    sieve = Sieve(plan)
    records: list[SessionRecord] = []
    examples: dict[str, Left] = {}
    rows = 0
    for number, source in enumerate(plan.sources):
        left: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        split, kept = "", 0
        for verdict in sieve.sift(source):
            on_verdict(verdict)
            if isinstance(verdict, Left):
                left[verdict.rule] += 1
                examples.setdefault(verdict.rule, verdict)
            else:
                kept, split = kept + 1, verdict.split
                labels.update(verdict.row.origin.labels)
        records.append(
            SessionRecord(
                session=source.session_id,
                fingerprint=sieve.fingerprint,
                family=source.family,
                split=split,
                rows=kept,
                left=dict(left),
                redacted=dict(sieve.redacted),
                labels=dict(labels),
            )
        )
        rows += kept
        on_progress(Progress(number + 1, len(plan.sources), rows))
    return report(plan.format.name, records, examples=examples)


def explain(plan: Plan, key: str) -> list[str]:
    """Why rows whose name is `key`, or begins with it, are in or out; one line each.

    Rows of which `key` is a whole part of the name go before those that merely begin like it.

    Raises:
        ExportError: the plan is not right.
    """
    whole: list[str] = []
    alike: list[str] = []
    for _, verdict in sifted(plan):
        name = verdict.key if isinstance(verdict, Left) else verdict.row.key
        if not name.startswith(key):
            continue
        lines = whole if name == key or name.startswith(key.rstrip("/") + "/") else alike
        if isinstance(verdict, Left):
            why = f": {verdict.why}" if verdict.why else ""
            lines.append(f"{name}: out by {verdict.rule} ({RULES[verdict.rule]}){why}")
            continue
        origin = verdict.row.origin
        decided = f", {origin.decision}" + (f" by {origin.decided_by}" if origin.decided_by else "")
        where = f"in {verdict.split}" if verdict.split else "in"
        lines.append(f"{name}: {where}{decided if origin.decision else ''}")
    return whole or alike


__all__ = ["Progress", "explain", "export", "rehearse", "sifted"]
