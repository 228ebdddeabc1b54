"""Scheduled campaigns start by themselves when their time has come."""

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from issuance.states import CampaignState
from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import find_campaign
from ledger.dispatch.start import start_scheduled
from ledger.queries.campaign_accounts import halted_campaigns
from ledger.store.clock import now_ms
from ledger.store.schema import campaigns
from tests.contract.ledger.build import make_jobs


def schedule(desk, in_seconds=None, state=CampaignState.SCHEDULED):
    start_at = None if in_seconds is None else now_ms() + in_seconds * 1000
    with desk.ledger.write() as connection:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == desk.campaign.id)
            .values(state=state, start_at=start_at)
        )


def state_of(desk):
    return find_campaign(desk.ledger, desk.campaign.name).state


@pytest.mark.parametrize("in_seconds", [None, 0, -3_600])
def test_a_scheduled_campaign_starts_when_its_time_has_come(desk, in_seconds):
    desk.accept(*make_jobs(3))
    schedule(desk, in_seconds)
    assert desk.release() == []
    with capture_logs() as logged:
        assert start_scheduled(desk.ledger) == 1
    assert [each["event"] for each in logged] == ["campaign_started"]
    assert len(desk.release()[0].job_numbers) == 3
    (entry,) = actions_on(desk.ledger, campaign_target(desk.campaign.name))
    assert (entry.subject, entry.before, entry.after) == ("system", "scheduled", "running")
    with desk.ledger.read() as connection:
        started_at = connection.scalar(select(now_ms() - campaigns.c.started_at))
    assert 0 <= started_at < 60_000
    assert start_scheduled(desk.ledger) == 0


def test_a_campaign_does_not_start_before_its_time(desk):
    desk.accept(*make_jobs(3))
    schedule(desk, 60)
    assert start_scheduled(desk.ledger) == 0
    assert state_of(desk) is CampaignState.SCHEDULED
    assert halted_campaigns(desk.ledger) == {"default": {desk.campaign.id}}


@pytest.mark.parametrize(
    "state",
    [state for state in CampaignState if state is not CampaignState.SCHEDULED],
)
def test_only_a_scheduled_campaign_is_started(desk, state):
    schedule(desk, -60, state)
    assert start_scheduled(desk.ledger) == 0
    assert state_of(desk) is state
