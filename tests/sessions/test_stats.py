"""The numbers are those of the sessions selected."""

import pytest

from distill_core import events as ev
from distill_core.models.base import Usage
from sessions import Store, parse
from sessions.stats import BINS, stats
from tests.sessions.homes import decision, invent, judge


def finished(status="finished", cost=None):
    spent = {"supervisor_usage": Usage(), "worker_usage": Usage()}
    return ev.SessionFinished(
        step=1,
        status=status,
        answer=None,
        partial=False,
        reason="",
        iterations=1,
        cost=cost,
        elapsed=30.0,
        **spent,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    edited = decision("edit", took=30.0, before=("a",), after=("b",))
    copied = decision("approve", copied=True)
    first = invent(
        home, "s1", decision(), edited, decision("accept", proposal="final:c1"), finished(cost=0.25)
    )
    invent(home, "s2", decision("reject", took=400.0, guidance="no"), finished("failed", cost=0.5))
    invent(home, "s3", decision("approve", by="policy:auto"), copied, supervisor="other")
    judge(first, rating=4, labels=("good",))
    return home


@pytest.fixture
def found(home):
    with Store(home) as store:
        yield lambda words="": stats(store, parse(words))


def test_counts_and_cost(found):
    all_of_them = found()
    assert all_of_them.sessions == 3
    assert all_of_them.by_status == {"failed": 1, "finished": 1, "unfinished": 1}
    assert (all_of_them.cost, all_of_them.priced) == (0.75, 2)
    assert (all_of_them.rated, all_of_them.labelled, all_of_them.reviewed) == (1, 1, 1)
    assert all_of_them.labels == {"good": 1}
    assert all_of_them.ratings == {"4": 1}
    assert [day.sessions for day in all_of_them.days] == [3]


def test_acceptance_counts_what_persons_let_pass_unchanged_and_no_copies(found):
    big, other = found().models
    assert (big.model, big.decided, big.accepted, big.rate) == ("big", 4, 2, 0.5)
    assert (other.model, other.decided, other.rate) == ("other", 0, None)
    assert found().actions == {"accept": 1, "approve": 1, "edit": 1, "reject": 1}
    assert found().policies == {"approve": 1}


def test_edits_by_what_was_changed(found):
    assert found().edits == {"code edited": 1, "sent back with guidance": 1}


def test_time_to_decide(found):
    assert found().decision_seconds == (30.0, 400.0)
    bins = found().decision_bins
    assert sum(bins) == 4
    assert bins[-1] == 1
    assert len(bins) == len(BINS) + 1


def test_a_filter_selects_what_is_counted(found):
    assert found("status:finished").sessions == 1
    assert found("status:finished").actions == {"accept": 1, "approve": 1, "edit": 1}
    nothing = found("model:none-such")
    assert (nothing.sessions, nothing.models, nothing.decision_seconds) == (0, (), None)


def test_what_a_replay_decided_again_is_no_persons_decision(tmp_path):
    invent(tmp_path, "s1", decision(by="replay"), decision("edit", by="replay", before=("a",), after=("b",)))
    with Store(tmp_path) as store:
        again = stats(store)
    assert (again.actions, again.edits, again.models[0].decided) == ({}, {}, 0)
