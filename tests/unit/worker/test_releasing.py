"""A round of the release: due jobs become chunks on the broker, and what is away now is left to the next round."""

import math
import time

import pytest
from structlog.testing import capture_logs

from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import ensure_campaign, pause_campaign, resume_campaign
from ledger.dead_letters.outbox import unpublished_events
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from limiter.keys import campaign_key, limits_key, suspended_campaigns_key
from limiter.state import Availability
from tests.contract.ledger.build import OPERATOR, TIMEOUT, Desk, make_job, make_jobs, refuse
from tests.unit.limit_states import limit_state
from tests.unit.worker.process import chunks, notices, wake_ups
from tests.unit.worker.test_chunks import AbsentLedger
from worker import dispatcher
from worker.dispatcher import run_release, size_shared_chunk, size_window


@pytest.mark.parametrize(
    ("limits", "lane", "expected"),
    [
        (limit_state(0), Lane.BLAST, (2000, 200)),
        (limit_state(0), Lane.BACKGROUND, (2000, 50)),
        (limit_state(6_000), Lane.BLAST, (500, 200)),
        (limit_state(1_200), Lane.BLAST, (100, 50)),
        (limit_state(100), Lane.BLAST, (8, 4)),
        (limit_state(1), Lane.BLAST, (2, 1)),
        (limit_state(6_000, adaptive_limit=1_200), Lane.BLAST, (100, 50)),
        (limit_state(0, adaptive_limit=60), Lane.BLAST, (5, 2)),
        (limit_state(0, availability=Availability.SUSPENDED), Lane.BLAST, (0, 1)),
        (limit_state(0, availability=Availability.PROBING), Lane.BLAST, (2, 1)),
        (limit_state(6_000, campaigns=(7,)), Lane.BLAST, (500, 200)),
    ],
    ids=[
        "unlimited",
        "unlimited background",
        "as much as fits in five seconds",
        "five seconds of work in a chunk",
        "the documented rate",
        "at least a job for each child",
        "the adaptive limit where it is lower",
        "the adaptive limit where there is no rate",
        "nothing while suspended",
        "single jobs while probed",
        "as always while a campaign is suspended",
    ],
)
def test_the_window_and_the_chunk_are_seconds_of_work_at_the_rate(limits, lane, expected):
    assert size_window(limits, lane, workers=2, window_most=2_000, chunk_most=200) == expected


def test_no_rate_however_high_or_low_makes_a_window_below_a_chunk():
    for rate in range(60_000):
        window, chunk = size_window(
            limit_state(rate), Lane.BLAST, workers=3, window_most=500, chunk_most=200
        )
        assert 1 <= chunk <= window <= 500
        assert math.isfinite(window)


@pytest.mark.parametrize(
    ("rate", "workers", "took_seconds", "expected"),
    [
        (0, 2, 0.2, math.inf),
        (1_200, 2, 0.0, 5),
        (1_200, 5, 0.2, 2),
        (1_200, 2, 1.4, 20),
        (1_200, 2, None, 8.75),
        (1_200, 2, 20.0, 50),
    ],
    ids=[
        "no rate, no bound",
        "half a second of work in all children together",
        "whatever their number",
        "more when calls take long",
        "half a second for a call of which nothing is known",
        "never more than when a campaign is alone",
    ],
)
def test_where_several_campaigns_share_a_chunk_is_a_part_of_half_a_second(
    rate, workers, took_seconds, expected
):
    assert size_shared_chunk(
        limit_state(rate), workers=workers, took_seconds=took_seconds
    ) == pytest.approx(expected)


def test_due_jobs_become_chunks_of_ids_in_their_lanes_queue(services, book):
    book.accept(*make_jobs(3), make_job(9, lane=Lane.BACKGROUND))
    assert run_release(services) == 4
    ((chunk_id, numbers),) = chunks(services.app)
    assert len(numbers) == 3
    assert len(chunks(services.app, Lane.BACKGROUND)) == 1
    claimed = book.claim(type("Message", (), {"id": chunk_id, "job_numbers": numbers}))
    assert [job.id for job in claimed.jobs] == [job.id for job in make_jobs(3)]


def test_every_round_is_a_heartbeat_of_the_release_and_beats_own_is_one_of_beat_too(services, book):
    run_release(services)
    assert set(silent_seconds(book.ledger)) == {Heartbeat.RELEASE}
    run_release(services, by_beat=True)
    assert set(silent_seconds(book.ledger)) == set(Heartbeat)


def test_a_round_without_redis_is_a_heartbeat_all_the_same(services, book, server):
    server.connected = False
    run_release(services)
    assert set(silent_seconds(book.ledger)) == {Heartbeat.RELEASE}


def test_a_round_without_a_broker_takes_every_job_back_at_once(brokerless_parts, book):
    book.accept(*make_jobs(300))
    assert run_release(brokerless_parts) == 0
    assert book.counts() == {State.WAITING: 300}
    assert len(book.release()) == 1


def test_a_round_without_redis_releases_nothing_but_still_reaps(services, book, server):
    book.accept(make_job(1))
    book.take()
    book.lapse()
    server.connected = False
    assert run_release(services) == 0
    assert book.counts() == {State.WAITING: 1}


def test_a_round_without_a_ledger_says_so_and_ends(services):
    with AbsentLedger(services.base.site.ledger_url) as ledger:
        services.ledger, ledger.absences = ledger, 1
        with capture_logs() as logged:
            assert run_release(services) == 0
    assert [event["event"] for event in logged] == ["ledger_unavailable"]


def store(services, **fields):
    """Write fields of the account's limits."""
    services.start(
        services.limits.redis.hset(limits_key(services.account.name), mapping=fields)
    ).result(5)


def microseconds(seconds_from_now):
    return int((time.time() + seconds_from_now) * 1_000_000)


def test_a_suspended_account_releases_nothing(services, book):
    book.accept(make_job(1))
    store(services, suspended_since=microseconds(0), suspended_until=microseconds(30))
    assert run_release(services) == 0
    assert chunks(services.app) == []


@pytest.mark.parametrize(
    ("held", "background", "expected"),
    [
        ({"suspended_since": microseconds(-60)}, 2, (1, 1)),
        ({"limit": 60}, 3, (3, 2)),
        ({"limit": 60}, 12, (5, 0)),
        ({}, 12, (12, 40)),
    ],
    ids=["probed", "some is left under a limit", "nothing is left under a limit", "not held back"],
)
def test_with_few_calls_to_be_had_a_blast_gets_what_background_requests_leave(
    services, book, held, background, expected
):
    if held:
        store(services, **held)
    services.settings = services.settings.model_copy(update={"workers": 2})
    book.accept(*make_jobs(40), *make_jobs(background, first=100, lane=Lane.BACKGROUND))
    run_release(services)
    released = {
        lane: sum(len(numbers) for _, numbers in chunks(services.app, lane))
        for lane in (Lane.BACKGROUND, Lane.BLAST)
    }
    assert (released[Lane.BACKGROUND], released[Lane.BLAST]) == expected


def test_while_the_account_is_probed_each_campaign_has_a_single_job_on_the_way(services, book):
    services.settings = services.settings.model_copy(update={"workers": 4})
    store(services, suspended_since=microseconds(-60))
    book.accept(*make_jobs(20))
    book.another("holi").accept(*make_jobs(20, campaign="holi"))
    run_release(services)
    run_release(services)
    assert [len(numbers) for _, numbers in chunks(services.app)] == [1, 1]


def test_probes_are_taken_in_turns_from_the_jobs_due_first_and_due_last(services, book):
    store(services, suspended_since=microseconds(-60))
    book.accept(*make_jobs(5))
    found = []
    for _ in range(2):
        run_release(services)
        ((chunk_id, numbers),) = chunks(services.app)
        book.claim(type("Message", (), {"id": chunk_id, "job_numbers": numbers}))
        found += numbers
    assert sorted(found) == [1, 5]


def test_of_a_suspended_campaign_a_single_job_is_released_and_another_campaign_goes_on(
    services, book
):
    other = book.another("holi")
    book.accept(*make_jobs(20))
    other.accept(*make_jobs(20, campaign="holi"))
    name, number = services.account.name, book.campaign.id
    redis = services.limits.redis
    services.start(
        redis.hset(campaign_key(name, number), "suspended_since", microseconds(-60))
    ).result(5)
    services.start(redis.sadd(suspended_campaigns_key(name), number)).result(5)
    run_release(services)
    run_release(services)
    assert sorted(len(numbers) for _, numbers in chunks(services.app)) == [1, 20]


def test_what_was_lost_with_its_worker_is_released_again_in_the_same_round(services, book):
    book.accept(make_job(1))
    book.take()
    book.lapse()
    assert run_release(services) == 1


def test_whoever_asks_during_a_round_gets_another_one(services):
    services.wake_up.request()
    services.wake_up.request()
    run_release(services)
    services.wake_up.request()
    assert wake_ups(services.app) == 2


def test_a_pause_that_redis_has_forgotten_is_written_again(services, book):
    paused = pause_campaign(book.ledger, "diwali", OPERATOR)
    run_release(services)
    assert services.sync_limiter.paused() == {paused.id}


def test_a_pause_left_from_another_ledger_does_not_hold_this_ones_campaign(services, book):
    services.sync_limiter.pause(book.campaign.id)
    run_release(services)
    assert services.sync_limiter.paused() == frozenset()


def test_a_resumed_campaign_is_unpaused_and_a_cancelled_one_stays_paused(services, book):
    cancelled = ensure_campaign(book.ledger, "holi")
    for campaign in (book.campaign, cancelled):
        services.sync_limiter.pause(campaign.id)
    pause_campaign(book.ledger, "diwali", OPERATOR)
    resume_campaign(book.ledger, "diwali", OPERATOR)
    cancel_campaign(book.ledger, "holi", OPERATOR)
    run_release(services)
    assert services.sync_limiter.paused() == {cancelled.id}


def test_notices_of_letters_just_opened_are_left_to_who_opened_them(services, book):
    book.settle(make_job(1), refuse())
    run_release(services)
    assert notices(services.app) == []


def test_notices_that_a_dead_process_left_undone_are_published_once(services, book, monkeypatch):
    monkeypatch.setattr(dispatcher, "_PUBLISH_AFTER_SECONDS", 0.0)
    book.settle(make_job(1), refuse())
    book.settle(make_job(2), TIMEOUT)
    run_release(services)
    run_release(services)
    found = notices(services.app)
    assert sorted(notice["reason"] for notice in found) == ["failed", "in_doubt"]
    assert {notice["request_id"] for notice in found} == {make_job(1).id, make_job(2).id}
    assert all(
        set(notice) == {"letter_id", "request_id", "campaign", "reason", "code"} for notice in found
    )


def test_notices_wait_for_a_broker_that_is_away(brokerless_parts, book, monkeypatch):
    monkeypatch.setattr(dispatcher, "_PUBLISH_AFTER_SECONDS", 0.0)
    book.settle(make_job(1), refuse())
    with capture_logs() as logged:
        run_release(brokerless_parts)
    assert [event["event"] for event in logged] == ["dead_letters_unpublished"]
    assert len(unpublished_events(book.ledger)) == 1


def test_nothing_of_a_customer_lies_in_the_broker(services, book):
    job = make_job(1)
    Desk(book.ledger, book.campaign).accept(job)
    run_release(services)
    with services.app.connection_for_read() as connection:
        queue = connection.SimpleQueue(services.app.amqp.queues["issuance.blast"])
        message = queue.get(block=False)
        carried = f"{message.headers} {message.body}"
        message.ack()
        queue.close()
    assert job.id in carried
    assert job.customer.value not in carried
