"""After a restore, no job that may have been sent since the backup counts as new."""

import pytest
from sqlalchemy import update

from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.audit_log import actions_on
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.retention.restore import mark_restored
from ledger.store.clock import now_ms
from ledger.store.schema import heartbeats, restores
from tests.contract.ledger.build import LIMIT_CODE, OPERATOR, issue, judge, make_job, refuse

_HOUR_MS = 3_600_000


@pytest.fixture
def backup_at(desk):
    """Make the release's last heartbeat an hour old: the time of the backup."""
    touch(desk.ledger, Heartbeat.RELEASE)
    with desk.ledger.write() as connection:
        connection.execute(update(heartbeats).values(at=now_ms() - _HOUR_MS))
        return connection.scalar(heartbeats.select().with_only_columns(heartbeats.c.at))


def _taken(desk):
    (claimed,) = desk.take().jobs
    return claimed.may_have_reached, claimed.first_claimed_at and int(
        claimed.first_claimed_at.timestamp() * 1000
    )


def test_a_job_waiting_in_the_backup_counts_as_possibly_sent(desk, backup_at):
    desk.accept(make_job(1))
    restored = mark_restored(desk.ledger, OPERATOR, "by a test")
    assert (restored.jobs, restored.backup_at and int(restored.backup_at.timestamp() * 1000)) == (
        1,
        backup_at,
    )
    assert _taken(desk) == (True, backup_at)


def test_a_job_accepted_after_a_restore_counts_as_possibly_sent(desk, backup_at):
    mark_restored(desk.ledger, OPERATOR, "by a test")
    desk.accept(make_job(1))
    assert _taken(desk) == (True, backup_at)


def test_a_refusal_after_a_restore_is_reconciled_before_it_settles_the_job(desk, backup_at):
    mark_restored(desk.ledger, OPERATOR, "by a test")
    held, claimed = desk.take_one(make_job(1))
    refusal = refuse(LIMIT_CODE, "Max limit for the DAYS is reached")
    desk.record(held, judge(claimed, refusal, policy=RetryPolicy(reconcile_delays_seconds=(30.0,))))
    assert desk.state(claimed) is State.WAITING
    assert desk.row(claimed.id).fallback == State.FAILED
    assert desk.letters() == []


def test_a_job_with_an_open_dead_letter_counts_as_possibly_sent_and_a_settled_one_does_not(
    desk, backup_at
):
    failed = desk.settle(make_job(1), refuse())
    held, claimed = desk.take_one(make_job(2))
    desk.record(held, judge(claimed, issue(claimed)))
    mark_restored(desk.ledger, OPERATOR, "by a test")
    assert desk.row(failed.id).may_have_reached
    assert not desk.row(claimed.id).may_have_reached


def test_of_several_restores_the_oldest_backup_counts_and_after_a_month_none(desk, backup_at):
    mark_restored(desk.ledger, OPERATOR, "by a test")
    touch(desk.ledger, Heartbeat.RELEASE)
    mark_restored(desk.ledger, OPERATOR, "by a test")
    desk.accept(make_job(1))
    assert _taken(desk) == (True, backup_at)
    with desk.ledger.write() as connection:
        connection.execute(update(restores).values(at=now_ms() - 31 * 24 * _HOUR_MS))
    desk.accept(make_job(2))
    claimed = desk.take().jobs[-1]
    assert not claimed.may_have_reached


def test_without_a_heartbeat_the_last_acceptance_dates_the_backup(desk):
    desk.accept(make_job(1))
    restored = mark_restored(desk.ledger, OPERATOR, "by a test")
    assert restored.backup_at is not None
    assert int(restored.backup_at.timestamp() * 1000) == desk.row(make_job(1).id).accepted_at
    assert [action.verb for action in actions_on(desk.ledger, "ledger")] == ["restore"]
