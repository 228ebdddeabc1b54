"""Reconciling a job with the API's transactions: which reads are made, and what they settle."""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from issuance.endpoint import Variant
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
    """The API's reads: a customer, pages of transactions and their details, or given replies."""

    pages: list = field(default_factory=list)
    customer: object = field(default_factory=lambda: FoundCustomer(9))
    unreadable_details: dict = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    hangs: bool = False

    async def customer_id(self, _customer, *, reads, scope=None):
        self.calls.append("customer")
        if self.hangs:
            await asyncio.Event().wait()
        return self.customer

    async def issuals(self, _customer_id, _reward_id, page, *, reads, scope=None):
        self.calls.append(f"page {page}")
        found = self.pages[page] if page < len(self.pages) else []
        if isinstance(found, Unreadable):
            return found
        entries = tuple(Issual.model_validate(entry) for entry in found)
        return IssualsPage(entries, is_last=page + 1 >= len(self.pages), answer=READ)

    async def transaction_detail(self, _customer_id, transaction_id, *, reads, scope=None):
        self.calls.append(f"detail {transaction_id}")
        if transaction_id in self.unreadable_details:
            return self.unreadable_details[transaction_id]
        entries = [entry for page in self.pages for entry in page]
        (entry,) = [
            entry for entry in entries if str(entry["rewardTransactionId"]) == transaction_id
        ]
        return Found(TransactionDetail.model_validate(entry), READ)


async def _reconcile(job, reads, *, slots=100, within_seconds=5.0, policy=POLICY):
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


async def test_a_job_whose_transaction_is_found_is_issued_with_its_vouchers(job):
    attempt = await _reconcile(job, FakeReads([[_entry(job)]]))
    assert attempt.decision == Settle(State.ISSUED, None)
    assert attempt.outcome.lines[0].vouchers == ("V-1",)


async def test_only_the_jobs_own_transactions_are_read_in_detail(job):
    other = claimed(2)
    reads = FakeReads([[_entry(other, transaction=500)], [_entry(job)]])
    await _reconcile(job, reads)
    assert reads.calls == ["customer", "page 0", "page 1", "detail 501"]


async def test_a_refused_transaction_settles_the_job_as_failed(job):
    attempt = await _reconcile(job, FakeReads([[_entry(job, status=REFUSED, quantity=0)]]))
    assert isinstance(attempt.decision, Settle)
    assert attempt.decision.state is State.FAILED


async def test_a_job_that_is_not_listed_is_reconciled_again_because_reads_lag(job):
    attempt = await _reconcile(job, FakeReads([[]]))
    assert attempt.decision == Reconcile(120.0, State.IN_DOUBT, found_nothing=True)


async def test_a_job_not_found_by_the_last_read_is_settled_as_in_doubt():
    job = claimed(1, fallback=State.IN_DOUBT, empty_reads=1)
    attempt = await _reconcile(job, FakeReads([[]]))
    assert isinstance(attempt.decision, Settle)
    assert attempt.decision.state is State.IN_DOUBT


async def test_a_job_with_the_fallback_issued_is_settled_as_issued_when_no_read_finds_it():
    job = claimed(1, fallback=State.ISSUED, empty_reads=1)
    attempt = await _reconcile(job, FakeReads([[]]))
    assert attempt.decision == Settle(State.ISSUED, None, uses_fallback=True)


async def test_a_customer_unknown_to_the_api_counts_as_nothing_found(job):
    attempt = await _reconcile(job, FakeReads(customer=NoSuchCustomer(8015, "unknown")))
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
async def test_a_failed_read_settles_nothing_and_is_retried(job, reads):
    attempt = await _reconcile(job, reads, within_seconds=0.05)
    assert attempt.outcome.kind is Kind.TRANSIENT
    assert isinstance(attempt.decision, Reconcile)
    assert not attempt.decision.found_nothing


@pytest.mark.parametrize("reply", [Unreadable(TIMEOUT), Unreadable(Answer(503, b""))])
async def test_an_unreadable_transaction_settles_nothing(job, reply):
    attempt = await _reconcile(job, FakeReads([[_entry(job)]], unreadable_details={"501": reply}))
    assert isinstance(attempt.decision, Reconcile)


async def test_a_transaction_that_is_listed_but_not_found_settles_nothing(job):
    reads = FakeReads([[_entry(job)]], unreadable_details={"501": NotFound(6004, "not yet")})
    assert isinstance((await _reconcile(job, reads)).decision, Reconcile)


@pytest.mark.parametrize(
    ("reply", "refusal"), [(TOO_MANY, Refusal.THROTTLED), (Answer(401, b""), Refusal.UNAUTHORISED)]
)
async def test_a_refused_read_keeps_its_refusal_and_is_retried(job, reply, refusal):
    attempt = await _reconcile(job, FakeReads(customer=Unreadable(reply)))
    assert attempt.outcome.refusal is refusal
    assert isinstance(attempt.decision, Reconcile)


@pytest.mark.parametrize("reply", [TIMEOUT, Answer(503, b""), Answer(403, b"<html>"), TOO_MANY])
async def test_a_failed_probe_of_suspended_reads_counts_nothing_and_settles_nothing(
    desk, job, reply
):
    desk.api.customer_id = FakeReads(customer=Unreadable(reply)).customer_id
    await desk.suspend(0, key=reads_key(ACCOUNT))
    await desk.issue(replace(job, budget_attempts=99), policy=POLICY)
    (attempt,) = desk.attempts
    assert isinstance(attempt.decision, Reconcile)
    assert not attempt.decision.counted


@pytest.mark.parametrize(("reply", "refused"), [(TIMEOUT, 1), (Answer(503, b""), 1), (TOO_MANY, 1)])
async def test_a_failed_read_counts_for_reads_and_not_for_the_account(desk, job, reply, refused):
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
async def test_the_reason_of_a_failed_read_names_the_reply(job, reply, reason):
    assert describe_refusal(
        await _reconcile(job, FakeReads(customer=Unreadable(reply)))
    ).startswith(reason)


async def test_many_failed_reads_suspend_reads_and_calls_continue(desk):
    desk.api.customer_id = FakeReads(customer=Unreadable(Answer(503, b""))).customer_id
    desk.api.latency_seconds = 0.05
    reconciled = [claimed(number, fallback=State.IN_DOUBT) for number in range(1, 31)]
    await desk.issue(*reconciled[:1], policy=POLICY)
    await desk.state()
    # failures suspend reads only after a while
    await desk.redis.hincrby(reads_key(ACCOUNT), "refused_at", -1_000_000)
    await desk.issue(*reconciled[1:], claimed(99), policy=POLICY, chunk_id="next")
    assert 99 in {attempt.job.number for attempt in desk.attempts}
    state = await desk.state()
    assert (state.reads.is_available, state.account.is_available) == (False, True)


async def test_each_further_read_needs_its_own_call_slot(job):
    reads = FakeReads([[], [_entry(job)]])
    attempt = await _reconcile(job, reads, slots=1)
    assert reads.calls == ["customer", "page 0"]
    assert isinstance(attempt.decision, Reconcile)


async def test_a_job_under_reconciliation_is_never_resent(desk, job):
    reads = FakeReads([[_entry(job)]])
    desk.api.customer_id, desk.api.issuals = reads.customer_id, reads.issuals
    desk.api.transaction_detail = reads.transaction_detail
    await desk.issue(job, claimed(2), policy=POLICY)
    assert sorted(attempt.outcome.kind for attempt in desk.attempts) == [Kind.ISSUED, Kind.ISSUED]
    assert desk.api.customers == [claimed(2).customer.value]


async def test_with_reconciliation_switched_off_nothing_is_read_and_the_job_stays_in_doubt():
    reads = FakeReads()
    attempt = await _reconcile(claimed(1), reads, policy=RetryPolicy())
    assert attempt.decision == Settle(State.IN_DOUBT, Reason.IN_DOUBT)
    assert "switched off" in attempt.outcome.message
    assert reads.calls == []


async def test_a_cancelled_campaigns_jobs_are_reconciled_and_none_is_sent(desk):
    job = claimed(1, fallback=State.IN_DOUBT)
    reads = FakeReads([[_entry(job)]])
    desk.api.customer_id, desk.api.issuals = reads.customer_id, reads.issuals
    desk.api.transaction_detail = reads.transaction_detail
    await desk.limits.paused_campaigns.pause(CAMPAIGN_ID)
    await desk.issue(job, claimed(2), policy=POLICY, is_cancelled=True)
    assert [attempt.job.number for attempt in desk.attempts] == [1]
    assert [returned.job.number for returned in desk.given_back] == [2]
    assert desk.api.starts == []


@dataclass
class ScopedReads(FakeReads):
    """Reads that list a transaction in one scope only, and know the customer in some scopes."""

    listed_in: str = ""
    known_in: tuple[str, ...] = ()
    scopes: list = field(default_factory=list)

    async def customer_id(self, customer, *, reads, scope=None):
        self.scopes.append(scope)
        found = await super().customer_id(customer, reads=reads)
        return found if scope in self.known_in else NoSuchCustomer(8015, "no such customer")

    async def issuals(self, customer_id, reward_id, page, *, reads, scope=None):
        found = await super().issuals(customer_id, reward_id, page, reads=reads)
        return found if scope == self.listed_in else replace(found, issuals=())


async def test_a_call_for_several_organisations_is_read_two_at_a_time(job):
    job = replace(job, variant=Variant.CONNECTED, scope="OTHER:1,2,3,4,5")
    scopes = ("OTHER:1,2", "OTHER:3,4", "OTHER:5")
    reads = ScopedReads([[_entry(job)]], listed_in="OTHER:3,4", known_in=scopes)
    attempt = await _reconcile(job, reads)
    assert reads.scopes == list(scopes)
    assert attempt.outcome.kind is Kind.ISSUED


async def test_a_customer_is_unknown_only_if_no_organisation_knows_it(job):
    job = replace(job, variant=Variant.CONNECTED, scope="OTHER:1,2,3")
    reads = ScopedReads([[_entry(job)]], listed_in="OTHER:3", known_in=("OTHER:3",))
    assert (await _reconcile(job, reads)).outcome.kind is Kind.ISSUED
    attempt = await _reconcile(job, ScopedReads([[_entry(job)]]))
    assert attempt.outcome.kind is Kind.IN_DOUBT
    assert "no such customer" in attempt.outcome.message


async def test_a_job_with_a_number_of_its_own_is_found_by_it(job):
    numbered = replace(job, transaction_number="till-17")
    entry = _entry(job) | {"rewardIssueRefId": "till-17"}
    found = await _reconcile(numbered, FakeReads([[entry]]))
    assert found.decision == Settle(State.ISSUED, None)
    missed = await _reconcile(numbered, FakeReads([[_entry(job)]]))
    assert missed.decision == Reconcile(120.0, State.IN_DOUBT, found_nothing=True)


async def test_transactions_of_a_reward_with_an_external_id_are_not_filtered_by_reward(job):
    named = replace(job.lines[0], reward_id=0, reward_external_id="SKU-9")
    filters = []

    class Reads(FakeReads):
        async def issuals(self, customer_id, reward_id, page, *, reads, scope=None):
            filters.append(reward_id)
            return await super().issuals(customer_id, reward_id, page, reads=reads, scope=scope)

    found = await _reconcile(replace(job, lines=(named,)), Reads([[_entry(job)]]))
    assert found.decision == Settle(State.ISSUED, None)
    assert filters == [None]
