"""A Celery worker on a real broker: it settles chunks and survives messages of every kind."""

import subprocess

import pytest

from issuance.job import Lane
from issuance.states import State
from tests.contract.ledger.build import make_job, make_jobs
from tests.integration.worker.system import wait_for
from worker.chunk_messages import chunk_key

pytestmark = pytest.mark.processes

REFUSED_CUSTOMER = 9102


@pytest.fixture(scope="module", autouse=True)
def _worker(system):
    with system.worker("issuance.blast", "issuance.dead_letters"):
        yield


def _settled(desk, **counts):
    wait_for(lambda: desk.counts() == {State(state): count for state, count in counts.items()})


def _unacknowledged(system):
    return system.redis.hlen("issuance:unacked")


def _jobs(desk, count, **options):
    return make_jobs(count, campaign=desk.campaign.name, **options)


def test_a_released_chunk_is_issued_then_recorded_then_acknowledged(system, desk):
    jobs = _jobs(desk, 5)
    desk.accept(*jobs)
    assert system.release() == 5
    _settled(desk, issued=5)
    wait_for(lambda: not _unacknowledged(system))
    assert system.queued("issuance.blast") == 0
    assert all(system.simulator.truth(job.id)["issued"] == 1 for job in jobs)
    assert len(system.events(event="attempt_recorded", campaign=desk.campaign.name)) == 5


def test_a_duplicate_message_is_acknowledged_without_a_call(system, desk):
    (job,) = _jobs(desk, 1)
    desk.accept(job)
    (chunk,) = desk.release()
    system.publish(chunk.message)
    system.publish(chunk.message)
    _settled(desk, issued=1)
    wait_for(lambda: system.events(event="chunk_empty", chunk_id=chunk.id))
    assert system.simulator.truth(job.id)["calls"] == 1


def test_a_message_redelivered_from_a_dead_worker_claims_its_jobs(system, desk):
    desk.accept(*_jobs(desk, 2))
    (chunk,) = desk.release(lane=Lane.BLAST)
    desk.claim(chunk)
    system.services.orphans.report(chunk.id)
    # A worker whose child died reports the chunk and rejects the message. The test does the same,
    # on a queue without a consumer.
    system.publish(chunk.message, Lane.BACKGROUND)
    with system.app.connection_for_read() as connection:
        channel = connection.channel()
        message = channel.basic_get("issuance.background")
        channel.basic_reject(message.delivery_tag, requeue=True)
        system.redis.rename("issuance:issuance.background", "issuance:issuance.blast")
    _settled(desk, issued=2)


def test_the_worker_logs_unknown_tasks_and_unreadable_bodies_and_keeps_running(system, desk):
    system.app.send_task("issuance.of_tomorrow", args=[[1]], queue="issuance.blast")
    with system.app.producer_pool.acquire(block=True) as producer:
        for body, kind in (
            (b"{not json", "application/json"),
            (b"\x80\x04]\x94.", "application/x-python-serialize"),
        ):
            producer.publish(
                body,
                routing_key="issuance.blast",
                content_type=kind,
                content_encoding="utf-8",
                serializer=None,
            )
        producer.publish({"no": "task"}, routing_key="issuance.blast", serializer="json")
    desk.accept(*_jobs(desk, 1))
    system.release()
    _settled(desk, issued=1)
    logged = [
        event["event"]
        for event in system.events()
        if event["level"] in ("warning", "error", "critical")
    ]
    for text in (
        "issuance.of_tomorrow",
        "JSONDecodeError",
        "untrusted content",
        "deleted unknown message",
    ):
        assert len([event for event in logged if text in event]) == 1


@pytest.mark.parametrize("forged", ["another shape", "no mark", "more jobs", "another's mark"])
def test_a_message_without_the_releases_mark_claims_nothing_and_is_acknowledged(
    system, desk, forged
):
    desk.accept(*_jobs(desk, 2))
    (chunk, other) = desk.release(chunk_size=1)
    [numbers, *rest] = chunk.message.arguments(chunk_key(system.services.ledger))
    arguments = {
        "another shape": ["what", "is", "this"],
        "no mark": [numbers],  # as the versions before marks wrote it
        "more jobs": [[*numbers, *other.job_numbers], *rest],
        "another's mark": other.message.arguments(chunk_key(system.services.ledger)),
    }[forged]
    system.publish(chunk.message, args=arguments)
    (refused,) = wait_for(lambda: system.events(event="chunk_message_refused", chunk_id=chunk.id))
    assert (refused["level"], refused["marked"]) == ("error", forged != "no mark")
    wait_for(lambda: not _unacknowledged(system))
    assert system.queued("issuance.blast") == 0
    assert desk.counts() == {State.QUEUED: 2}
    desk.lapse()
    system.release()  # reaps them: they travel again, in one chunk with its own mark
    _settled(desk, issued=2)
    assert len(system.events(event="chunk_message_refused", chunk_id=chunk.id)) == 1


def test_a_dead_letter_event_reaches_its_handler_once(system, desk):
    job = make_job(REFUSED_CUSTOMER, campaign=desk.campaign.name)
    desk.accept(job)
    system.release()
    _settled(desk, failed=1)
    (event,) = wait_for(lambda: system.events(event="dead_letter_alert", request_id=job.id))
    assert (event["campaign"], event["reason"], event["level"]) == (
        desk.campaign.name,
        "failed",
        "warning",
    )
    assert event["letter_id"] == desk.letter().id
    system.release()
    wait_for(lambda: system.queued("issuance.dead_letters") == 0 and not _unacknowledged(system))
    assert len(system.events(event="dead_letter_alert", request_id=job.id)) == 1


def test_the_blast_worker_does_not_process_background_requests(system, desk):
    other = system.desk(f"{desk.campaign.name} background")
    desk.accept(*_jobs(desk, 3))
    other.accept(make_job(1, campaign=other.campaign.name, lane=Lane.BACKGROUND))
    system.release()
    _settled(desk, issued=3)
    assert system.queued("issuance.background") == 1
    assert other.counts() == {State.QUEUED: 1}
    with system.worker("issuance.background"):
        _settled(other, issued=1)


def test_no_customer_data_is_logged_or_left_in_redis(system, desk):
    job = make_job(77, campaign=desk.campaign.name)
    desk.accept(job)
    system.release()
    _settled(desk, issued=1)
    (voucher,) = desk.line(job).vouchers
    log = system.log_file.read_text(encoding="utf-8")
    keys = " ".join(system.redis.keys("*"))
    assert job.id in log
    assert job.customer.value not in log + keys
    assert voucher not in log + keys


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_worker_ends_by_the_signal_of_any_process(system, pool):
    with system.worker("issuance.background", pool=pool) as process:
        subprocess.run(["kill", "-TERM", str(process.pid)], check=True)
        process.wait(30)
