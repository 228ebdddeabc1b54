"""`issuance revoke`: revokes at the simulated API and records who did it and why."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from issuance.states import State
from ledger.audit_log import actions_on, line_target
from ledger.dispatch.claimed_jobs import ClaimedJob
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from simulator.serve import Simulator
from tests.contract.ledger.build import TIMEOUT, Desk, answer, judge, make_job, refuse, say

NOTE = ("--note", "wrong blast")


@pytest.fixture
def sim(monkeypatch) -> Iterator[Simulator]:
    with Simulator(revoke_enable=True) as simulator:
        monkeypatch.setenv("ISSUANCE_API_URL", simulator.url)
        monkeypatch.setenv("ISSUANCE_API_TILL", "demo.till")
        monkeypatch.setenv("ISSUANCE_API_PASSWORD", "demo")
        yield simulator


@pytest.fixture
def issued(desk: Desk, sim: Simulator) -> ClaimedJob:
    """A line of two units that the simulated API has issued."""

    async def send(job: ClaimedJob):
        account = ApiAccount(sim.url, "demo.till", password=SecretStr("demo"))
        async with RewardsClient(account) as client:
            return await client.issue(job.variant, job.body)

    held, job = desk.take_one(make_job(1, campaign="spring", quantity=2))
    desk.record(held, judge(job, asyncio.run(send(job))))
    assert desk.line(job).state is State.ISSUED
    return job


def story(desk: Desk, request_id: str) -> list[tuple[str, str]]:
    return [
        (action.verb, action.after or action.reason)
        for action in actions_on(desk.ledger, line_target(request_id))
    ]


def test_a_revoked_line_leaves_the_sums_and_shows_its_revocation(run, sim, desk, issued):
    result = run("revoke", issued.id, *NOTE, "--yes")
    assert (result.exit_code, result.stdout) == (
        0,
        f"{issued.id}: revoked, 1 transaction, 2 units\n",
    )
    assert (sim.truth(issued.id)["issued"], sim.truth(issued.id)["revoked"]) == (2, 2)
    line = desk.line(issued)
    assert (line.state, line.quantity, line.revoked_at is not None) == (State.REVOKED, 2, True)
    assert desk.counts() == {State.REVOKED: 1}
    assert story(desk, issued.id) == [
        ("revoke", "wrong blast"),
        ("revoked", "revoked, 1 transaction, 2 units"),
    ]
    [shown] = map(json.loads, run("outcomes", "spring", "--format", "jsonl").stdout.splitlines())
    assert (shown["state"], shown["revokedAt"][-1]) == ("revoked", "Z")
    assert "revoked: " in run("outcomes", "spring", "--state", "revoked").stdout
    [status] = json.loads(run("status", "--json").stdout)["campaigns"]
    assert (status["revoked"], status["issued"], status["units"]) == (1, 0, 0)


def test_what_will_be_revoked_is_shown_before_and_masked(run, desk, issued):
    result = run("revoke", issued.id, *NOTE, "--yes")
    [transaction] = desk.line(issued).transaction_ids
    for shown in (transaction, "reward        1001, 2 units", "********001", "of spring"):
        assert shown in result.stderr
    assert issued.customer.value not in result.output
    assert not any(voucher in result.output for voucher in desk.line(issued).vouchers)


def test_the_revocation_is_logged_with_the_request_id(run, issued, monkeypatch):
    monkeypatch.setenv("ISSUANCE_LOG_FORMAT", "json")
    monkeypatch.setenv("ISSUANCE_LOG_LEVEL", "INFO")
    result = run("revoke", issued.id, *NOTE, "--yes")
    [event] = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert (event["event"], event["request_id"], event["campaign"]) == (
        "revocation_ended",
        issued.id,
        "spring",
    )


def test_no_log_entry_is_between_the_answers(run, issued):
    result = run("revoke", issued.id, *NOTE, "--yes")
    assert not any(line.startswith("{") for line in result.output.splitlines())


def test_in_a_pipe_nothing_is_revoked_without_yes(run, sim, desk, issued):
    result = run("revoke", issued.id, *NOTE)
    assert result.exit_code == 2
    assert "give --yes" in result.stderr
    assert (sim.truth(issued.id)["revoked"], story(desk, issued.id)) == (0, [])


@pytest.mark.parametrize("note", ["", "  "])
def test_a_revocation_needs_a_reason(run, desk, issued, note):
    result = run("revoke", issued.id, "--note", note, "--yes")
    assert (result.exit_code, story(desk, issued.id)) == (2, [])
    assert "--note" in result.stderr


def test_a_second_revocation_is_refused_and_names_the_first(run, sim, issued):
    run("revoke", issued.id, *NOTE, "--yes")
    again = run("revoke", issued.id, "--note", "once more", "--yes")
    assert again.exit_code == 2
    assert "revoked already" in again.stderr
    assert "wrong blast" in again.stderr
    assert sim.summary()["revokeCalls"] == 1


def test_a_refusal_by_the_api_is_explained_and_can_be_retried(run, sim, desk, issued):
    sim.switch(revoke_enable=False)
    result = run("revoke", issued.id, *NOTE, "--yes")
    assert result.exit_code == 1
    assert "REVOKE_ENABLE" in result.stderr
    assert "code 13005" in result.stdout
    assert desk.line(issued).revoked_at is None
    sim.switch(revoke_enable=True)
    assert run("revoke", issued.id, *NOTE, "--yes").exit_code == 0


def test_after_a_lost_reply_a_second_revoke_finds_the_line_revoked(
    run, sim, desk, issued, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_API_TIMEOUT_SECONDS", "1")
    sim.faults(next=[{"fault": {"kind": "timeout_after_commit"}, "path": "/revoke"}])
    lost = run("revoke", issued.id, *NOTE, "--yes")
    assert lost.exit_code == 1
    assert "Run this again" in lost.stderr
    assert desk.line(issued).revoked_at is None
    monkeypatch.delenv("ISSUANCE_API_TIMEOUT_SECONDS")
    again = run("revoke", issued.id, *NOTE, "--yes")
    assert again.exit_code == 0
    assert "requested before" in again.stderr
    assert sim.truth(issued.id)["revoked"] == 2
    assert desk.line(issued).revoked_at is not None


def test_an_api_that_is_out_of_reach_has_revoked_nothing(run, desk, issued, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    result = run("revoke", issued.id, *NOTE, "--yes")
    assert result.exit_code == 1
    assert "not reached" in result.stdout
    assert story(desk, issued.id)[-1][0] == "not revoked"


def test_a_requestid_that_no_line_has_is_refused(run, sim):
    result = run("revoke", "00000000-0000-0000-0000-000000000000", *NOTE, "--yes")
    assert result.exit_code == 2
    assert "No line has the requestId" in result.stderr


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (None, "this line is waiting: wait"),
        (refuse(1014), "this line is failed: nothing was issued"),
        (TIMEOUT, "this line is in_doubt: resend"),
    ],
)
def test_a_line_that_is_not_issued_is_refused_with_the_remedy(run, sim, desk, reply, why):
    job = make_job(7, campaign="spring")
    if reply is None:
        desk.accept(job)
    else:
        desk.settle(job, reply)
    result = run("revoke", job.id, *NOTE, "--yes")
    assert result.exit_code == 2
    assert why in result.stderr
    assert sim.summary()["revokeCalls"] == 0


def test_a_line_with_an_open_dead_letter_cannot_be_revoked(run, sim, desk):
    held, job = desk.take_one(make_job(9, campaign="spring", rewards=(1001, 1002), quantity=2))
    first, second = job.lines
    desk.record(
        held, judge(job, answer(say(first), say(second, 8010, units=1, transactionId=4711)))
    )
    result = run("revoke", job.id, *NOTE, "--yes")
    assert result.exit_code == 2
    assert f"dead-letters discard {desk.letter().id}" in result.stderr
    desk.discard(ids=(desk.letter().id,))
    # unknown to the simulator
    assert "code 10007" in run("revoke", job.id, *NOTE, "--yes").stdout
