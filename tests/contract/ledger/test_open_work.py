"""What forecasts read: open work, the calls of the last minutes, and a campaign's times."""

import pytest
from sqlalchemy import insert, select, update

from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.campaigns import ensure_campaign, find_campaign, pause_campaign
from ledger.queries.open_work import campaign_times, last_acts, open_stops, read_open_work
from ledger.queries.recent_calls import recent_calls
from ledger.store.clock import now_ms
from ledger.store.schema import attempts, campaign_stops, campaigns, jobs
from tests.contract.ledger.build import OPERATOR, answer, make_job, make_jobs, refuse, say


def read(desk, **more):
    with desk.ledger.read() as connection:
        return read_open_work(connection, **{"most_later": 100} | more)


def calls(desk, accounts=None):
    with desk.ledger.read() as connection:
        return recent_calls(connection, accounts)


def change_jobs(desk, number, **values):
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).where(jobs.c.source_line == number + 1).values(**values))


def attempt(desk, number, seconds_ago, *, at=1, decision="settle issued"):
    with desk.ledger.write() as connection:
        job = connection.scalar(select(jobs.c.number).where(jobs.c.source_line == number + 1))
        connection.execute(
            insert(attempts).values(
                job_number=job, number=at, started_at=now_ms() - seconds_ago * 1000, took_ms=5,
                kind="issued", decision=decision, worker="w",
            )
        )  # fmt: skip


def test_a_campaign_without_open_lines_has_no_open_work(desk):
    assert read(desk) == []


def test_open_work_has_the_lines_and_the_settings(desk):
    desk.accept(*make_jobs(3), make_job(9, rewards=(1, 2, 3)))
    with desk.ledger.write() as connection:
        connection.execute(update(campaigns).values(weight=7, rate_per_minute=60))
    (found,) = read(desk)
    assert (found.name, found.open_lines, found.weight, found.per_minute) == ("diwali", 6, 7, 60)
    assert found.lines_per_job == pytest.approx(1.5)
    assert (list(found.later), found.more_later, found.held) == ([], 0, 0)


def test_jobs_that_are_due_later_have_their_times_and_kinds(desk):
    desk.accept(*make_jobs(4))
    change_jobs(desk, 1, due_at=now_ms() + 90_000)
    change_jobs(desk, 2, due_at=now_ms() + 30_000, fallback="in_doubt")
    change_jobs(desk, 3, due_at=now_ms() + 400 * 86_400_000)
    (found,) = read(desk)
    assert [(round(each.seconds, -1), each.looks_up) for each in found.later] == [
        (30, True),
        (90, False),
    ]
    assert found.held == 1


def test_only_the_first_jobs_that_are_due_later_are_read(desk):
    desk.accept(*make_jobs(5))
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(due_at=now_ms() + 60_000))
    (found,) = read(desk, most_later=2)
    assert (len(found.later), found.more_later) == (2, 3)


def test_a_campaign_that_does_not_run_is_read_only_by_name(desk):
    desk.accept(make_job())
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    assert read(desk) == []
    (found,) = read(desk, names=["diwali"])
    assert found.state is CampaignState.PAUSED


def test_only_the_campaigns_of_the_account_are_read(desk):
    desk.accept(make_job())
    assert len(read(desk, accounts=["default"])) == 1
    assert read(desk, accounts=["other"]) == []


@pytest.mark.parametrize("accounts", [None, ["default"]])
def test_recent_calls_are_counted_by_time_and_sampled(desk, accounts):
    desk.accept(*make_jobs(3))
    attempt(desk, 1, 100)
    attempt(desk, 2, 99, decision="try again in 3.0 s (transient)")
    attempt(desk, 3, 20)
    found = calls(desk, accounts)
    size = found.bucket_seconds
    assert sum(found.counts) == 3
    assert sum(found.counts[-int(50 / size) :]) == 1
    assert {(each.number, each.lane) for each in found.sample} == {(1, Lane.BLAST)}
    assert {each.decision for each in found.sample} == {
        "settle issued",
        "try again in 3.0 s (transient)",
    }
    assert not found.are_old


def test_calls_of_other_accounts_do_not_count(desk):
    desk.accept(*make_jobs(2))
    attempt(desk, 1, 100)
    attempt(desk, 2, 20)
    assert sum(calls(desk, ["other"]).counts) == 0
    assert sum(calls(desk, ["default"]).counts) == 2


def test_without_recent_calls_the_last_ones_before_are_read(desk):
    desk.accept(*make_jobs(3))
    for number, age in ((1, 5_000), (2, 4_001), (3, 4_000)):
        attempt(desk, number, age)
    found = calls(desk)
    assert found.are_old
    assert sum(found.counts) == len(found.sample) == 1


def test_a_large_sample_is_spread_over_the_time(desk):
    desk.accept(*make_jobs(2))
    with desk.ledger.write() as connection:
        numbers = list(connection.scalars(select(jobs.c.number).order_by(jobs.c.number)))
        now = connection.scalar(select(now_ms()))
        since = now - 200_000
        rows = [
            {
                "job_number": numbers[place % 2], "number": place, "started_at": since + 45 * place,
                "took_ms": 1, "kind": "issued", "decision": "settle issued", "worker": "w",
            }
            for place in range(4_000)
        ]  # fmt: skip
        connection.execute(insert(attempts), rows)
    found = calls(desk)
    assert sum(found.counts) == 4_000
    assert 1_000 < len(found.sample) <= 3_000
    assert max(each.number for each in found.sample) > 3_500


def test_a_campaign_starts_when_it_is_created_and_finishes_with_its_last_line(desk):
    with desk.ledger.read() as connection:
        ((started, finished),) = campaign_times(connection, [desk.campaign.id]).values()
    assert started is not None
    assert finished is None
    desk.settle(make_job(), answer(say(make_job().lines[0])))
    desk.release()
    assert find_campaign(desk.ledger, "diwali").state is CampaignState.FINISHED
    with desk.ledger.read() as connection:
        ((_, finished),) = campaign_times(connection, [desk.campaign.id]).values()
    assert finished >= started


def test_a_campaign_of_an_earlier_version_started_when_it_was_created(desk):
    with desk.ledger.write() as connection:
        connection.execute(update(campaigns).values(started_at=None))
    with desk.ledger.read() as connection:
        created = connection.scalar(select(campaigns.c.created_at))
        assert campaign_times(connection, [desk.campaign.id])[desk.campaign.id] == (created, None)


def test_the_last_act_says_who_did_it_when_and_why(desk):
    ensure_campaign(desk.ledger, "holi")
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    with desk.ledger.read() as connection:
        found = last_acts(connection, "pause", ["diwali", "holi"])
    assert found["diwali"].subject == "asha"
    assert found["diwali"].reason == "ticket 42"
    assert "holi" not in found


def test_the_newest_stop_that_is_not_resolved_is_the_cause(desk):
    number = desk.campaign.id
    with desk.ledger.write() as connection:
        for at, cause, reward, resolved in (
            (1, "canary", None, None), (2, "stop_loss", "1001", None), (3, "budget", None, 4),
        ):  # fmt: skip
            connection.execute(
                insert(campaign_stops).values(
                    campaign_id=number, at=at, cause=cause, reward=reward, evidence="{}",
                    resolved_at=resolved,
                )
            )  # fmt: skip
    with desk.ledger.read() as connection:
        assert open_stops(connection, [number]) == {number: ("stop_loss", "1001")}


def test_states_of_lines_are_those_of_the_balance(desk):
    desk.settle(make_job(7), refuse())
    desk.accept(*make_jobs(2))
    (found,) = read(desk)
    assert found.open_lines == desk.counts()[State.WAITING]
