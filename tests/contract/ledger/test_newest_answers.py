"""What the API answered to an account's newest calls."""

from sqlalchemy import update

from ledger.campaigns import ensure_campaign
from ledger.queries.newest_answers import newest_answers
from ledger.store.clock import now_ms
from ledger.store.schema import attempts
from tests.contract.ledger.build import Desk, issue, judge, make_job, refuse


def _call(ledger, desk, number, answer):
    held, job = desk.take_one(make_job(number, campaign=desk.campaign.name))
    desk.record(held, judge(job, answer(job)))
    with ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms()))


def test_answers_are_counted_by_account_and_the_most_frequent_comes_first(ledger):
    here = Desk(ledger, ensure_campaign(ledger, "diwali", account="north"))
    there = Desk(ledger, ensure_campaign(ledger, "holi", account="south"))
    for number in (1, 2):
        _call(ledger, here, number, issue)
    _call(ledger, here, 3, lambda _: refuse())
    _call(ledger, there, 4, issue)
    found = newest_answers(ledger, "north")
    assert [(each.kind, each.http_status, each.calls) for each in found] == [
        ("issued", 200, 2),
        ("failed", 200, 1),
    ]
    assert found[0].code is not None
    assert found[0].newest is not None
    assert newest_answers(ledger, "east") == []


def test_calls_of_more_than_an_hour_ago_are_left_out(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
    _call(ledger, desk, 1, issue)
    with ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms() - 3_700_000))
    assert newest_answers(ledger, "default") == []
