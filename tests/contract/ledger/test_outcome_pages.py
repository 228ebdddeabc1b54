"""A campaign's lines by outcome, page by page, and their codes."""

from issuance.states import State
from ledger.audit_log import Operator
from ledger.queries.sampled_codes import count_codes
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.code_mix import read_code_mix
from operations.outcomes import page_outcomes
from tests.contract.ledger.build import LIMIT_CODE, TIMEOUT, judge, make_job, make_jobs, refuse

_VIEWER = Subject(Operator("ann"), Grant(frozenset({Role.VIEWER}), "a test", ""))


def _refuse(desk, accepted, code=LIMIT_CODE):
    desk.accept(*accepted)
    held = desk.take()
    desk.record(held, *(judge(job, refuse(code, "no")) for job in held.jobs))


def test_pages_have_every_line_once_in_order_of_acceptance(desk):
    other = desk.another("onam")
    _refuse(other, make_jobs(2, first=50, campaign="onam"))
    accepted = [make_job(number, rewards=(1001, 1002)) for number in range(1, 5)]
    _refuse(desk, accepted)
    after, seen = (0, -1), []
    while after is not None:
        page = page_outcomes(_VIEWER, desk.ledger, "diwali", State.FAILED, after=after, limit=3)
        assert len(page.lines) <= 3
        assert page.totals[State.FAILED] == 8
        seen += [line.request_id for line in page.lines]
        after = page.next
    assert seen == [line.request_id for job in accepted for line in job.lines]


def test_codes_have_their_meaning_and_remedy(desk):
    _refuse(desk, make_jobs(3))
    _refuse(desk, [make_job(9)], code=99_999)
    desk.settle(make_job(10), TIMEOUT)
    mix = read_code_mix(_VIEWER, desk.ledger, "diwali")
    found = {(each.state, each.code): each for each in mix.codes}
    assert found[State.FAILED, LIMIT_CODE].lines == 3
    assert "new window" in found[State.FAILED, LIMIT_CODE].remedy
    assert "unknown code" in found[State.FAILED, 99_999].meaning
    assert found[State.IN_DOUBT, None].lines == 1
    assert (mix.counted, mix.total) == (5, 5)


def test_codes_are_of_one_campaign_and_state(desk):
    other = desk.another("onam")
    _refuse(other, make_jobs(2, first=50, campaign="onam"))
    _refuse(desk, [make_job(1)])
    with desk.ledger.read() as connection:
        (count,) = count_codes(connection, desk.campaign.id, State.FAILED)
        assert (count.code, count.lines) == (LIMIT_CODE, 1)
        assert count_codes(connection, desk.campaign.id, State.PARTIAL) == []
