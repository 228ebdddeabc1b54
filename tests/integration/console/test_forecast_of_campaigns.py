"""The forecast of campaigns, from a ledger with calls and an account's limits."""

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from issuance.states import CampaignState
from ledger.audit_log import Operator
from ledger.campaigns import pause_campaign
from ledger.queries.balance import balances
from ledger.store.clock import now_ms
from ledger.store.schema import attempts, campaigns, jobs
from limiter.state import Availability, BreakerState, LimitState
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.forecast.plan import forecast_plan
from operations.forecast.reader import read_outlooks
from operations.limits import Limits
from operations.services import Services
from tests.contract.ledger.build import OPERATOR, make_jobs

ANN = Subject(Operator("ann", uid=1004), Grant(frozenset({Role.VIEWER}), "SOURCE", "REMEDY"))
SECONDS = 20


def call(desk, per_second):
    """Insert this many calls a second, up to a moment ago; each settles its job."""
    with desk.ledger.write() as connection:
        now = connection.scalar(select(now_ms()))
        (number,) = connection.execute(select(jobs.c.number).limit(1)).one()
        rows = [
            {
                "job_number": number, "number": place + 1, "took_ms": 5, "kind": "issued",
                "started_at": now - 3_000 - place * 1_000 // per_second,
                "decision": "settle issued", "worker": "w",
            }
            for place in range(SECONDS * per_second)
        ]  # fmt: skip
        connection.execute(insert(attempts), rows)


def look(desk, *, works=True, **state):
    limits = Limits(LimitState(**{"rate_per_minute": 600, "rate_overridden": False} | state))
    with closing(Services.read()) as services:
        return read_outlooks(
            ANN, services, desk.ledger, balances(desk.ledger), [limits], works=works
        )


def seconds_to(instant):
    return (instant - datetime.now(UTC)).total_seconds()


@pytest.fixture
def spring(desk):
    """A campaign of 100 lines whose account makes ten calls a second."""
    desk.accept(*make_jobs(100, campaign="spring"))
    call(desk, 10)
    return desk


def change(desk, name, **values):
    with desk.ledger.write() as connection:
        connection.execute(update(campaigns).where(campaigns.c.name == name).values(**values))


def test_a_campaign_alone_ends_at_the_accounts_speed(spring):
    (found,) = look(spring).values()
    assert 7 < seconds_to(found.ends.likely) < 14
    assert found.ends.earliest <= found.ends.likely <= found.ends.latest
    assert (found.because, found.to_go.not_sent) == ("the account's rate 600/min", 100)
    assert found.per_second > 1
    assert found.started_at is not None


def test_another_campaign_takes_its_share(spring):
    summer = spring.another("summer").weigh(3)
    summer.accept(*make_jobs(300, first=500, campaign="summer"))
    found = look(spring)
    assert found["spring"].because == "weight 1 of 4, the account's rate 600/min"
    assert found["summer"].because == "weight 3 of 4, the account's rate 600/min"
    assert 30 < seconds_to(found["spring"].ends.likely) < 50


def test_without_a_worker_the_end_is_unknown(spring):
    (found,) = look(spring, works=False).values()
    assert (found.ends, found.because) == (None, "no worker answers")


def test_a_suspended_account_is_the_cause(spring):
    account = BreakerState(Availability.SUSPENDED, 12.0, 60.0, "code 429")
    (found,) = look(spring, account=account).values()
    assert found.because == "account suspended for 12 s: code 429"
    assert seconds_to(found.ends.latest) > 60


def test_a_paused_campaign_takes_no_share_and_has_no_end(spring):
    summer = spring.another("summer")
    summer.accept(*make_jobs(300, first=500, campaign="summer"))
    pause_campaign(spring.ledger, "summer", OPERATOR)
    found = look(spring)
    assert found["summer"].ends is None
    assert found["summer"].because.startswith("paused by asha")
    assert seconds_to(found["spring"].ends.likely) < 14


def test_a_closed_window_is_the_cause_and_moves_the_end(spring):
    opens = datetime.now(UTC) + timedelta(hours=2)
    window = f"{opens:%H:%M}-{opens + timedelta(hours=2):%H:%M}"
    change(spring, "spring", window=window, timezone="UTC")
    (found,) = look(spring).values()
    assert found.because == f"window opens {opens:%a %H:%M}".lower()
    assert 6_900 < seconds_to(found.ends.likely) < 7_300


def test_a_campaign_with_a_rate_of_its_own_is_limited_by_it(spring):
    change(spring, "spring", rate_per_minute=60)
    (found,) = look(spring).values()
    assert found.because == "rate 60/min"
    assert 80 < seconds_to(found.ends.likely) < 120


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL])
def test_a_plan_forecasts_a_campaign_that_does_not_run(spring, monkeypatch, state):
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "600")
    change(spring, "spring", state=state)
    assert look(spring)["spring"].ends is None
    with closing(Services.read()) as services:
        found = forecast_plan(ANN, services, spring.ledger, "spring")
        assert 7 < seconds_to(found.likely) < 14
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        change(spring, "spring", start_at=int(tomorrow.timestamp() * 1000))
        found = forecast_plan(ANN, services, spring.ledger, "spring")
        assert 86_400 < seconds_to(found.earliest) < 86_420


def test_a_plan_without_lines_has_no_end(desk):
    with closing(Services.read()) as services:
        assert forecast_plan(ANN, services, desk.ledger, "spring") is None


def test_a_plan_shows_when_the_campaign_would_end(spring, run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "600")
    change(spring, "spring", state=CampaignState.DRAFT)
    planned = json.loads(run("campaign", "plan", "spring", "--json").stdout)["ends"]
    assert planned["earliest"] <= planned["likely"] <= planned["latest"]
    assert re.search(r"\nends     .* \(in \d+ s\)\n", run("campaign", "plan", "spring").stdout)


def test_a_plan_without_a_known_speed_has_no_end(desk, run):
    desk.accept(*make_jobs(3, campaign="spring"))
    assert json.loads(run("campaign", "plan", "spring", "--json").stdout)["ends"] is None
    assert "ends  " not in run("campaign", "plan", "spring").stdout
