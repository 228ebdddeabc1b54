"""Values that another client of the server wrote: none stops the calls or the release."""

import pytest
from structlog.testing import capture_logs

from limiter.keys import limits_key, paused_key, suspended_campaigns_key
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope
from limiter.state import Availability
from limiter.sync_limiter import SyncLimiter

CENTURY = 100 * 365 * 24 * 3600 * 1_000_000
FOREIGN = (
    "",
    "x",
    "-7",
    "7.5",
    "\N{ARABIC-INDIC DIGIT SEVEN}",
    "9" * 30,
    "0",
    "7:",
    "x:1001",
    ":",
    b"\xff\xfe",
)


@pytest.fixture
def console(clients, account):
    return SyncLimiter(clients.redis_sync(), account, rate_per_minute=0)


async def test_unreadable_members_of_the_paused_set_are_skipped_and_logged(
    clients, redis, account, console
):
    await redis.sadd(paused_key(account), "7", *FOREIGN)
    with capture_logs() as logged:
        assert await PausedCampaigns(await clients.redis(), account).paused() == {7}
        assert console.paused() == {7}
    (event,) = logged  # once, although the set is read twice a second
    assert (event["event"], event["count"]) == ("redis_values_unreadable", len(FOREIGN))


async def test_unreadable_members_of_the_suspended_set_are_skipped(redis, account, console):
    await redis.sadd(suspended_campaigns_key(account), *FOREIGN)
    assert console.state().campaigns == {}
    assert console.resume() == 0


@pytest.mark.parametrize("value", [CENTURY, "soon", "nan", "inf"])
async def test_a_suspension_for_longer_than_any_may_last_is_probed_at_once(
    redis, account, console, value
):
    now, rest = await redis.time()
    fields = {
        "suspended_since": now * 1_000_000 + rest,
        "suspended_until": value,
        "probe_at": value,
    }
    if value == CENTURY:
        fields |= {"suspended_until": CENTURY + now * 1_000_000}
    await redis.hset(limits_key(account), mapping=fields)
    limiter = RateLimiter(redis, account, rate_per_minute=0)
    granted = await limiter.reserve(10, within_seconds=1.0, scope=Scope(1))
    assert (len(granted.delays_seconds), granted.held) == (1, "probing")
    assert console.state().account.availability is Availability.PROBING
