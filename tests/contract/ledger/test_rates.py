"""A campaign's own rate: the release queues no more, over rounds, processes and restarts."""

import time

import pytest
from sqlalchemy import event, select, update

from issuance.states import State
from ledger.campaigns import find_campaign
from ledger.store.clock import now_ms
from ledger.store.schema import campaign_rates, campaigns
from tests.contract.ledger.build import Desk, make_jobs


def set_rate(desk, per_minute):
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == desk.campaign.id)
            .values(rate_per_minute=per_minute)
        )


def let_pass(desk, seconds):
    """Let time pass for the rate: its next arrival comes earlier."""
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaign_rates).values(
                arrival_at=campaign_rates.c.arrival_at - int(seconds * 1000)
            )
        )


def count(chunks):
    return sum(len(chunk.job_numbers) for chunk in chunks)


def claim_all(desk, chunks):
    for chunk in chunks:
        desk.claim(chunk)
    return count(chunks)


def test_a_round_releases_a_burst_of_a_second(desk):
    desk.accept(*make_jobs(20))
    set_rate(desk, 240)
    assert count(desk.release()) == 6
    assert desk.counts() == {State.WAITING: 14, State.QUEUED: 6}


def test_the_next_job_waits_for_its_time(desk):
    desk.accept(*make_jobs(20))
    set_rate(desk, 6)
    assert claim_all(desk, desk.release()) == 1
    assert desk.release() == []
    let_pass(desk, 10)
    assert claim_all(desk, desk.release()) == 1
    assert desk.release() == []


def test_the_rate_is_exact_over_many_rounds_and_another_process(desk):
    desk.accept(*make_jobs(200))
    set_rate(desk, 90)
    began = time.monotonic()
    released = claim_all(desk, desk.release())
    for _ in range(60):
        let_pass(desk, 1.0)
        # a process that has just started: it knows only the ledger
        released += claim_all(desk, Desk(desk.ledger, desk.campaign).release())
    took = 60 + time.monotonic() - began
    assert 90 <= released <= (took + 1.25) * 90 / 60 + 1


def test_jobs_that_no_worker_claims_do_not_pile_up(desk):
    desk.accept(*make_jobs(200))
    set_rate(desk, 60)
    desk.release()
    for _ in range(20):
        let_pass(desk, 60)
        desk.release()
    assert desk.counts() == {State.WAITING: 193, State.QUEUED: 7}


def test_a_campaign_with_a_rate_leaves_the_rest_to_others(desk):
    desk.accept(*make_jobs(50))
    set_rate(desk, 60)
    other = desk.another("onam")
    other.accept(*make_jobs(50, campaign="onam"))
    found = {"diwali": 0, "onam": 0}
    for chunk in desk.release(window=42, chunk_size=10):
        found[chunk.campaign] += len(chunk.job_numbers)
    assert found == {"diwali": 2, "onam": 40}


def test_a_rate_that_is_taken_away_has_no_effect(desk):
    desk.accept(*make_jobs(20))
    set_rate(desk, 1)
    assert count(desk.release()) == 1
    set_rate(desk, None)
    assert count(desk.release()) == 19


def test_a_campaign_without_a_rate_costs_no_statement(desk):
    desk.accept(*make_jobs(5))
    seen = []
    event.listen(
        desk.ledger.engine,
        "before_cursor_execute",
        lambda _conn, _cursor, statement, *_: seen.append(statement),
    )
    assert count(desk.release()) == 5
    assert not [each for each in seen if "campaign_rates" in each]


def test_a_campaign_that_waits_for_its_rate_is_not_finished(desk):
    desk.accept(*make_jobs(2))
    set_rate(desk, 1)
    claim_all(desk, desk.release())
    assert desk.release() == []
    assert find_campaign(desk.ledger, desk.campaign.name).state == "running"


def test_what_was_released_is_noted_after_the_present(desk):
    desk.accept(*make_jobs(2))
    set_rate(desk, 60)
    desk.release()
    with desk.ledger.read() as connection:
        arrival = connection.scalar(select(campaign_rates.c.arrival_at))
        assert arrival == pytest.approx(connection.scalar(select(now_ms())) + 2_000, abs=900)
