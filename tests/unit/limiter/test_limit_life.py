"""What starts and ends an adaptive limit, apart from the API's answers, in virtual time."""

import pytest
from structlog.testing import capture_logs

from limiter.rate_limiter import RateLimiter
from tests.contract.limiter.build import ACCEPTED, FAILED, ISSUING, call, report
from tests.unit.limiter.virtual import PER_SECOND, RATE, HalfTaken, VirtualAccount, make_calls


@pytest.fixture
async def limited(virtual: VirtualAccount, limiter: RateLimiter) -> RateLimiter:
    """A worker whose adaptive limit is half of the rate, as the API requires."""
    await make_calls(virtual, limiter, 10, HalfTaken(virtual))
    state = await limiter.state()
    assert 0 < state.adaptive_limit_per_minute < RATE
    assert state.adaptive_limit_reason == "throttled"
    return limiter


async def test_a_limit_binds_all_workers_and_the_state_says_why_and_for_how_long(virtual, limited):
    other = virtual.worker()
    before = (await other.state()).adaptive_limit_seconds
    made = await make_calls(virtual, other, 2, HalfTaken(virtual))
    assert len(made) <= 2.5 * 0.75 * PER_SECOND
    state = await other.state()
    assert state.adaptive_limit_seconds == pytest.approx(before + 2, abs=0.2)
    assert (state.is_held_back, state.allowed_per_minute) == (True, state.adaptive_limit_per_minute)


async def test_a_lowered_limit_is_logged_as_a_warning_and_a_lifted_one_as_info(virtual, limiter):
    with capture_logs() as logged:
        await make_calls(virtual, limiter, 10, HalfTaken(virtual))
        await make_calls(virtual, limiter, 60)
    lowered = [event for event in logged if event["event"] == "limit_lowered"]
    assert {event["log_level"] for event in lowered} == {"warning"}
    assert all(0 < event["calls_a_minute"] < RATE for event in lowered)
    assert logged[-1]["event"] == "limit_lifted"
    assert (await limiter.state()).adaptive_limit_per_minute == 0


async def test_a_worker_that_does_not_adapt_lifts_the_limit_and_never_sets_one(virtual, limited):
    rigid = virtual.worker(adapts=False)
    await call(rigid, ACCEPTED)
    assert (await rigid.state()).adaptive_limit_per_minute == 0
    with capture_logs() as logged:
        made = await make_calls(virtual, rigid, 10, HalfTaken(virtual))
    assert len(made) >= 0.9 * 10 * PER_SECOND
    assert logged == []


async def test_a_rate_that_is_set_ends_the_limit(limited):
    await limited.set_rate(2 * RATE)
    state = await limited.state()
    assert (state.adaptive_limit_per_minute, state.allowed_per_minute, state.unrelated_share) == (
        0,
        2 * RATE,
        0,
    )


async def test_a_rate_below_the_limit_applies(limited):
    await limited.set_rate(60)
    state = await limited.state()
    assert (state.adaptive_limit_per_minute, state.allowed_per_minute) == (0, 60)


@pytest.mark.parametrize(
    "is_old", [True, False], ids=["calls from before it", "calls from after it"]
)
async def test_only_calls_after_a_new_rate_count_against_it(virtual, limited, is_old):
    old = await limited.reserve(50, within_seconds=1, scope=ISSUING)
    await limited.set_rate(2 * RATE)
    new = await limited.reserve(50, within_seconds=1, scope=ISSUING)
    with capture_logs() as logged:
        for _ in range(20):
            await call(limited, *[ACCEPTED] * 5)
            await report(limited, old if is_old else new, *[FAILED] * 5, ACCEPTED)
            await virtual.wait(0.2)
    assert ("limit_lowered" in {event["event"] for event in logged}) is not is_old


async def test_a_limit_that_goes_unused_is_lifted(virtual, limited):
    for _ in range(600):
        await call(limited, ACCEPTED)
        await virtual.wait(1)
    assert (await limited.state()).adaptive_limit_per_minute == 0


async def test_a_limit_does_not_grow_while_nothing_is_accepted(virtual, limited):
    before = (await limited.state()).adaptive_limit_per_minute
    await virtual.wait(100)
    await limited.reserve(0, within_seconds=0, scope=ISSUING)
    assert (await limited.state()).adaptive_limit_per_minute == before


async def test_many_workers_grow_it_no_faster_than_one(virtual):
    grown = []
    for count in (1, 4):
        account = VirtualAccount()
        workers = [account.worker() for _ in range(count)]
        await make_calls(account, workers[0], 10, HalfTaken(account))
        before = (await workers[0].state()).adaptive_limit_per_minute
        for step in range(300):
            await call(workers[step % count], *[ACCEPTED] * 2)
            await account.wait(0.05)
        grown.append((await workers[0].state()).allowed_per_minute / before)
    assert grown[1] <= 1.1 * grown[0]
