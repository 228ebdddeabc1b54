"""A flood of dead letters with a real broker: few messages, and every letter is reported."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from broker.queues import DEAD_LETTER_QUEUE
from issuance.states import DeadLetterState
from ledger.dead_letters.outbox import GROUP_MOST, unpublished
from ledger.intake.acceptance import accept
from ledger.store.schema import dead_letters
from simulator.serve import Simulator
from tests.contract.ledger.build import make_jobs
from tests.contract.webhook.receiver import answer, hang, run_receiver
from tests.integration.worker.system import running_system, wait_for
from tests.valkey import valkey_server

LETTERS = 20_000
_SINGLES = 20
_PAUSE = "issuance:webhook:*:suspended"
_INTERVAL = "issuance:notices:summarised"


@pytest.fixture
def system(tmp_path):
    """An empty system: each test counts the whole queue."""
    with (
        valkey_server(tmp_path / "valkey") as server,
        Simulator() as simulator,
        running_system(tmp_path, f"{server.connection_url}/0", simulator) as made,
    ):
        yield made


def _flood(system, count):
    """Open the dead letters of this many jobs, long ago."""
    desk = system.desk("flood")
    for first in range(1, count + 1, 5_000):
        jobs = make_jobs(min(5_000, count + 1 - first), first=first, campaign="flood")
        accept(system.services.ledger, desk.campaign, jobs)
    with system.services.ledger.write() as connection:
        connection.execute(
            text(
                "INSERT INTO dead_letters (job_number, campaign_id, state, reason, code, message, "
                "openings, opened_at, changed_at) SELECT number, campaign_id, 'open', 'failed', "
                "8003, 'no', 1, 1, 1 FROM jobs"
            )
        )


def _ids(system):
    query = select(dead_letters.c.id).where(dead_letters.c.state == DeadLetterState.OPEN)
    with system.services.ledger.read() as connection:
        return set(connection.scalars(query))


def _publish_all(system):
    """Run rounds of the release until every letter is published; return the number of rounds."""
    for rounds in range(1, 20):
        system.redis.delete(_INTERVAL)  # as after 30 s
        system.release()
        if not unpublished(system.services.ledger, limit=1):
            return rounds
    raise AssertionError("letters were left")


@contextmanager
def _handler(system, receiver, *, seconds=5):
    settings = {
        "ISSUANCE_DEAD_LETTER_WEBHOOK_URL": receiver.url,
        "ISSUANCE_DEAD_LETTER_WEBHOOK_TIMEOUT_SECONDS": str(seconds),
        # The broker restores a lost message 11 s after its delivery.
        "ISSUANCE_LEASE_SECONDS": "2.2",
        "ISSUANCE_API_TIMEOUT_SECONDS": "0.1",
    }
    known = replace(system, environment=system.environment | settings)
    with known.worker(DEAD_LETTER_QUEUE) as process:
        yield process


def _reported(requests):
    """The letters that these requests report: single ones, and those that are summarised."""
    singles, counted, ranges = set(), 0, set()
    for request in requests:
        data = json.loads(request.body)["data"]
        singles |= {letter["letter_id"] for letter in data["dead_letters"]}
        counted += sum(summary["count"] for summary in data["summaries"])
        for summary in data["summaries"]:
            ranges |= {*range(summary["first_letter_id"], summary["last_letter_id"] + 1)}
    return singles, counted, ranges


def test_a_flood_becomes_a_few_messages_and_every_letter_is_reported_once(system):
    _flood(system, LETTERS)
    before = system.redis.info("memory")["used_memory"]
    rounds = _publish_all(system)
    queued = system.queued(DEAD_LETTER_QUEUE)
    assert rounds <= LETTERS // GROUP_MOST + 1
    assert queued <= rounds + 1
    assert system.redis.info("memory")["used_memory"] - before < 1_000_000
    with system.services.ledger.read() as connection:
        marked = connection.scalar(
            select(func.count()).where(dead_letters.c.published_at.is_not(None))
        )
    assert marked == LETTERS
    with run_receiver() as receiver, _handler(system, receiver):
        wait_for(lambda: len(receiver.requests) == queued)
    singles, counted, ranges = _reported(receiver.requests)
    assert len(singles) == _SINGLES
    assert counted == LETTERS - _SINGLES
    assert singles | ranges == _ids(system)


def test_a_webhook_that_fails_for_a_while_gets_everything_in_the_end(system):
    services = system.services
    with run_receiver(answer(500)) as receiver:
        services.settings = services.settings.model_copy(
            update={"dead_letter_webhook_url": receiver.url}
        )
        _flood(system, 200)
        _publish_all(system)
        with _handler(system, receiver):
            _await_suspension(system)
            failed = len(receiver.requests)
            assert 3 <= failed <= 6  # three deliveries, each with a second try
            assert system.release() == 0  # while it is suspended nothing is published
            assert system.queued(DEAD_LETTER_QUEUE) == 0
            receiver.behaviours = [answer(204)]
            _end_suspension(system)
            _publish_all(system)
            wait_for(lambda: _all_reported(system, receiver.requests[failed:]))
    assert unpublished(services.ledger) == []


def _await_suspension(system):
    """Publish what is returned until the webhook is suspended and has returned everything."""
    for _ in range(3):
        wait_for(lambda: len(unpublished(system.services.ledger)) == 200)
        if system.redis.keys(_PAUSE):
            return
        _publish_all(system)
    wait_for(lambda: len(unpublished(system.services.ledger)) == 200)
    assert system.redis.keys(_PAUSE)


def _end_suspension(system):
    system.redis.delete(*system.redis.keys(_PAUSE))  # as after 10 s


def _all_reported(system, requests):
    singles, _, ranges = _reported(requests)
    return singles | ranges == _ids(system)


def test_what_a_killed_handler_had_is_reported_by_the_next_one_under_the_same_id(system):
    _flood(system, 200)
    with run_receiver(hang) as receiver, _handler(system, receiver, seconds=30) as process:
        _publish_all(system)
        wait_for(lambda: receiver.requests)
        process.kill()
        process.wait(10)
        (lost,) = receiver.requests
    with run_receiver() as receiver, _handler(system, receiver):
        wait_for(lambda: _all_reported(system, receiver.requests), seconds=60)
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert lost.headers["webhook-id"] in ids
    assert len(set(ids)) == len(ids)
