"""Counters: the database counts lines by state, whatever changes them, even concurrently."""

import pytest
from sqlalchemy import func, select, text, update

from issuance.states import State
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.balance import balance, recount
from ledger.queries.counters import Tally, compact_counters, reward_counts
from ledger.retention.pruning import prune
from ledger.store.database import Ledger
from ledger.store.schema import lines, tallies, tally_deltas
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    Desk,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)


def one_of_each(desk):
    """Leave lines waiting, queued, running, issued, failed and in doubt."""
    desk.settle(make_job(1, rewards=(1001, 1002)), refuse())
    held, first = desk.take_one(make_job(2))
    desk.record(held, judge(first, issue(first)))
    desk.accept(*make_jobs(4, first=3))
    [running, _, _] = desk.release(window=3, chunk_size=1)
    desk.claim(running)


def deltas(ledger):
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(tally_deltas))


def test_counters_equal_a_count(desk):
    one_of_each(desk)
    found = balance(desk.ledger, "diwali")
    assert found == recount(desk.ledger, "diwali")
    assert found.counts == dict.fromkeys(State, 0) | {
        State.WAITING: 1,
        State.QUEUED: 2,
        State.RUNNING: 1,
        State.ISSUED: 1,
        State.FAILED: 2,
    }


def test_lines_are_counted_by_reward(desk):
    desk.settle(make_job(1, rewards=(1001, 1002)), refuse())
    held, first = desk.take_one(make_job(2))
    desk.record(held, judge(first, issue(first)))
    counts = {key: tally for key, tally in _by_reward(desk).items() if tally.lines}
    assert counts == {
        ("1001", State.FAILED): Tally(lines=1),
        ("1002", State.FAILED): Tally(lines=1),
        ("1001", State.ISSUED): Tally(lines=1, units=1),
    }
    list(prune(desk.ledger, older_than_seconds=0))
    assert {key: tally for key, tally in _by_reward(desk).items() if tally.lines} == counts
    compact_counters(desk.ledger)
    assert {key: tally for key, tally in _by_reward(desk).items() if tally.lines} == counts


def test_revoked_lines_leave_the_sums_and_keep_the_balance(desk):
    held, first = desk.take_one(make_job(2))
    desk.record(held, judge(first, issue(first)))
    assert balance(desk.ledger, "diwali").units == 1
    with desk.ledger.write() as connection:
        connection.execute(update(lines).values(state=State.REVOKED))
    found = balance(desk.ledger, "diwali")
    assert (found.units, found.balanced, found.counts[State.REVOKED]) == (0, True, 1)


def _by_reward(desk):
    with desk.ledger.read() as connection:
        return reward_counts(connection, desk.campaign.id)


def test_each_campaign_has_its_own_counters(desk):
    one_of_each(desk)
    holi = desk.another("holi")
    holi.accept(*make_jobs(3, campaign="holi"))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    assert balance(desk.ledger, "holi").counts[State.WAITING] == 3
    assert balance(desk.ledger, "holi") == recount(desk.ledger, "holi")


def test_lines_changed_by_hand_are_counted(desk):
    one_of_each(desk)
    with desk.ledger.write() as connection:
        connection.execute(text("UPDATE lines SET state = 'in_doubt' WHERE state = 'failed'"))
        connection.execute(text("DELETE FROM lines WHERE state = 'issued'"))
    found = balance(desk.ledger, "diwali")
    assert (
        found.counts[State.IN_DOUBT],
        found.counts[State.FAILED],
        found.counts[State.ISSUED],
    ) == (2, 0, 0)
    assert found == recount(desk.ledger, "diwali")
    assert not found.balanced  # the line was accepted, and is nowhere


def test_a_line_whose_state_stays_changes_no_counter(desk):
    one_of_each(desk)
    compact_counters(desk.ledger)
    with desk.ledger.write() as connection:
        connection.execute(update(lines).values(message="seen"))
    assert deltas(desk.ledger) == 0
    assert balance(desk.ledger, "diwali") == recount(desk.ledger, "diwali")


def test_a_rolled_back_change_is_not_counted(desk):
    one_of_each(desk)
    before = balance(desk.ledger, "diwali")
    with desk.ledger.write() as connection:
        connection.execute(text("UPDATE lines SET state = 'in_doubt'"))
        connection.rollback()
    assert balance(desk.ledger, "diwali") == before


def test_compaction_removes_the_appended_changes_and_keeps_balances(desk):
    one_of_each(desk)
    before = balance(desk.ledger, "diwali")
    for _ in range(2):
        compact_counters(desk.ledger)
        assert deltas(desk.ledger) == 0
        assert balance(desk.ledger, "diwali") == before
    desk.accept(make_job(9))
    assert balance(desk.ledger, "diwali").counts[State.WAITING] == before.counts[State.WAITING] + 1


def test_a_group_of_outcomes_appends_few_changes_on_postgresql_and_none_on_sqlite(desk):
    desk.accept(*make_jobs(50))
    held = desk.take()
    compact_counters(desk.ledger)
    desk.record(
        held,
        *(judge(claimed, reply(claimed)) for claimed in held.jobs for reply in [_answer(claimed)]),
    )
    assert deltas(desk.ledger) == {"postgresql": 3, "sqlite": 0}[desk.ledger.dialect.name]
    # Counts only: on a busy machine a job in doubt may become due between the two reads.
    assert balance(desk.ledger, "diwali").counts == recount(desk.ledger, "diwali").counts


def _answer(claimed):
    return {0: issue, 1: lambda _: refuse(), 2: lambda _: TIMEOUT}[claimed.number % 3]


def test_balances_hold_during_recording_and_compaction(desk, at_once):
    desk.accept(*make_jobs(60))
    held = desk.take()

    def work():
        for claimed in held.jobs:
            desk.record(held, judge(claimed, issue(claimed)))

    def fold_often():
        for _ in range(40):
            compact_counters(desk.ledger)

    def look():
        return [balance(desk.ledger, "diwali").balanced for _ in range(40)]

    *_, looks = at_once(work, fold_often, fold_often, look)
    assert all(looks)
    compact_counters(desk.ledger)
    with desk.ledger.read() as connection:
        counts = dict(connection.execute(select(tallies.c.state, tallies.c.line_count)).all())
    assert counts == {"waiting": 0, "issued": 60}


@pytest.mark.parametrize("ledger", ["postgresql"], indirect=True)
def test_writers_of_a_campaigns_lines_do_not_block_each_other_or_a_compaction(desk):
    desk.accept(*make_jobs(4))
    held = desk.take()
    first, second, *_ = held.jobs
    with Ledger(_impatient(desk.ledger)) as other, desk.ledger.write() as connection:
        connection.execute(
            update(lines).where(lines.c.job_number == first.number).values(state="issued")
        )
        others = Desk(other, desk.campaign)
        others.record(held, judge(second, issue(second)))
        others.accept(make_job(9))
        compact_counters(other)
        assert balance(other, "diwali").counts[State.ISSUED] == 1
        connection.rollback()
    assert deltas(desk.ledger) == 0
    assert balance(desk.ledger, "diwali") == recount(desk.ledger, "diwali")


def _impatient(ledger):
    """Return the ledger's URL with a lock timeout, so that a blocked statement fails."""
    url = ledger.engine.url.set(drivername="postgresql").update_query_dict(
        {"options": "-c lock_timeout=500"}
    )
    return url.render_as_string(hide_password=False)
