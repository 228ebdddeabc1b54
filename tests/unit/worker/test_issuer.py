"""Issuing a chunk without failures: order, concurrency and budgets."""

from issuance.endpoint import Variant
from issuance.outcome import Kind
from issuance.replies.reply import Answer
from issuance.retry import RetryPolicy, Settle, TryAgain
from issuance.states import State
from tests.contract.ledger.build import TIMEOUT, make_job, refuse
from tests.unit.worker.build import FINGERPRINTS, claimed


async def test_every_job_is_sent_once_and_has_an_outcome(desk):
    jobs = [claimed(number) for number in range(1, 21)]
    await desk.issue(*jobs)
    assert {attempt.job.number: attempt.outcome.kind for attempt in desk.attempts} == dict.fromkeys(
        range(1, 21), Kind.ISSUED
    )
    assert len(desk.api.starts) == 20


async def test_the_calls_of_one_customer_run_one_by_one_in_claim_order(desk):
    desk.api.latency_seconds = 0.005
    await desk.issue(*(claimed(number, customer=1) for number in range(1, 6)))
    assert desk.api.most_of_a_customer == 1
    assert [attempt.job.number for attempt in desk.attempts] == [1, 2, 3, 4, 5]


async def test_a_customer_with_many_jobs_does_not_delay_the_others(desk):
    desk.api.latency_seconds = 0.05
    crowd = [claimed(number, customer=1) for number in range(1, 9)]
    others = [claimed(number) for number in range(11, 15)]
    await desk.issue(*crowd, *others, max_concurrent=5)
    assert desk.api.most_of_a_customer == 1
    first = {job.customer.value for job in (crowd[0], *others)}
    assert set(desk.api.customers[:5]) == first


async def test_calls_run_concurrently_up_to_the_limit(desk):
    desk.api.latency_seconds = 0.005
    await desk.issue(*(claimed(number) for number in range(1, 13)), max_concurrent=3)
    assert desk.api.most_running == 3
    assert len(desk.attempts) == 12


async def test_a_job_of_a_locked_customer_is_given_back_for_a_second_or_two(desk):
    locked, free = claimed(1), claimed(2)
    await desk.limits.locks.acquire("another chunk", [FINGERPRINTS.of(locked.customer)], 60)
    await desk.issue(locked, free)
    (returned,) = desk.given_back
    assert returned.job is locked
    assert 1 <= returned.delay_seconds <= 2
    assert [attempt.job for attempt in desk.attempts] == [free]


async def test_the_customers_are_unlocked_after_the_chunk(desk):
    job = claimed(1)
    await desk.issue(job)
    held = await desk.limits.locks.acquire("another chunk", [FINGERPRINTS.of(job.customer)], 60)
    assert held == {FINGERPRINTS.of(job.customer)}


async def test_a_lock_of_another_chunk_is_not_released(desk):
    job = claimed(1)
    await desk.limits.locks.acquire("another chunk", [FINGERPRINTS.of(job.customer)], 60)
    await desk.issue(job)
    assert await desk.limits.locks.acquire("a third", [FINGERPRINTS.of(job.customer)], 60) == set()


async def test_a_redelivered_chunk_still_holds_its_own_locks(desk):
    job = claimed(1)
    await desk.limits.locks.acquire("chunk", [FINGERPRINTS.of(job.customer)], 60)
    await desk.issue(job, chunk_id="chunk")
    assert len(desk.attempts) == 1


async def test_a_call_passes_the_id_of_its_first_reward(desk):
    single = claimed(1, job=make_job(1, variant=Variant.SINGLE))
    await desk.issue(single, claimed(2))
    assert desk.api.reward_ids == [1001, 1001]


async def test_the_reply_is_kept_unless_it_is_a_plain_success(desk):
    refusal = refuse()
    desk.api.replies[1] = refusal
    await desk.issue(claimed(1, customer=1), claimed(2, customer=1))
    assert [attempt.reply for attempt in desk.attempts] == [None, refusal.body]


async def test_little_is_kept_of_a_long_page_that_is_no_answer(desk):
    page = b"<html>" + b"x" * 1_000_000
    desk.api.always = Answer(502, page)
    await desk.issue(claimed(1))
    (attempt,) = desk.attempts
    assert len(attempt.reply) < 20_000
    assert f"{len(page)} bytes".encode() in attempt.reply


async def test_a_jobs_budget_counts_earlier_attempts_and_this_one(desk):
    desk.api.always = TIMEOUT
    policy = RetryPolicy(max_attempts=3)
    await desk.issue(claimed(1, budget_attempts=1), claimed(2, budget_attempts=2), policy=policy)
    decisions = {attempt.job.number: attempt.decision for attempt in desk.attempts}
    assert isinstance(decisions[1], TryAgain)
    assert isinstance(decisions[2], Settle)
    assert decisions[2].state is State.IN_DOUBT


async def test_the_wait_since_the_claim_counts_towards_a_jobs_age(desk):
    desk.api.always = TIMEOUT
    policy = RetryPolicy(base_seconds=0.001, cap_seconds=0.001, total_seconds=100.1)
    desk.set_up(rate_per_minute=60)
    young, old = claimed(1), claimed(2, budget_age_seconds=99.5)
    await desk.issue(young, old, policy=policy)
    decisions = {attempt.job.number: type(attempt.decision) for attempt in desk.attempts}
    assert decisions == {1: TryAgain, 2: Settle}


async def test_a_call_has_the_trace_context_of_its_job_or_none(desk):
    await desk.issue(claimed(1), claimed(2), traceparent_of=lambda job: f"of {job.number}")
    assert sorted(desk.api.traceparents) == ["of 1", "of 2"]
    await desk.issue(claimed(3), chunk_id="another")
    assert desk.api.traceparents[2:] == [None]
