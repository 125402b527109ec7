"""What is done for many rows or texts at once is to the letter what is done for each of them."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_core import events as ev
from distill_core.recorder import SessionLog
from sessions.export import Options, Plan, sources
from sessions.export.dedup import Dedup
from sessions.export.encoding import Encoding
from sessions.export.formats import find
from sessions.export.redact import KINDS, Redactor, make_finders, redactor
from sessions.export.rows import RULES, Left
from sessions.export.several import Several
from sessions.export.sifting import Sieve
from tests.sessions.export.inventing import sessions
from tests.sessions.export.test_glance import HOME, KEY, texts

FINDERS = make_finders(KINDS, keys=[KEY], homes=[HOME])
ALL = frozenset(RULES) - {"failed"}


def test_rows_are_known_together_or_none_of_them():
    seen = Dedup()
    assert seen.repeats(["h", "h"], ["a", "b"])
    assert not seen.knows("h")
    assert not seen.repeats(["h", "i"], ["a", "b"])
    assert seen.repeats(["j", "i"], ["c", "d"])
    assert (seen.knows("h"), seen.knows("i"), seen.knows("j")) == (True, True, False)
    assert seen.seen("e", "i", "").first == "b"


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, max_size=5), st.integers(1, 200))
def test_texts_that_were_expected_are_redacted_as_those_that_were_not(found, together):
    slow = Redactor([lambda text, find=find: find(text) for find in FINDERS])
    expecting, quick, quicker = Redactor(FINDERS), Redactor(FINDERS), Redactor(FINDERS)
    before, redactor._TOGETHER = redactor._TOGETHER, together
    try:
        expecting.expect(found)
        at_once = list(quick.texts(found))
        assert quicker.all_texts(found) == at_once
    finally:
        redactor._TOGETHER = before
    one_by_one = [slow.text(text) for text in found]
    assert at_once == one_by_one == [expecting.text(text) for text in found]
    assert quick.counts == quicker.counts == expecting.counts == slow.counts


@settings(deadline=None)
@given(texts)
def test_a_name_that_leaves_is_told_as_it_is(name):
    names = Redactor(FINDERS)
    if names.leaves(name):
        assert names.text(name) == names.name(name) == name
        assert not names.counts


def told(prepared):
    """Of rows all that is written of each, and what is left out: the order is that of each of the two."""
    rows, left = [], []
    for one in prepared:
        for row in one.each() if isinstance(one, Several) else (one,):
            if isinstance(row, Left):
                left.append(row)
                continue
            origin = row.row.origin
            counted = (*row.row.columns, *origin.models, *origin.annotators, *origin.labels)
            rows.append((row.row.key, row.split, row.digest, row.line, counted))
    return rows, left


def with_secrets(event, secrets):
    """The event, its words with something behind them that must not leave."""
    if isinstance(event, ev.SupervisorReplied | ev.CellOutput):
        return msgspec.structs.replace(event, text=event.text + secrets[event.seq % len(secrets)])
    if isinstance(event, ev.WorkerCallStarted):
        return msgspec.structs.replace(event, prompt=event.prompt + secrets[event.seq % len(secrets)])
    if isinstance(event, ev.WorkerCallReturned):
        said = event.response + secrets[event.seq % len(secrets)]
        model = event.model + secrets[0] * (event.seq % 2)
        return msgspec.structs.replace(event, response=f'{said} It says "{said} and so on."', model=model)
    return event


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sessions(), st.lists(texts, min_size=1, max_size=4), st.sampled_from([frozenset(), ALL]), st.booleans()
)
def test_worker_calls_make_the_same_rows_together(tmp_path_factory, events, secrets, keep, evidence):
    folder = tmp_path_factory.mktemp("session")
    log = SessionLog(folder)
    for event in events:
        log.write(with_secrets(event, secrets))
    log.close()
    (source,) = sources([folder])
    for kinds in ((), KINDS):
        plan = Plan(
            format=find("worker"),
            sources=(source,),
            redact=kinds,
            keys=(KEY,),
            homes=(HOME,),
            options=Options(keep=keep, evidence=evidence),
        )
        single, together = Sieve(plan), Sieve(plan)
        assert told(together.prepare_together(source)) == told(single.prepare(source))
        assert together.redacted == single.redacted


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sessions() | sessions(commonly=True),
    st.lists(texts, min_size=1, max_size=4),
    st.sampled_from([frozenset(), ALL]),
    st.booleans(),
)
def test_turns_make_the_same_rows_together(tmp_path_factory, events, secrets, keep, reasoning):
    folder = tmp_path_factory.mktemp("session")
    log = SessionLog(folder)
    for event in events:
        log.write(with_secrets(event, secrets))
    log.close()
    (source,) = sources([folder])
    for kinds in ((), KINDS):
        plan = Plan(
            format=find("prompt-completion"),
            sources=(source,),
            redact=kinds,
            keys=(KEY,),
            homes=(HOME,),
            options=Options(keep=keep),
            reasoning=reasoning,
        )
        single, together = Sieve(plan), Sieve(plan)
        assert told(together.prepare_together(source)) == told(single.prepare(source))
        assert together.redacted == single.redacted


values = st.sampled_from(
    [1, 1.0, True, "a", {"role": "user", "content": "é"}, {"b": 1, "a": 2}, {"a": 2, "b": 1}]
)


@settings(deadline=None, max_examples=50)
@given(st.lists(values, max_size=4), st.lists(st.tuples(st.integers(0, 4), st.lists(values, max_size=2))))
def test_what_stood_in_the_row_before_is_encoded_as_anew(start, steps):
    encoding, items = Encoding(), start
    for keep, added in steps:
        items = [*items[: max(0, len(items) - keep)], *added]
        for columns in (
            {"prompt": items},
            {"prompt": list(items), "completion": ["x"], "n": 1},
            {"n": 1},
            {},
        ):
            assert encoding.of(columns) == msgspec.json.encode(columns)
