"""Jobs that wait for the leases of a process that has ended."""

import time

import pytest

from issuance.job import Lane
from ledger.queries.claimed_before import claimed_before
from tests.contract.ledger.build import make_job

_LEASE_SECONDS = 120.0


@pytest.fixture
def claimed(desk):
    """One job that a worker has claimed, and one that waits."""
    desk.take_one(make_job(1))
    desk.accept(make_job(2))
    return desk


def test_a_job_that_was_claimed_before_waits_for_its_lease(ledger, claimed):
    ended = time.time() + 60
    found = claimed_before(ledger, Lane.BLAST, ended, lease_seconds=_LEASE_SECONDS)
    assert found.jobs == 1
    assert found.until is not None
    assert found.until.timestamp() > time.time()


def test_a_job_that_was_claimed_later_is_another_process_s(ledger, claimed):
    ended = time.time() - 600
    assert claimed_before(ledger, Lane.BLAST, ended, lease_seconds=_LEASE_SECONDS) == (0, None)


def test_another_lane_is_another_process_s(ledger, claimed):
    ended = time.time() + 60
    found = claimed_before(ledger, Lane.BACKGROUND, ended, lease_seconds=_LEASE_SECONDS)
    assert found == (0, None)
