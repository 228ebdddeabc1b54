"""Looking a job up in the API's transactions: what is read, what it says, and what a failed read leaves open."""

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from issuance.outcome import Kind, Reason, Refusal
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.replies.reply import Answer, NoAnswer
from issuance.retry import Reconcile, RetryPolicy, Settle
from issuance.states import State
from limiter.keys import reads_key
from limiter.reservation import Grant, Reservation, Scope
from rewards_api.reads import (
    Found,
    FoundCustomer,
    IssualsPage,
    NoSuchCustomer,
    NotFound,
    Unreadable,
)
from tests.contract.ledger.build import TIMEOUT, TOO_MANY
from tests.unit.worker.build import ACCOUNT, CAMPAIGN_ID, claimed
from worker.chunk.admission import describe_refusal
from worker.chunk.reconciler import Reconciler

POLICY = RetryPolicy(reconcile_delays_seconds=(30.0, 120.0))
READ = Answer(200, b"{}")
ISSUED = {"success": True, "code": 200, "message": "issued"}
REFUSED = {"success": False, "code": 1014, "message": "no"}


def _entry(job, *, status=ISSUED, transaction=501, quantity=1):
    return {
        "rewardTransactionId": transaction,
        "rewardIssueRefId": job.id,
        "rewardTransactionDate": 4_000_000_000_000,
        "status": status,
        "rewardDetails": {"rewardId": 1001},
        "quantity": quantity,
        "requestedQuantity": 1,
        "vouchers": [{"code": "V-1"}],
    }


@dataclass
class FakeReads:
    """The API's reads: a customer, pages of transactions, their details; each may be another reply instead."""

    pages: list = field(default_factory=list)
    customer: object = field(default_factory=lambda: FoundCustomer(9))
    unreadable_details: dict = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    hangs: bool = False

    async def customer_id(self, _customer, *, reads):
        self.calls.append("customer")
        if self.hangs:
            await asyncio.Event().wait()
        return self.customer

    async def issuals(self, _customer_id, _reward_id, page, *, reads):
        self.calls.append(f"page {page}")
        found = self.pages[page] if page < len(self.pages) else []
        if isinstance(found, Unreadable):
            return found
        entries = tuple(Issual.model_validate(entry) for entry in found)
        return IssualsPage(entries, is_last=page + 1 >= len(self.pages), answer=READ)

    async def transaction_detail(self, _customer_id, transaction_id, *, reads):
        self.calls.append(f"detail {transaction_id}")
        if transaction_id in self.unreadable_details:
            return self.unreadable_details[transaction_id]
        entries = [entry for page in self.pages for entry in page]
        (entry,) = [
            entry for entry in entries if str(entry["rewardTransactionId"]) == transaction_id
        ]
        return Found(TransactionDetail.model_validate(entry), READ)


async def _look(job, reads, *, slots=100, within_seconds=5.0, policy=POLICY):
    left = iter([Reservation(Grant(Scope(CAMPAIGN_ID, is_read=True)), (0.0,), 0.0)] * slots)

    async def take_slot():
        return next(left, None)

    reconciler = Reconciler(
        reads, policy, Random(1), take_slot=take_slot, within_seconds=within_seconds
    )
    return await reconciler.reconcile(job)


@pytest.fixture
def job():
    return claimed(1, fallback=State.IN_DOUBT, may_have_reached=True, budget_attempts=1)


async def test_a_job_whose_transaction_is_there_is_issued_with_the_vouchers_it_shows(job):
    attempt = await _look(job, FakeReads([[_entry(job)]]))
    assert attempt.decision == Settle(State.ISSUED, None)
    assert attempt.outcome.lines[0].vouchers == ("V-1",)


async def test_only_the_jobs_own_transactions_are_read_in_full(job):
    other = claimed(2)
    reads = FakeReads([[_entry(other, transaction=500)], [_entry(job)]])
    await _look(job, reads)
    assert reads.calls == ["customer", "page 0", "page 1", "detail 501"]


async def test_a_transaction_that_was_refused_settles_the_job_as_failed(job):
    attempt = await _look(job, FakeReads([[_entry(job, status=REFUSED, quantity=0)]]))
    assert isinstance(attempt.decision, Settle)
    assert attempt.decision.state is State.FAILED


async def test_a_job_that_is_not_listed_is_looked_up_again_because_reads_lag(job):
    attempt = await _look(job, FakeReads([[]]))
    assert attempt.decision == Reconcile(120.0, State.IN_DOUBT, found_nothing=True)


async def test_the_last_look_that_finds_nothing_leaves_the_job_in_doubt_for_a_person():
    job = claimed(1, fallback=State.IN_DOUBT, empty_reads=1)
    attempt = await _look(job, FakeReads([[]]))
    assert isinstance(attempt.decision, Settle)
    assert attempt.decision.state is State.IN_DOUBT


async def test_a_job_that_was_said_to_be_issued_stays_so_when_no_look_finds_it():
    job = claimed(1, fallback=State.ISSUED, empty_reads=1)
    attempt = await _look(job, FakeReads([[]]))
    assert attempt.decision == Settle(State.ISSUED, None, uses_fallback=True)


async def test_a_customer_the_api_does_not_know_counts_as_nothing_found(job):
    attempt = await _look(job, FakeReads(customer=NoSuchCustomer(8015, "unknown")))
    assert attempt.decision == Reconcile(120.0, State.IN_DOUBT, found_nothing=True)


@pytest.mark.parametrize(
    "reads",
    [
        FakeReads(customer=Unreadable(TIMEOUT)),
        FakeReads(customer=Unreadable(Answer(404, b""))),
        FakeReads([Unreadable(NoAnswer("reset", "hung up", sent=True))]),
        FakeReads(hangs=True),
    ],
    ids=[
        "the customer cannot be read",
        "HTTP 404",
        "a page cannot be read",
        "the reads take too long",
    ],
)
async def test_a_read_that_fails_says_nothing_of_the_job_and_is_made_again(job, reads):
    attempt = await _look(job, reads, within_seconds=0.05)
    assert attempt.outcome.kind is Kind.TRANSIENT
    assert isinstance(attempt.decision, Reconcile)
    assert not attempt.decision.found_nothing


@pytest.mark.parametrize("reply", [Unreadable(TIMEOUT), Unreadable(Answer(503, b""))])
async def test_a_detail_that_cannot_be_read_settles_nothing(job, reply):
    attempt = await _look(job, FakeReads([[_entry(job)]], unreadable_details={"501": reply}))
    assert isinstance(attempt.decision, Reconcile)


async def test_a_transaction_that_is_listed_but_not_there_yet_settles_nothing(job):
    reads = FakeReads([[_entry(job)]], unreadable_details={"501": NotFound(6004, "not yet")})
    assert isinstance((await _look(job, reads)).decision, Reconcile)


@pytest.mark.parametrize(
    ("reply", "refusal"), [(TOO_MANY, Refusal.THROTTLED), (Answer(401, b""), Refusal.UNAUTHORISED)]
)
async def test_a_read_that_is_refused_says_so_and_is_made_again(job, reply, refusal):
    attempt = await _look(job, FakeReads(customer=Unreadable(reply)))
    assert attempt.outcome.refusal is refusal
    assert isinstance(attempt.decision, Reconcile)


@pytest.mark.parametrize(("reply", "refused"), [(TIMEOUT, 1), (Answer(503, b""), 1), (TOO_MANY, 1)])
async def test_a_failed_read_is_held_against_reads_and_not_against_the_account(
    desk, job, reply, refused
):
    desk.api.customer_id = FakeReads(customer=Unreadable(reply)).customer_id
    await desk.issue(job, policy=POLICY)
    await desk.limiter.flush(Scope(CAMPAIGN_ID, is_read=True))
    state = await desk.state()
    assert (state.reads.refused, state.account.refused) == (refused, 0)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (TIMEOUT, "timeout"),
        (Answer(503, b""), "HTTP 503 without a readable body"),
        (TOO_MANY, "HTTP 429"),
    ],
)
async def test_the_reason_of_a_failed_read_says_what_was_answered(job, reply, reason):
    assert describe_refusal(await _look(job, FakeReads(customer=Unreadable(reply)))).startswith(
        reason
    )


async def test_many_failed_reads_suspend_the_reads_and_calls_go_on(desk):
    desk.api.customer_id = FakeReads(customer=Unreadable(Answer(503, b""))).customer_id
    desk.api.latency_seconds = 0.05
    looks = [claimed(number, fallback=State.IN_DOUBT) for number in range(1, 31)]
    await desk.issue(*looks[:1], policy=POLICY)
    await desk.state()
    # a row of failures must last for a while
    await desk.redis.hincrby(reads_key(ACCOUNT), "refused_at", -1_000_000)
    await desk.issue(*looks[1:], claimed(99), policy=POLICY, chunk_id="next")
    assert 99 in {attempt.job.number for attempt in desk.attempts}
    state = await desk.state()
    assert (state.reads.is_available, state.account.is_available) == (False, True)


async def test_each_further_read_needs_a_slot_of_its_own_and_none_is_made_without(job):
    reads = FakeReads([[], [_entry(job)]])
    attempt = await _look(job, reads, slots=1)
    assert reads.calls == ["customer", "page 0"]
    assert isinstance(attempt.decision, Reconcile)


async def test_a_job_to_be_looked_up_is_never_sent_again(desk, job):
    reads = FakeReads([[_entry(job)]])
    desk.api.customer_id, desk.api.issuals = reads.customer_id, reads.issuals
    desk.api.transaction_detail = reads.transaction_detail
    await desk.issue(job, claimed(2), policy=POLICY)
    assert sorted(attempt.outcome.kind for attempt in desk.attempts) == [Kind.ISSUED, Kind.ISSUED]
    assert desk.api.customers == [claimed(2).customer.value]


async def test_where_look_ups_are_switched_off_nothing_is_read_and_the_doubt_stays():
    reads = FakeReads()
    attempt = await _look(claimed(1), reads, policy=RetryPolicy())
    assert attempt.decision == Settle(State.IN_DOUBT, Reason.IN_DOUBT)
    assert "switched off" in attempt.outcome.message
    assert reads.calls == []


async def test_a_look_goes_on_in_a_cancelled_campaign_where_nothing_is_sent(desk):
    job = claimed(1, fallback=State.IN_DOUBT)
    reads = FakeReads([[_entry(job)]])
    desk.api.customer_id, desk.api.issuals = reads.customer_id, reads.issuals
    desk.api.transaction_detail = reads.transaction_detail
    await desk.limits.paused_campaigns.pause(CAMPAIGN_ID)
    await desk.issue(job, claimed(2), policy=POLICY, is_cancelled=True)
    assert [attempt.job.number for attempt in desk.attempts] == [1]
    assert [returned.job.number for returned in desk.given_back] == [2]
    assert desk.api.starts == []
