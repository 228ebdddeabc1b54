"""`issuance campaign revoke`: plans, asks, revokes within the rate, and continues after a crash."""

import asyncio
import json
import signal
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from issuance.states import State
from ledger.audit_log import actions_on, campaign_target, line_target
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.queries.balance import balance
from ledger.revocations import begin_revocations
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from simulator.serve import Simulator
from tests.contract.ledger.build import OPERATOR, Desk, judge, make_job, make_jobs
from tests.e2e.processes import await_that

NOTE = ("--note", "wrong blast")
COUNT = 45


@pytest.fixture
def sim(monkeypatch) -> Iterator[Simulator]:
    with Simulator(revoke_enable=True) as simulator:
        monkeypatch.setenv("ISSUANCE_API_URL", simulator.url)
        monkeypatch.setenv("ISSUANCE_API_TILL", "demo.till")
        monkeypatch.setenv("ISSUANCE_API_PASSWORD", "demo")
        monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "0")
        yield simulator


@pytest.fixture
def issued(desk: Desk, sim: Simulator) -> tuple[ClaimedJob, ...]:
    """Lines of two rewards that the simulated API has issued."""
    desk.accept(*make_jobs(COUNT - 1, campaign="spring"))
    desk.accept(make_job(COUNT, campaign="spring", rewards=(1002,), quantity=2))
    held = desk.take()

    async def send() -> None:
        account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))
        async with RewardsClient(account) as client:
            for job in held.jobs:
                reply = await client.issue(job.variant, job.body)
                desk.record(held, judge(job, reply))

    asyncio.run(send())
    assert desk.counts() == {State.ISSUED: COUNT}
    return held.jobs


def verbs(desk: Desk, request_id: str) -> list[str]:
    return [action.verb for action in actions_on(desk.ledger, line_target(request_id))]


def test_a_plan_shows_what_would_be_revoked_and_changes_nothing(run, sim, desk, issued):
    result = run("campaign", "revoke", "spring", "--plan")
    assert result.exit_code == 0
    assert "To be revoked: 45 rewards of spring, 45 customers, 45 transactions" in result.stdout
    assert "reward 1002" in result.stdout
    assert "46 units are taken back" in result.stdout
    found = json.loads(run("campaign", "revoke", "spring", "--plan", "--json").stdout)
    assert (found["lines"], found["units"], found["cannotBeRevoked"]) == (COUNT, COUNT + 1, [])
    assert [reward["rewardId"] for reward in found["rewards"]] == [1001, 1002]
    assert found["digest"] in result.stdout
    assert sim.summary()["revokeCalls"] == 0
    assert actions_on(desk.ledger, campaign_target("spring")) == []


def test_all_rewards_are_revoked_and_leave_the_sums(run, sim, desk, issued):
    points = balance(desk.ledger, "spring").points
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["revoked"], found["notRevoked"], found["inDoubt"]) == (COUNT, 0, 0)
    assert (found["refused"], found["left"]) == (0, 0)
    assert found["points"] * 1000 == points
    assert sim.summary()["revokeCalls"] == COUNT
    assert {sim.truth(job.id)["revoked"] for job in issued} == {1, 2}
    after = balance(desk.ledger, "spring")
    assert (after.units, after.points, after.balanced) == (0, 0, True)
    assert desk.counts() == {State.REVOKED: COUNT}
    assert {tuple(verbs(desk, job.id)) for job in issued} == {("revoke", "revoked")}
    told = actions_on(desk.ledger, campaign_target("spring"))
    assert [(each.verb, each.reason) for each in told] == [
        ("bulk revoke", "wrong blast"),
        ("bulk revoked", "wrong blast"),
    ]
    assert run("campaign", "revoke", "spring", *NOTE, "--yes").exit_code == 2


def test_only_one_reward_and_only_listed_lines_are_revoked(run, sim, desk, issued, tmp_path):
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--reward", "1002")
    assert (result.exit_code, "1 reward revoked" in result.stdout) == (0, True)
    assert desk.counts() == {State.ISSUED: COUNT - 1, State.REVOKED: 1}
    file = tmp_path / "ids.csv"
    file.write_text("state,requestId\n" + "".join(f"issued,{job.id}\n" for job in issued[:3]))
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--from-file", file)
    assert (result.exit_code, "3 rewards revoked" in result.stdout) == (0, True)
    assert [desk.line(job).state for job in issued[:4]] == [State.REVOKED] * 3 + [State.ISSUED]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "has no requestId"),
        ("requestId\nnonsense\n", "row 2: 'nonsense' is not a requestId"),
        (b"\xff\xfe", "no CSV file in UTF-8"),
        (None, "cannot be read"),
    ],
)
@pytest.mark.usefixtures("issued")
def test_a_wrong_file_is_refused_by_its_row(run, sim, tmp_path, content, why):
    file = tmp_path / "ids.csv"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--from-file", file)
    assert result.exit_code == 2
    assert why in result.stderr
    assert sim.summary()["revokeCalls"] == 0


def test_without_a_terminal_note_and_yes_are_needed(run, sim, issued):
    for arguments, why in (((), "--note"), (NOTE, "give --yes")):
        result = run("campaign", "revoke", "spring", *arguments)
        assert result.exit_code == 2
        assert why in result.stderr
    assert sim.summary()["revokeCalls"] == 0


def test_a_plan_that_has_changed_is_refused(run, sim, issued):
    digest = json.loads(run("campaign", "revoke", "spring", "--plan", "--json").stdout)["digest"]
    assert run("revoke", issued[0].id, *NOTE, "--yes").exit_code == 0
    stale = run("campaign", "revoke", "spring", *NOTE, "--yes", "--digest", digest)
    assert stale.exit_code == 2
    assert "The plan has changed" in stale.stderr
    assert sim.summary()["revokeCalls"] == 1


def test_a_run_after_a_crash_revokes_the_rest_and_nothing_twice(run, sim, desk, issued):
    # As a process that was killed after its requests were recorded: some reached the API.
    begin_revocations(desk.ledger, [job.id for job in issued[:10]], OPERATOR)
    account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))

    async def revoke_some() -> None:
        async with RewardsClient(account) as client:
            for job in issued[:4]:
                await client.revoke(desk.line(job).transaction_ids[0], "", "")

    asyncio.run(revoke_some())
    result = run("campaign", "revoke", "spring", *NOTE, "--yes")
    assert result.exit_code == 0, result.stderr
    assert f"{COUNT} rewards revoked" in result.stdout
    assert desk.counts() == {State.REVOKED: COUNT}
    assert all(sim.truth(job.id)["revoked"] == sim.truth(job.id)["issued"] for job in issued)


def test_ctrl_c_records_what_was_called_and_the_next_run_does_the_rest(
    run, sim, desk, issued, start
):
    process = start("campaign", "revoke", "spring", *NOTE, "--yes", "--per-second", "20")
    await_that("some are revoked", lambda: sim.summary()["revokeCalls"] >= 3)
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=30)
    assert (process.returncode, "left" in shown) == (130, True), errors
    assert "Run the same command again" in errors
    calls = sim.summary()["revokeCalls"]
    assert desk.counts() == {State.REVOKED: calls, State.ISSUED: COUNT - calls}
    assert run("campaign", "revoke", "spring", *NOTE, "--yes").exit_code == 0
    assert (sim.summary()["revokeCalls"], desk.counts()) == (COUNT, {State.REVOKED: COUNT})


@pytest.mark.usefixtures("issued")
def test_a_killed_run_delays_the_next_one_only_while_it_may_be_alive(
    run, sim, desk, start, monkeypatch
):
    process = start("campaign", "revoke", "spring", *NOTE, "--yes", "--per-second", "20")
    await_that("some are revoked", lambda: sim.summary()["revokeCalls"] >= 3)
    process.kill()
    process.wait()
    refused = run("campaign", "revoke", "spring", *NOTE, "--yes")
    assert (refused.exit_code, "wait for the end" in refused.stderr) == (2, True)
    monkeypatch.setattr("ledger.bulk_revocations._ALIVE_SECONDS", 0.0)
    assert run("campaign", "revoke", "spring", *NOTE, "--yes").exit_code == 0
    assert desk.counts() == {State.REVOKED: COUNT}
    assert sim.summary()["unitsRevoked"] == COUNT + 1


def test_lost_answers_are_asked_for_again_in_the_same_run(run, sim, desk, issued, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_TIMEOUT_SECONDS", "3")
    lost = {"fault": {"kind": "timeout_after_commit"}, "path": "/revoke"}
    sim.faults(next=[lost, lost, {"fault": {"kind": "429"}, "path": "/revoke"}])
    result = run("campaign", "revoke", "spring", *NOTE, "--yes")
    assert result.exit_code == 0, result.stderr
    assert desk.counts() == {State.REVOKED: COUNT}
    assert sim.summary()["revokeCalls"] == COUNT + 3


def test_a_brand_that_cannot_revoke_is_called_for_some_rewards_only(run, sim, desk, issued):
    sim.switch(revoke_enable=False)
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--json")
    assert result.exit_code == 1
    assert "REVOKE_ENABLE" in result.stderr
    found = json.loads(result.stdout)
    assert found["revoked"] == 0
    assert found["notRevoked"] + found["left"] == COUNT
    assert desk.counts() == {State.ISSUED: COUNT}


def test_the_pace_is_at_most_per_second(run, sim, issued):
    result = run("campaign", "revoke", "spring", *NOTE, "--yes", "--per-second", "40", "--json")
    assert json.loads(result.stdout)["seconds"] > (COUNT - 1) / 40


def test_on_a_terminal_the_campaigns_name_is_asked_for(sim, desk, issued, on_terminal):
    assert "Aborted" in on_terminal("campaign", "revoke", "spring", *NOTE, answer="sprint")
    assert desk.counts() == {State.ISSUED: COUNT}
    shown = on_terminal("campaign", "revoke", "spring", *NOTE, answer="spring")
    assert f"{COUNT} rewards revoked" in shown
    assert "{" not in shown
    assert desk.counts() == {State.REVOKED: COUNT}
