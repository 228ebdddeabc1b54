"""An edge that refuses every call stops the account before it costs a job anything."""

import asyncio

import pytest

from issuance.outcome import Reason
from issuance.replies.reply import Answer, NoAnswer
from issuance.retry import Settle, TryAgain
from issuance.states import State
from ledger.results.attempts import GiveBack
from tests.unit.worker.build import claimed

FORBIDDEN = Answer(403, b"<html>", media_type="text/html")
REDIRECT = Answer(308, b"", redirected_to="api.example.com")
NO_TOKEN = NoAnswer("token", "refused: the token endpoint answered HTTP 403", sent=False)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (FORBIDDEN, "HTTP 403 text/html"),
        (Answer(404, b""), "HTTP 404 without a readable body"),
        (
            REDIRECT,
            "HTTP 308 to api.example.com (redirected to api.example.com: correct ISSUANCE_API_URL)",
        ),
        (NO_TOKEN, "token: refused: the token endpoint answered HTTP 403"),
    ],
    ids=["403", "404", "308", "token"],
)
async def test_an_edge_that_refuses_all_calls_suspends_the_account_and_costs_no_job_anything(
    desk, reply, reason
):
    desk.set_up(first_calls=10)
    desk.api.always = reply
    await desk.issue(*(claimed(number) for number in range(1, 501)))
    assert 5 <= len(desk.attempts) <= 30
    assert len(desk.attempts) + len(desk.given_back) == 500
    assert all(isinstance(attempt.decision, TryAgain) for attempt in desk.attempts)
    assert not any(attempt.decision.counted for attempt in desk.attempts)
    account = (await desk.state()).account
    assert (account.is_available, account.reason) == (False, reason)


async def test_a_probe_that_the_edge_refuses_counts_nothing(desk):
    await desk.suspend(0)
    desk.api.always = FORBIDDEN
    await desk.issue(claimed(1, attempts=50, budget_attempts=7, budget_age_seconds=9_999.0))
    (attempt,) = desk.attempts
    assert (attempt.decision.counted, attempt.decision.because) == (False, "edge")


async def test_a_job_that_the_edge_refuses_alone_waits_first_and_is_settled_in_the_end(desk):
    async def refused_again(job):
        desk.results.clear()
        await desk.issue(claimed(99))  # another call is answered
        desk.results.clear()
        desk.api.replies = {len(desk.api.starts): FORBIDDEN}
        await desk.issue(job)
        return desk.attempts[0].decision

    first = await refused_again(claimed(1))
    again = await refused_again(claimed(1, attempts=1))
    last = await refused_again(claimed(1, attempts=6, budget_attempts=5))
    assert (first.counted, again.counted) == (False, True)
    assert last == Settle(State.FAILED, Reason.UNPROCESSED)
    assert (await desk.state()).account.is_available


async def test_a_job_that_is_the_only_one_is_settled_after_many_calls(desk):
    desk.api.always = FORBIDDEN
    decisions = []
    for calls in (0, 59, 60):
        await desk.suspend(0)  # each call is a probe
        desk.results.clear()
        await desk.issue(claimed(1, attempts=calls))
        decisions.append(desk.attempts[0].decision)
    first, before, last = decisions
    assert [first.because, before.because] == ["edge", "edge"]
    assert not any(decision.counted for decision in (first, before))
    assert last == Settle(State.FAILED, Reason.UNPROCESSED)
    assert not (await desk.state()).account.is_available  # that it is settled is no answer


async def test_the_rest_of_a_chunk_follows_as_soon_as_the_account_has_answered(desk):
    desk.set_up(first_calls=10)
    desk.api.held.clear()
    issuing = asyncio.create_task(desk.issue(*(claimed(number) for number in range(1, 41))))
    await desk.api.wait_for_calls(10)
    desk.api.held.set()
    async with asyncio.timeout(0.8):  # less than the second after which ten more may go
        await issuing
    assert len(desk.attempts) == 40
    assert not any(isinstance(result, GiveBack) for result in desk.results)
