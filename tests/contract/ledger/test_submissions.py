"""Submissions to a second person: what waits, a person's own, and what was decided."""

import pytest

from issuance.approval_policy import ApprovalPolicy
from ledger.audit_log import Operator
from ledger.campaign_changes import approve_campaign, reject_campaign, submit_campaign
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.plans.plan import read_plan
from ledger.queries.submissions import decided_submissions, submissions_of, waiting_submissions
from tests.contract.ledger.build import Desk, make_job

_ASKS = ApprovalPolicy(units=0)
ASHA, RAVI = Operator("asha"), Operator("ravi", "as agreed")


@pytest.fixture
def submitted(ledger):
    """Three drafts that asha submitted; one is rejected since."""
    for number, name in enumerate(("spring", "summer", "winter")):
        campaign = ensure_campaign(ledger, name, is_draft=True)
        Desk(ledger, campaign).accept(make_job(number, campaign=name, quantity=2))
        submit_campaign(ledger, name, ASHA, _ASKS)
    reject_campaign(ledger, "summer", RAVI)
    return ledger


def _names(page):
    return [each.campaign for each in page.submissions]


def test_what_waits_is_listed_with_its_size_the_newest_first(submitted):
    page = waiting_submissions(submitted, limit=10)
    assert (_names(page), page.total, page.before) == (["winter", "spring"], 2, None)
    assert (page.submissions[0].lines, page.submissions[0].units) == (1, 2)
    assert page.submissions[0].approval.submitted_by == "asha"


def test_an_approved_campaign_waits_no_longer(submitted):
    digest = read_plan(submitted, "winter").contents.digest
    approve_campaign(submitted, "winter", digest, RAVI)
    assert _names(waiting_submissions(submitted, limit=10)) == ["spring"]
    page = decided_submissions(submitted, limit=10)
    assert [(each.campaign, each.approval.decision) for each in page.submissions] == [
        ("winter", "approved"),
        ("summer", "rejected"),
    ]


def test_a_person_s_own_are_listed_page_by_page(submitted):
    first = submissions_of(submitted, "asha", limit=2)
    assert (_names(first), first.total) == (["winter", "summer"], 3)
    second = submissions_of(submitted, "asha", limit=2, before=first.before)
    assert (_names(second), second.before) == (["spring"], None)
    assert submissions_of(submitted, "ravi", limit=2).total == 0


def test_a_campaign_that_is_submitted_again_has_two_submissions(submitted):
    assert find_campaign(submitted, "summer").state == "draft"
    submit_campaign(submitted, "summer", ASHA, _ASKS)
    assert _names(waiting_submissions(submitted, limit=10)) == ["summer", "winter", "spring"]
    assert submissions_of(submitted, "asha", limit=10).total == 4
