"""A flood of dead letters becomes a bounded number of messages, and no letter is left out."""

import pytest
from fakeredis import FakeRedis
from structlog.testing import capture_logs

from ledger.dead_letters.outbox import find_events, summarise, unpublished
from limiter.webhook_breaker import WebhookBreaker
from tests.contract.ledger.build import judge, make_jobs, refuse
from tests.unit.worker.process import published_notices
from worker import outbox as module
from worker.notices import MESSAGE_MOST, Notices


@pytest.fixture
def outbox(services):
    return services.outbox


def _fail(desk, count, first=1, **options):
    desk.accept(*make_jobs(count, first=first, **options))
    held = desk.take()
    desk.record(held, *(judge(job, refuse()) for job in held.jobs))
    return [job.number for job in held.jobs]


def test_dead_letters_within_the_allowance_have_notices_of_their_own(outbox, services, book):
    numbers = _fail(book, 20)
    assert outbox.publish_own(numbers) == 20
    (notices,) = published_notices(services.app)
    assert len(notices.letter_ids) == 20
    assert notices.ranges == ()
    assert unpublished(book.ledger) == []


def test_a_worker_leaves_the_rest_of_a_flood_to_the_release(outbox, services, book):
    assert outbox.publish_own(_fail(book, 100)) == 20
    assert len(unpublished(book.ledger)) == 80
    assert outbox.publish_own(_fail(book, 10, first=101)) == 0
    assert len(published_notices(services.app)) == 1


def test_the_release_summarises_the_rest_by_campaign_and_reason(outbox, services, book):
    holi = book.another("holi")
    _fail(book, 100)
    _fail(holi, 30, campaign="holi")
    assert outbox.publish_left(older_than_seconds=0.0) == 130
    *singles, summary = published_notices(services.app)
    reported = [letter_id for notices in singles for letter_id in notices.letter_ids]
    assert len(reported) == 40
    counted = {(each.campaign, each.count) for each in _summaries(book, summary)}
    assert counted == {("diwali", 80), ("holi", 10)}
    assert unpublished(book.ledger) == []


def _summaries(book, notices):
    return [summarise(book.ledger, named) for named in notices.ranges]


def test_each_letter_is_in_exactly_one_notice(outbox, services, book):
    _fail(book, 100)
    outbox.publish_left(older_than_seconds=0.0)
    singles, summary = published_notices(services.app)
    (named,) = summary.ranges
    covered = {*singles.letter_ids, *range(named.first_id, named.last_id + 1)}
    assert len(covered) == len(singles.letter_ids) + summarise(book.ledger, named).count == 100
    assert len(find_events(book.ledger, sorted(covered))) == 100


def test_summaries_are_published_at_intervals(outbox, services, book, server):
    _fail(book, 30)
    assert outbox.publish_left(older_than_seconds=0.0) == 30
    _fail(book, 30, first=31)
    assert outbox.publish_left(older_than_seconds=0.0) == 0
    assert len(unpublished(book.ledger)) == 30
    FakeRedis(server=server).delete("issuance:notices:summarised")  # as after 30 s
    assert outbox.publish_left(older_than_seconds=0.0) == 30
    assert len(published_notices(services.app)) == 3


def test_a_large_flood_is_summarised_without_an_interval(outbox, services, book, monkeypatch):
    monkeypatch.setattr(module, "GROUP_MOST", 100)
    monkeypatch.setattr(module, "FEW", 30)
    _fail(book, 250)
    rounds = [outbox.publish_left(older_than_seconds=0.0) for _ in range(4)]
    assert rounds == [100, 100, 50, 0]
    assert len(published_notices(services.app)) == 4  # one has the single notices
    _fail(book, 250, first=251)
    assert outbox.publish_left(older_than_seconds=0.0) == 0  # the interval has begun


def test_a_round_reads_few_of_many_that_wait_for_their_summary(outbox, services, book, monkeypatch):
    monkeypatch.setattr(module, "FEW", 30)
    outbox.allowance.may_summarise()
    _fail(book, 250)
    limits = []
    read = module.unpublished
    monkeypatch.setattr(
        module,
        "unpublished",
        lambda _, limit, **more: limits.append(limit) or read(_, limit, **more),
    )
    assert outbox.publish_left(older_than_seconds=0.0) == 20
    assert limits == [30]


def test_notices_travel_together_in_bounded_messages(outbox, services, book):
    desks = [book.another(f"campaign {number}") for number in range(60)]
    for number, desk in enumerate(desks):
        _fail(desk, 21, first=1 + 21 * number, campaign=f"campaign {number}")
    assert outbox.publish_left(older_than_seconds=0.0) == 60 * 21
    messages = published_notices(services.app)
    assert max(len(each.letter_ids) + len(each.ranges) for each in messages) == MESSAGE_MOST
    assert len(messages) == 60 * 20 / MESSAGE_MOST + 2


def test_a_full_queue_gets_no_message_and_the_letters_stay(outbox, services, book, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_MOST", 2)
    desks = [book.another(f"campaign {number}") for number in range(3)]
    for number, desk in enumerate(desks):
        numbers = _fail(desk, 5, first=1 + 5 * number, campaign=f"campaign {number}")
        outbox.publish_own(numbers)
    assert len(unpublished(book.ledger)) == 5
    assert outbox.publish_left(older_than_seconds=0.0) == 0
    assert len(published_notices(services.app)) == 2
    assert outbox.publish_left(older_than_seconds=0.0) == 5
    assert unpublished(book.ledger) == []


def test_no_single_notice_is_allowed_without_redis_and_all_are_summarised(
    outbox, services, book, server
):
    _fail(book, 5)
    server.connected = False
    assert outbox.publish_left(older_than_seconds=0.0) == 5
    server.connected = True
    (notices,) = published_notices(services.app)
    assert notices.letter_ids == ()
    assert [each.count for each in _summaries(book, notices)] == [5]


def test_nothing_is_published_while_the_webhook_is_suspended(services, book, server):
    redis = FakeRedis(server=server, decode_responses=True)
    services.settings = services.settings.model_copy(
        update={"dead_letter_webhook_url": "https://hooks.test/1"}
    )
    breaker = WebhookBreaker(redis, "https://hooks.test/1")
    for _ in range(3):
        breaker.note_failure("HTTP 500")
    _fail(book, 5)
    assert services.outbox.publish_left(older_than_seconds=0.0) == 0
    breaker.note_success()
    assert services.outbox.publish_left(older_than_seconds=0.0) == 5


def test_an_unavailable_broker_is_logged_and_the_letters_stay(brokerless_services, book):
    numbers = _fail(book, 5)
    with capture_logs() as logged:
        assert brokerless_services.outbox.publish_own(numbers) == 0
    assert [event["event"] for event in logged if event["log_level"] != "info"] == [
        "dead_letters_unpublished"
    ]
    assert len(unpublished(book.ledger)) == 5


def test_a_message_is_read_by_the_handler_as_it_was_published(outbox, services, book):
    outbox.publish_own(_fail(book, 3))
    (notices,) = published_notices(services.app)
    assert Notices.read(notices.as_message()) == notices
