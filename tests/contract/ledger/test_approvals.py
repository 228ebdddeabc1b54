"""Approvals: two persons, one digest, and no approval that outlives a change."""

import pytest
from sqlalchemy import select, update

from issuance.approval_policy import NO_POLICY, ApprovalPolicy
from issuance.campaign_settings import GivenSettings
from issuance.states import CampaignState
from ledger.approvals import last_approval
from ledger.audit_log import Operator, actions_on
from ledger.campaign_changes import (
    ApprovalError,
    approve_campaign,
    reject_campaign,
    set_campaign,
    submit_campaign,
)
from ledger.campaigns import (
    CampaignError,
    ensure_campaign,
    find_campaign,
    find_in,
    finish_campaigns,
    pause_campaign,
    weigh_campaign,
)
from ledger.dispatch.cancellation import cancel_campaign
from ledger.dispatch.start import start_scheduled
from ledger.intake.acceptance import Bounds, accept
from ledger.plans.approved import is_still_approved, read_approved
from ledger.plans.plan import read_plan
from ledger.queries.balance import balance
from ledger.store.schema import campaigns, jobs
from tests.contract.ledger.build import Desk, issue, judge, make_job, make_jobs

ANN = Operator("ann", "spring sale")
BOB = Operator("bob", "checked with finance")
POLICY = ApprovalPolicy(units=1)


@pytest.fixture
def draft(ledger):
    desk = Desk(ledger, ensure_campaign(ledger, "diwali", is_draft=True))
    desk.accept(*make_jobs(2))
    return desk


@pytest.fixture
def submitted(draft):
    submit_campaign(draft.ledger, "diwali", ANN, POLICY)
    return draft


@pytest.fixture
def approved(submitted):
    approve_campaign(submitted.ledger, "diwali", digest(submitted), BOB)
    return submitted


def digest(desk):
    return read_plan(desk.ledger, "diwali").contents.digest


def state(desk):
    return find_campaign(desk.ledger, "diwali").state


def approval(desk):
    with desk.ledger.read() as connection:
        return last_approval(connection, desk.campaign.id)


def put(desk, by=ANN, **given):
    return set_campaign(desk.ledger, "diwali", GivenSettings(**given), by, zone="UTC")


def verbs(desk):
    return [entry.verb for entry in actions_on(desk.ledger, "campaign:diwali")]


def test_a_draft_is_not_released(draft):
    assert draft.release() == []


def test_a_submitted_campaign_waits_for_a_second_person(submitted):
    assert state(submitted) is CampaignState.AWAITING_APPROVAL
    found = approval(submitted)
    assert (found.submitted_by, found.submit_note, found.decision) == ("ann", "spring sale", None)
    assert found.digest == digest(submitted)
    entry = actions_on(submitted.ledger, "campaign:diwali")[-1]
    assert (entry.verb, entry.subject, entry.reason) == ("submit", "ann", "spring sale")
    assert entry.after == f"awaiting_approval, digest {found.digest}"
    assert submitted.release() == []
    assert start_scheduled(submitted.ledger) == 0


def test_up_to_the_ceiling_one_person_is_enough(draft):
    found = submit_campaign(draft.ledger, "diwali", ANN, ApprovalPolicy(units=2))
    assert (found.excess, found.campaign.state) == ("", CampaignState.SCHEDULED)
    assert start_scheduled(draft.ledger) == 1
    assert len(draft.release()) == 1


def test_another_person_approves_and_then_it_starts(approved):
    assert state(approved) is CampaignState.SCHEDULED
    found = approval(approved)
    assert (found.decision, found.decided_by, found.note) == (
        "approved",
        "bob",
        "checked with finance",
    )
    assert start_scheduled(approved.ledger) == 1
    assert verbs(approved) == ["submit", "approve", "start"]


def test_the_submitter_cannot_approve(submitted):
    with pytest.raises(ApprovalError, match="ann submitted diwali: another person must approve"):
        approve_campaign(submitted.ledger, "diwali", digest(submitted), ANN)
    claimed = Operator("ann", claimed="bob")
    with pytest.raises(ApprovalError, match="another person"):
        approve_campaign(submitted.ledger, "diwali", digest(submitted), claimed)
    assert state(submitted) is CampaignState.AWAITING_APPROVAL
    assert verbs(submitted) == ["submit"]


@pytest.mark.parametrize("given", ["", "0" * 64, "short"])
def test_another_digest_is_not_approved(submitted, given):
    with pytest.raises(ApprovalError, match="is not that of diwali"):
        approve_campaign(submitted.ledger, "diwali", given, BOB)
    assert approval(submitted).decision is None


def test_what_was_changed_behind_the_program_is_not_approved(submitted):
    with submitted.ledger.write() as connection:
        connection.execute(update(jobs).values(body=b"{}"))
    with pytest.raises(ApprovalError, match="is not what ann submitted"):
        approve_campaign(submitted.ledger, "diwali", digest(submitted), BOB)


@pytest.mark.parametrize("is_approved", [False, True], ids=["submitted", "approved"])
@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.accept(make_job(3)),
        lambda desk: put(desk, rate=60),
        lambda desk: put(desk, budget_units=5),
        lambda desk: weigh_campaign(desk.ledger, "diwali", 2, ANN),
        lambda desk: set_campaign(
            desk.ledger, "diwali", GivenSettings(), ANN, zone="UTC", points={"1001": 1}
        ),
    ],
    ids=["row", "rate", "budget", "weight", "points"],
)
def test_any_change_voids_the_approval(submitted, is_approved, change):
    desk = submitted
    before = digest(desk)
    if is_approved:
        approve_campaign(desk.ledger, "diwali", before, BOB)
    change(desk)
    assert state(desk) is CampaignState.DRAFT
    assert approval(desk).decision == "void"
    assert verbs(desk)[-1] == "void"
    assert start_scheduled(desk.ledger) == 0
    with pytest.raises(CampaignError, match="is draft: it cannot be approved"):
        approve_campaign(desk.ledger, "diwali", before, BOB)


def test_known_rows_and_unchanged_settings_void_nothing(approved):
    approved.accept(*make_jobs(2))
    assert put(approved, weight=1).after == ""
    assert weigh_campaign(approved.ledger, "diwali", 1, ANN).state is CampaignState.SCHEDULED
    assert approval(approved).decision == "approved"


def test_a_voided_draft_is_submitted_and_approved_again(approved):
    approved.accept(make_job(3))
    submit_campaign(approved.ledger, "diwali", ANN, POLICY)
    approve_campaign(approved.ledger, "diwali", digest(approved), BOB)
    assert start_scheduled(approved.ledger) == 1


def test_an_approved_campaign_that_was_changed_behind_the_program_does_not_start(approved):
    with approved.ledger.write() as connection:
        connection.execute(update(campaigns).values(rate_per_minute=6_000))
    assert start_scheduled(approved.ledger) == 0
    assert state(approved) is CampaignState.DRAFT
    assert approval(approved).note == "it is not what was approved any more"


def test_a_change_between_digest_and_start_waits_for_the_next_round(approved):
    found = read_approved(approved.ledger, "diwali")
    with approved.ledger.write() as connection:
        connection.execute(update(campaigns).values(rate_per_minute=60))
        campaign = find_in(connection, "diwali")
        assert not is_still_approved(connection, campaign, found)
        connection.execute(update(campaigns).values(rate_per_minute=None))
        assert is_still_approved(connection, campaign, found)
        assert not is_still_approved(connection, campaign, None)


def test_a_rejected_draft_is_mended_and_submitted_again(submitted):
    reject_campaign(submitted.ledger, "diwali", BOB)
    assert (state(submitted), approval(submitted).decision) == (CampaignState.DRAFT, "rejected")
    put(submitted, rate=60)
    assert approval(submitted).decision == "rejected"  # nothing was left to be voided
    submit_campaign(submitted.ledger, "diwali", ANN, POLICY)
    approve_campaign(submitted.ledger, "diwali", digest(submitted), BOB)


def test_a_rejection_says_why(submitted):
    with pytest.raises(ApprovalError, match="Say with --note what must be mended"):
        reject_campaign(submitted.ledger, "diwali", Operator("bob", " "))
    assert state(submitted) is CampaignState.AWAITING_APPROVAL


@pytest.mark.parametrize(
    "act",
    [
        lambda ledger: submit_campaign(ledger, "diwali", ANN, POLICY),
        lambda ledger: approve_campaign(ledger, "diwali", "0" * 64, BOB),
        lambda ledger: reject_campaign(ledger, "diwali", BOB),
    ],
    ids=["submit", "approve", "reject"],
)
def test_a_running_campaign_is_neither_submitted_nor_decided_about(desk, act):
    desk.accept(make_job(1))
    with pytest.raises(CampaignError, match="Campaign diwali is running: it cannot be"):
        act(desk.ledger)


def test_an_empty_draft_is_not_submitted(ledger):
    ensure_campaign(ledger, "diwali", is_draft=True)
    with pytest.raises(ApprovalError, match="has no lines: issuance blast FILE"):
        submit_campaign(ledger, "diwali", ANN, NO_POLICY)


def test_of_two_approvers_at_once_one_approves(submitted, at_once):
    given = digest(submitted)

    def approve(name):
        try:
            approve_campaign(submitted.ledger, "diwali", given, Operator(name))
        except ApprovalError as error:
            return str(error)
        return "approved"

    found = at_once(lambda: approve("bob"), lambda: approve("eve"))
    assert found.count("approved") == 1
    assert verbs(submitted).count("approve") == 1


def test_settings_of_a_started_campaign_change_without_a_new_approval(approved):
    start_scheduled(approved.ledger)
    assert put(approved, rate=60, by=BOB).campaign.state is CampaignState.RUNNING
    for given in ({"start_at": "2030-01-01 09:00"}, {"canary": 5}):
        with pytest.raises(CampaignError, match="has an effect only before it starts"):
            put(approved, **given)


def test_what_was_approved_is_not_loosened_while_it_runs(draft):
    put(draft, stop_loss="default", budget_units=5)
    submit_campaign(draft.ledger, "diwali", ANN, POLICY)
    approve_campaign(draft.ledger, "diwali", digest(draft), BOB)
    start_scheduled(draft.ledger)
    for given in ({"stop_loss": "off"}, {"budget_units": 0}, {"budget_units": 6}):
        with pytest.raises(CampaignError, match="bob approved diwali with its"):
            put(draft, **given)
    put(draft, budget_units=4)


@pytest.mark.parametrize("given", [{"rate": 5}, {"weight": 2}])
def test_a_cancelled_campaign_has_no_settings_to_change(draft, given):
    cancel_campaign(draft.ledger, "diwali", ANN)
    with pytest.raises(CampaignError, match="its settings have no effect any more"):
        put(draft, **given)


def accept_within(desk, policy, *batch):
    return accept(desk.ledger, desk.campaign, batch, bounds=Bounds(policy=policy))


def test_rows_for_a_started_campaign_stay_below_the_ceiling(desk):
    policy = ApprovalPolicy(units=3)
    accept_within(desk, policy, *make_jobs(3))
    accept_within(desk, policy, *make_jobs(3))  # known
    with pytest.raises(CampaignError, match="4 units are more than ISSUANCE_APPROVAL_UNITS=3"):
        accept_within(desk, policy, make_job(4))
    assert balance(desk.ledger, "diwali").campaign.accepted_lines == 3


def test_the_points_of_a_started_campaign_count_as_those_of_its_dearest_reward(desk):
    policy = ApprovalPolicy(points=20_000)
    with pytest.raises(CampaignError, match="the expected points are not known"):
        accept_within(desk, policy, make_job(1))
    set_campaign(
        desk.ledger, "diwali", GivenSettings(), ANN, zone="UTC", points={"1001": 10_000, "1002": 0}
    )
    accept_within(desk, policy, make_job(1), make_job(2, rewards=(1002,)))
    with pytest.raises(CampaignError, match="30 points are more than"):
        accept_within(desk, policy, make_job(3, rewards=(1002,)))


def test_a_draft_takes_rows_above_the_ceiling(draft):
    assert len(accept_within(draft, ApprovalPolicy(units=1), *make_jobs(9)).accepted) == 7


def test_requested_units_are_counted(draft):
    draft.accept(make_job(8, rewards=(1001, 1002), quantity=3))
    with draft.ledger.read() as connection:
        assert connection.scalar(select(campaigns.c.requested_units)) == 8


def test_a_paused_campaign_without_unsettled_lines_is_finished(desk):
    held, claimed = desk.take_one(make_job(1))
    pause_campaign(desk.ledger, "diwali", ANN)
    with desk.ledger.write() as connection:
        finish_campaigns(connection)
    assert state(desk) is CampaignState.PAUSED
    desk.record(held, judge(claimed, issue(claimed)))
    with desk.ledger.write() as connection:
        finish_campaigns(connection)
    assert state(desk) is CampaignState.FINISHED
    with pytest.raises(CampaignError, match="Campaign diwali is finished: it cannot be paused"):
        pause_campaign(desk.ledger, "diwali", ANN)
