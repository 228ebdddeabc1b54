"""Windows, rates and start times with real processes, by the times of calls at the API."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from issuance.states import CampaignState, State
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.store.schema import attempts, campaigns, jobs
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

MINUTE = timedelta(minutes=1)
CALLS_PER_SECOND = 10
AREA = {"short": 70, "even": 71, "later": 72}


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": str(CALLS_PER_SECOND * 60),
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def prepare(system: System, name: str, rows: int, **values: object) -> None:
    """Accept a campaign as a draft, then let it go with its settings."""
    campaign = ensure_campaign(system.ledger, name)
    of_campaign = update(campaigns).where(campaigns.c.id == campaign.id)
    with system.ledger.write() as connection:
        connection.execute(of_campaign.values(state=CampaignState.DRAFT))
    system.accept(name, plain_rows(rows, area=AREA[name]))
    with system.ledger.write() as connection:
        connection.execute(of_campaign.values(state=CampaignState.SCHEDULED, **values))


def call_times(system: System, name: str) -> list[float]:
    """When the API processed the campaign's calls, in seconds since 1970."""
    customers = f"9198{AREA[name]:04d}"
    text = (system.home / "truth.jsonl").read_text()
    # The last line may not be complete.
    found = (json.loads(line) for line in text.splitlines() if line.endswith("}"))
    return sorted(
        each["at"]
        for each in found
        if each["event"] == "call" and str(each["body"]["mobile"]).startswith(customers)
    )


@pytest.mark.timeout(300)
def test_no_call_is_made_outside_a_window_above_a_rate_or_before_a_start(system: System):
    def shortly_before_a_minute() -> bool:
        return 46 <= datetime.now(UTC).second <= 50

    await_that("a good moment", shortly_before_a_minute, seconds=65)
    closes = datetime.now(UTC).replace(second=0, microsecond=0) + MINUTE
    opens, ends = closes + MINUTE, closes + 5 * MINUTE
    spans = ((closes - 10 * MINUTE, closes), (opens, ends))
    window = ",".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in spans)
    prepare(system, "short", 220, window=window, timezone="UTC")
    prepare(system, "even", 180, rate_per_minute=120)
    prepare(
        system,
        "later",
        20,
        start_at=int((closes + MINUTE / 3).timestamp() * 1000),
    )
    await_that("the window closes", lambda: datetime.now(UTC) >= closes, seconds=20)
    await_that("it opens again", lambda: datetime.now(UTC) >= opens, seconds=65)
    before = len(call_times(system, "short"))
    assert 0 < before < 220
    assert system.balance("short").counts[State.WAITING] == 220 - before
    assert system.wait_settled("short", seconds=60).counts[State.ISSUED] == 220
    assert system.wait_settled("even", seconds=60).counts[State.ISSUED] == 180
    assert system.wait_settled("later").counts[State.ISSUED] == 20

    times = call_times(system, "short")
    assert len(times) == 220, "each job was called once"
    inside = [(start.timestamp() - 1, end.timestamp() + 1) for start, end in spans]
    assert all(any(start <= at <= end for start, end in inside) for at in times)
    assert min(at for at in times if at > closes.timestamp() + 1) < opens.timestamp() + 3

    _assert_even(call_times(system, "even"), per_second=2)

    starts = call_times(system, "later")
    begins = (closes + MINUTE / 3).timestamp()
    assert begins <= starts[0] < begins + 3
    assert _attempts(system, "short") == 220


def _assert_even(times: list[float], *, per_second: float) -> None:
    """Assert that no stretch has more calls than the rate, a burst and what was queued."""
    for place, start in enumerate(times):
        for count, end in enumerate(times[place:], start=1):
            assert count <= (end - start + 1.25 + 6.25) * per_second + 1
    mean = (len(times) - 1) / (times[-1] - times[0])
    assert mean == pytest.approx(per_second, rel=0.1)


def _attempts(system: System, name: str) -> int:
    campaign = find_campaign(system.ledger, name)
    with system.ledger.read() as connection:
        query = select(func.count()).select_from(attempts)
        query = query.join(jobs, jobs.c.number == attempts.c.job_number)
        return connection.scalar(query.where(jobs.c.campaign_id == campaign.id)) or 0
