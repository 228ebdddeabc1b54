"""The ceiling: lowered by what comes back, for all workers, and gone when the account has proved well again."""

import time
from bisect import bisect_left
from itertools import pairwise
from random import Random

import pytest
from structlog.testing import capture_logs

from issuance.retry import RetryPolicy
from limiter.keys import limits_key
from limiter.rate_limiter import AccountLimits
from limiter.sync_limiter import LimitsConsole

RATE = 6_000
PER_SECOND = RATE // 60


@pytest.fixture
async def workers(clients, account) -> tuple[AccountLimits, AccountLimits]:
    one, other = await clients.redis(), await clients.redis()
    return AccountLimits(one, account, rate_per_minute=RATE), AccountLimits(other, account, rate_per_minute=RATE)


async def note(limits, reservation, *, answered=0, failed=0, took=0.1):
    return await limits.note(
        reservation,
        answered=answered,
        failed=failed,
        policy=RetryPolicy(),
        rng=Random(1),
        timed=answered,
        took_seconds=answered * took,
    )


async def make_calls(limits, wait, seconds=1, **outcome):
    """Make the calls that are allowed in so many seconds, each second's at once; tells how many there were."""
    made = 0
    for _ in range(seconds):
        await wait(1)
        calls = await limits.reserve(PER_SECOND * 10, within_seconds=0, preferred=True)
        count = len(calls.delays_seconds)
        made += count
        failed = round(count * outcome.get("failing", 0))
        await note(limits, calls, answered=count - failed, failed=failed, took=outcome.get("took", 0.1))
    return made


async def tell(limits):
    """Tell what was noted, which costs a round trip only here, where nobody reserves."""
    await limits.reserve(0, within_seconds=0)


async def fail(limits, count=5):
    await note(limits, await limits.reserve(count, within_seconds=0), failed=count)


async def test_a_healthy_account_has_no_ceiling(workers, wait):
    assert await make_calls(workers[0], wait, 5) == 5 * PER_SECOND
    state = await workers[1].state()
    assert (state.ceiling_per_minute, state.allowed_per_minute, state.is_held_back) == (0, RATE, False)


async def test_failures_in_a_row_halve_the_calls_of_all_workers(workers, wait):
    one, other = workers
    await make_calls(one, wait, 3)
    await fail(one)
    state = await other.state()
    assert (state.ceiling_per_minute, state.ceiling_why, state.rate_per_minute) == (RATE // 2, "failed calls", RATE)
    await wait(1)
    assert len((await other.reserve(1000, within_seconds=0, preferred=True)).delays_seconds) == PER_SECOND // 2


async def test_one_failure_among_many_answers_lowers_nothing(workers, wait):
    await make_calls(workers[0], wait, 20, failing=0.1)
    await tell(workers[0])
    assert (await workers[0].state()).ceiling_per_minute == 0


async def test_one_failure_in_four_lowers_the_ceiling(workers, wait):
    await make_calls(workers[0], wait, 3, failing=0.25)
    assert (await workers[0].state()).ceiling_why == "failed calls"


async def test_answers_between_failures_are_told_with_the_next_reservation(workers, wait):
    one, _ = workers
    for _ in range(10):
        await make_calls(one, wait, 1)
        await fail(one, 2)
    assert (await one.state()).ceiling_per_minute == 0


async def test_answers_far_slower_than_usual_halve_the_calls(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5, took=0.8)
    await make_calls(one, wait, 1, took=3.0)
    await tell(one)
    state = await one.state()
    assert (state.ceiling_per_minute, state.ceiling_why) == (pytest.approx(RATE // 2, rel=0.1), "slow answers")


@pytest.mark.parametrize(
    ("usual", "now"),
    [(0.1, 1.5), (2.0, 5.0), (3.0, 3.0)],
    ids=["quick still", "slow as ever", "nothing has changed"],
)
async def test_answers_that_are_not_slow_and_unusual_lower_nothing(workers, wait, usual, now):
    await make_calls(workers[0], wait, 5, took=usual)
    await make_calls(workers[0], wait, 5, took=now)
    await tell(workers[0])
    assert (await workers[0].state()).ceiling_per_minute == 0


async def test_slow_answers_alone_lower_it_to_a_quarter_and_no_further(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5, took=0.5)
    await make_calls(one, wait, 20, took=10)
    state = await one.state()
    assert (state.ceiling_per_minute, state.ceiling_why) == (pytest.approx(RATE // 4, rel=0.1), "slow answers")


async def test_a_slowness_that_stays_becomes_the_usual(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5, took=0.5)
    await make_calls(one, wait, 250, took=4)
    assert (await one.state()).ceiling_per_minute == 0


async def test_calls_in_flight_all_tell_of_one_event(workers, wait):
    one, other = workers
    await make_calls(one, wait, 3)
    await wait(1)
    flights = [await limits.reserve(10, within_seconds=0) for limits in (one, other, one, other)]
    for limits, calls in zip((one, other, one, other), flights, strict=True):
        await note(limits, calls, answered=4, failed=6)
        await wait(2)
    assert (await one.state()).ceiling_per_minute == RATE // 2


async def test_it_is_lowered_no_more_than_once_a_second(workers, wait):
    one, other = workers
    await make_calls(one, wait, 3)
    for limits in (one, other, one):
        await wait(0.3)
        calls = await limits.reserve(10, within_seconds=0)
        await note(limits, calls, answered=4, failed=6)
    assert (await one.state()).ceiling_per_minute == RATE // 2


async def test_failed_calls_alone_lower_it_to_a_sixteenth_and_no_further(workers, wait):
    await make_calls(workers[0], wait, 3)
    for _ in range(20):
        await wait(2)
        await note(workers[0], await workers[0].reserve(50, within_seconds=1), answered=1, failed=9)
    assert (await workers[0].state()).ceiling_per_minute == pytest.approx(RATE // 16, rel=0.2)


async def test_it_never_falls_below_a_call_a_second(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=120)
    for _ in range(20):
        await wait(2)
        await note(limits, await limits.reserve(50, within_seconds=1), answered=1, failed=9)
    assert (await limits.state()).ceiling_per_minute == 60


async def test_a_rate_of_a_call_a_second_or_less_has_none(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=60)
    await limits.reserve(1, within_seconds=0)
    await limits.close(1, "code 429")
    assert (await limits.state()).ceiling_per_minute == 0


async def test_it_grows_while_calls_are_answered_and_is_gone_at_the_rate(workers, wait):
    one, other = workers
    await make_calls(one, wait, 3)
    await fail(one)
    seen = []
    while (state := await other.state()).ceiling_per_minute:
        seen.append(state.ceiling_per_minute)
        assert await make_calls(one, wait, 1) <= PER_SECOND
        assert len(seen) < 30
    assert seen == sorted(seen)
    assert 12 <= len(seen) <= 18
    assert await make_calls(one, wait, 1) == PER_SECOND


async def test_it_does_not_grow_while_nobody_is_answered(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 3)
    await fail(one)
    await wait(3_600)
    await tell(one)
    await make_calls(one, wait, 5, failing=0.2)
    assert (await one.state()).ceiling_per_minute == RATE // 2


async def test_many_workers_grow_it_no_faster_than_one(workers, wait):
    await make_calls(workers[0], wait, 3)
    await fail(workers[0])
    for _ in range(2):
        calls = [await limits.reserve(5, within_seconds=0) for limits in workers]
        for limits, reservation in zip(workers, calls, strict=True):
            await note(limits, reservation, answered=5)
            await tell(limits)
    assert (await workers[0].state()).ceiling_per_minute < RATE // 2 + 60


async def test_after_a_closing_calls_come_back_doubling_to_half_and_then_evenly(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5)
    await one.close(30, "code 429")
    await wait(31)
    probe = await one.reserve(100, within_seconds=0)
    assert len(probe.delays_seconds) == 1
    await note(one, probe, answered=1)
    made = [await make_calls(one, wait, 1) for _ in range(25)]
    assert made[0] <= PER_SECOND // 8 + 1
    assert made == sorted(made)
    assert all(later <= 2 * sooner + 2 for sooner, later in pairwise(made))
    assert made[1] < PER_SECOND // 2 <= made[4]
    assert made[-1] == PER_SECOND


async def test_a_closing_upon_failed_calls_remembers_the_calls_from_before_them(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5)
    for _ in range(2):
        await fail(one)
        await wait(2)
    assert (await one.state()).ceiling_per_minute == pytest.approx(RATE // 4, rel=0.1)
    await one.close(30, "20 calls in a row without a readable answer")
    assert (await one.state()).ceiling_per_minute == pytest.approx(RATE // 16, rel=0.1)
    await wait(31)
    await note(one, await one.reserve(1, within_seconds=0), answered=1)
    made = [await make_calls(one, wait, 1) for _ in range(6)]
    assert made[-1] >= PER_SECOND // 2


async def test_each_429_under_a_ceiling_starts_from_that_ceiling(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5)
    for most in (RATE // 16, 60):
        calls = await one.reserve(1, within_seconds=1)
        await one.close(1, "code 429", calls)
        assert (await one.state()).ceiling_per_minute <= most
        await wait(3)
        await note(one, await one.reserve(1, within_seconds=0), answered=1)


async def test_probes_that_fail_lower_it_no_further(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 5)
    await one.close(30, "code 429")
    for _ in range(8):
        await wait(301)
        await note(one, await one.reserve(4, within_seconds=0), failed=1)
    assert (await one.state()).ceiling_per_minute == RATE // 16


async def test_late_answers_of_before_the_closing_do_not_lower_it_again(workers, wait):
    one, other = workers
    await make_calls(one, wait, 5)
    old = await other.reserve(1, within_seconds=1)
    await one.close(1, "code 429")
    await wait(2)
    await note(one, await one.reserve(1, within_seconds=0), answered=1)
    before = (await one.state()).ceiling_per_minute
    await other.close(1, "code 429", old)
    assert (await one.state()).ceiling_per_minute == before


async def test_an_unlimited_account_is_held_to_the_calls_it_made_and_let_go_at_twice_as_many(redis, account, wait):
    limits = AccountLimits(redis, account, rate_per_minute=0)
    for _ in range(12):
        await wait(1)
        await note(limits, await limits.reserve(50, within_seconds=0), answered=50)
    await fail(limits)
    first = (await limits.state()).ceiling_per_minute
    assert first == pytest.approx(50 * 60 / 2, rel=0.25)
    seen = [first]
    while ceiling := (await limits.state()).ceiling_per_minute:
        seen.append(ceiling)
        await make_calls(limits, wait, 1)
        assert len(seen) < 60
    assert seen[-1] == pytest.approx(50 * 60 * 2, rel=0.25)
    assert len((await limits.reserve(5_000, within_seconds=0)).delays_seconds) == 5_000


async def test_what_was_not_used_of_the_rate_does_not_count(workers, wait):
    one, _ = workers
    for _ in range(12):
        await wait(1)
        await note(one, await one.reserve(10, within_seconds=0), answered=10)
    await fail(one)
    assert (await one.state()).ceiling_per_minute == pytest.approx(10 * 60 / 2, rel=0.25)


@pytest.mark.parametrize("seed", range(3))
async def test_no_window_ever_has_more_calls_than_the_rate_or_its_highest_ceiling_allows(workers, wait, seed):
    rng, passed, late, starts, allowed = Random(seed), 0.0, 0.0, [], []
    for step in range(150):
        await wait(pause := rng.uniform(0, 0.4))
        passed += pause
        limits, asked = rng.choice(workers), time.monotonic()
        calls = await limits.reserve(rng.randrange(200), within_seconds=rng.uniform(0, 1))
        late = max(late, time.monotonic() - asked)  # so much later than granted a start may be taken to be
        now = passed + time.monotonic()
        starts += [now + delay for delay in calls.delays_seconds]
        allowed.append((now, (await limits.state()).allowed_per_minute / 60 + 1 / 60))
        if rng.random() < 0.01:
            await limits.close(1, "code 429", calls)
        count, bad = len(calls.delays_seconds), 0.5 if step % 60 < 15 else 0.02
        failed = sum(rng.random() < bad for _ in range(count))
        await note(limits, calls, answered=count - failed, failed=failed, took=rng.uniform(0.05, 0.2))
    _check_windows(sorted(starts), allowed, late)


def _check_windows(starts, allowed, late):
    """Hold each window of calls against the most that was allowed in it, a second's worth at once included."""
    assert min(rate for _, rate in allowed) < PER_SECOND / 4
    assert max(rate for _, rate in allowed) == pytest.approx(PER_SECOND, rel=0.01)
    for first in range(0, len(starts), 7):
        for seconds in (0.3, 2, 10):
            begin, end = starts[first], starts[first] + seconds
            # A slot is granted up to a second ahead, at what is allowed then.
            near = [rate for at, rate in allowed if begin - 1 - late <= at <= end + late]
            rate = max(near, default=PER_SECOND)
            count = bisect_left(starts, end) - first
            assert count <= rate * (seconds + late) + max(1, rate) + 1


async def test_a_new_rate_takes_the_ceiling_with_it(workers, wait, clients, account):
    one, _ = workers
    await make_calls(one, wait, 3)
    calls = await one.reserve(20, within_seconds=1)
    await fail(one)
    LimitsConsole(clients.redis_sync(), account, rate_per_minute=RATE).set_rate(3_000)
    await note(one, calls, answered=4, failed=16)
    state = await one.state()
    assert (state.rate_per_minute, state.ceiling_per_minute) == (3_000, 0)


async def test_a_new_rate_leaves_the_time_after_a_closing_gentle(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 3)
    await one.close(30, "code 429")
    await one.set_rate(12_000)
    assert (await one.state()).ceiling_per_minute == RATE // 16


async def test_a_rate_below_the_ceiling_is_what_holds(workers, wait):
    one, _ = workers
    await make_calls(one, wait, 3)
    await one.close(30, "code 429")
    await one.set_rate(120)
    state = await one.state()
    assert (state.ceiling_per_minute, state.allowed_per_minute) == (0, 120)
    await wait(31)
    assert (await one.reserve(1, within_seconds=0)).interval_microseconds == 500_000


async def test_one_worker_is_told_that_it_was_lowered_and_one_that_it_is_gone(workers, wait):
    one, other = workers
    with capture_logs() as logged:
        await make_calls(one, wait, 3)
        calls = [await limits.reserve(6, within_seconds=1) for limits in workers]
        for limits, reservation in zip(workers, calls, strict=True):
            await note(limits, reservation, failed=6)
        for _ in range(25):
            await make_calls(one, wait, 1)
            await tell(other)
    lowered, gone = [event for event in logged if event["event"].startswith("ceiling")]
    assert (lowered["event"], lowered["calls_a_minute"], lowered["why"]) == ("ceiling lowered", 3_000, "failed calls")
    assert gone["event"] == "ceiling gone"


async def test_workers_that_are_set_not_to_adapt_know_only_rate_and_closings(workers, redis, account, wait):
    await make_calls(workers[0], wait, 3)
    await fail(workers[0])
    rigid = AccountLimits(redis, account, rate_per_minute=RATE, adapts=False)
    assert await make_calls(rigid, wait, 3, failing=0.9, took=9) == 3 * PER_SECOND
    await rigid.close(1, "code 429")
    assert (await rigid.state()).ceiling_per_minute == 0


async def test_a_hash_of_an_older_version_serves_on(redis, account, wait):
    seconds, _ = await redis.time()
    old = {"rate": 600, "last": seconds * 1_000_000, "era": 3, "failures": 2, "closings": 0}
    await redis.hset(limits_key(account), mapping=old)
    limits = AccountLimits(redis, account, rate_per_minute=60)
    await wait(1)
    calls = await limits.reserve(100, within_seconds=0, preferred=True)
    assert (len(calls.delays_seconds), calls.era, calls.failures) == (10, 3, 2)
    assert (await limits.state()).ceiling_per_minute == 0
    await note(limits, calls, answered=4, failed=6)
    assert (await limits.state()).ceiling_per_minute == pytest.approx(150, abs=1)
