"""A round of the release: due jobs become chunks, and an outage leaves work to the next round."""

import math
import time
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from broker.publisher import PublishRefused
from broker.refusals import recent_refusal
from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import ensure_campaign, pause_campaign, resume_campaign
from ledger.dead_letters.outbox import find_events, unpublished
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.claims import claim
from ledger.dispatch.release import Chunk
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from limiter.keys import campaign_key, limits_key, suspended_campaigns_key
from limiter.state import Availability
from tests.contract.ledger.build import OPERATOR, TIMEOUT, Desk, make_job, make_jobs, refuse
from tests.unit.limit_states import limit_state
from tests.unit.worker.process import chunk_messages, chunks, published_notices, wake_ups
from tests.unit.worker.test_chunk_handler import UnavailableLedger
from worker import dispatcher
from worker.dispatcher import run_release
from worker.windows import size_shared_chunk, size_window


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
        "five seconds of work in the window",
        "a child's share of the window in a chunk",
        "the documented rate",
        "at least a job for each child",
        "the adaptive limit where it is lower",
        "the adaptive limit where there is no rate",
        "nothing while suspended",
        "single jobs while probed",
        "unchanged while a campaign is suspended",
    ],
)
def test_the_window_and_the_chunk_hold_seconds_of_work_at_the_rate(limits, lane, expected):
    assert size_window(limits, lane, workers=2, window_most=2_000, chunk_most=200) == expected


def test_no_rate_makes_a_window_smaller_than_a_chunk():
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
        "fewer jobs with more children",
        "more when calls take long",
        "half a second for calls of unknown duration",
        "never more than for a single campaign",
    ],
)
def test_chunks_are_half_a_second_of_work_while_campaigns_share_the_rate(
    rate, workers, took_seconds, expected
):
    assert size_shared_chunk(
        limit_state(rate), workers=workers, took_seconds=took_seconds
    ) == pytest.approx(expected)


def test_due_jobs_become_chunks_in_their_lanes_queue(services, book):
    book.accept(*make_jobs(3), make_job(9, lane=Lane.BACKGROUND))
    assert run_release(services) == 4
    (message,) = chunk_messages(services)
    assert len(message.job_numbers) == 3
    assert len(chunks(services.app, Lane.BACKGROUND)) == 1
    claimed = claim(book.ledger, message, lease_seconds=60, orphaned=False)
    assert [job.id for job in claimed.jobs] == [job.id for job in make_jobs(3)]


def test_every_round_records_the_releases_heartbeat_and_a_round_by_beat_its_own_too(services, book):
    run_release(services)
    assert set(silent_seconds(book.ledger)) == {Heartbeat.RELEASE}
    run_release(services, by_beat=True)
    assert set(silent_seconds(book.ledger)) == set(Heartbeat)


def test_a_round_without_redis_still_records_a_heartbeat(services, book, server):
    server.connected = False
    run_release(services)
    assert set(silent_seconds(book.ledger)) == {Heartbeat.RELEASE}


def test_a_round_without_a_broker_takes_every_job_back_at_once(brokerless_services, book):
    book.accept(*make_jobs(300))
    assert run_release(brokerless_services) == 0
    assert book.counts() == {State.WAITING: 300}
    assert len(book.release()) == 1


def test_a_round_without_redis_releases_nothing_and_still_reaps(services, book, server):
    book.accept(make_job(1))
    book.take()
    book.lapse()
    server.connected = False
    assert run_release(services) == 0
    assert book.counts() == {State.WAITING: 1}


def test_a_round_without_a_ledger_is_logged_and_releases_nothing(services):
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger, ledger.failures_left = ledger, 1
        with capture_logs() as logged:
            assert run_release(services) == 0
    assert [event["event"] for event in logged] == ["ledger_unavailable"]


def store(services, **fields):
    """Set fields of the account's limits."""
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
def test_a_limited_account_serves_background_requests_before_the_blast(
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


def test_while_the_account_is_probed_each_campaign_has_one_released_job(services, book):
    services.settings = services.settings.model_copy(update={"workers": 4})
    store(services, suspended_since=microseconds(-60))
    book.accept(*make_jobs(20))
    book.another("holi").accept(*make_jobs(20, campaign="holi"))
    run_release(services)
    run_release(services)
    assert [len(numbers) for _, numbers in chunks(services.app)] == [1, 1]


def test_probes_alternate_between_the_jobs_due_first_and_due_last(services, book):
    store(services, suspended_since=microseconds(-60))
    book.accept(*make_jobs(5))
    found = []
    for _ in range(2):
        run_release(services)
        (message,) = chunk_messages(services)
        claim(book.ledger, message, lease_seconds=60, orphaned=False)
        found += message.job_numbers
    assert sorted(found) == [1, 5]


def test_a_suspended_campaign_has_one_job_released_and_other_campaigns_continue(services, book):
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


def test_jobs_of_a_dead_worker_are_released_again_in_the_same_round(services, book):
    book.accept(make_job(1))
    book.take()
    book.lapse()
    assert run_release(services) == 1


def test_a_wake_up_during_a_round_requests_another_round(services):
    services.wake_up.request()
    services.wake_up.request()
    run_release(services)
    services.wake_up.request()
    assert wake_ups(services.app) == 2


def test_a_pause_missing_in_redis_is_written_again(services, book):
    paused = pause_campaign(book.ledger, "diwali", OPERATOR)
    run_release(services)
    assert services.limiter.paused() == {paused.id}


def test_a_pause_left_by_another_ledger_is_removed(services, book):
    services.limiter.pause(book.campaign.id)
    run_release(services)
    assert services.limiter.paused() == frozenset()


def test_a_resumed_campaign_is_unpaused_and_a_cancelled_one_stays_paused(services, book):
    cancelled = ensure_campaign(book.ledger, "holi")
    for campaign in (book.campaign, cancelled):
        services.limiter.pause(campaign.id)
    pause_campaign(book.ledger, "diwali", OPERATOR)
    resume_campaign(book.ledger, "diwali", OPERATOR)
    cancel_campaign(book.ledger, "holi", OPERATOR)
    run_release(services)
    assert services.limiter.paused() == {cancelled.id}


def test_recent_dead_letter_events_are_left_to_their_own_worker(services, book):
    book.settle(make_job(1), refuse())
    run_release(services)
    assert published_notices(services.app) == []


def test_events_that_a_dead_process_left_unpublished_are_published_once(
    services, book, monkeypatch
):
    monkeypatch.setattr(dispatcher, "_PUBLISH_AFTER_SECONDS", 0.0)
    book.settle(make_job(1), refuse())
    book.settle(make_job(2), TIMEOUT)
    run_release(services)
    run_release(services)
    (notices,) = published_notices(services.app)
    events = find_events(book.ledger, notices.letter_ids)
    assert sorted(event.reason for event in events) == ["failed", "in_doubt"]
    assert {event.job_id for event in events} == {make_job(1).id, make_job(2).id}


def test_dead_letter_events_wait_for_an_unavailable_broker(brokerless_services, book, monkeypatch):
    monkeypatch.setattr(dispatcher, "_PUBLISH_AFTER_SECONDS", 0.0)
    book.settle(make_job(1), refuse())
    with capture_logs() as logged:
        run_release(brokerless_services)
    assert [event["event"] for event in logged] == ["dead_letters_unpublished"]
    assert len(unpublished(book.ledger)) == 1


def test_a_chunk_that_the_broker_refuses_does_not_hold_the_others(services, book, monkeypatch):
    book.accept(*make_jobs(3))
    services.settings = services.settings.model_copy(update={"chunk_max_jobs": 1})
    publish, refused = dispatcher.publish, []

    def refusing(app, task, **options):
        if not refused:
            refused.append(options["task_id"])
            raise PublishRefused("PreconditionFailed: message size 20000 is larger than 3000")
        publish(app, task, **options)

    monkeypatch.setattr(dispatcher, "publish", refusing)
    with capture_logs() as logged:
        assert run_release(services) == 2
    assert [event["event"] for event in logged if event["log_level"] == "error"] == [
        "chunk_refused"
    ]
    assert book.counts() == {State.WAITING: 1, State.QUEUED: 2}
    assert "larger than 3000" in recent_refusal(services.limits_redis)
    assert run_release(services) == 0  # it waits


def test_what_flower_shows_of_a_chunk_is_bounded():
    numbers = tuple(range(1_000))
    ids = tuple(str(uuid4()) for _ in range(10_000))
    text = dispatcher.describe_chunk(Chunk("1", "x" * 5_000, 1, Lane.BLAST, numbers, ids))
    assert len(text.encode()) < 1_000
    assert " · 1000 jobs · " in text
    assert text.endswith(f"{ids[9]} and 9990 more")
    short = dispatcher.describe_chunk(Chunk("1", "spring", 1, Lane.BLAST, (1,), ids[:2]))
    assert short == f"spring · 1 job · {ids[0]} {ids[1]}"


def test_no_customer_data_is_in_the_broker(services, book):
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
