"""Invalid rates are refused before anything is sent."""

import pytest

from limiter.rate_limiter import RateLimiter


def test_a_setting_below_zero_is_refused_with_the_remedy(redis):
    with pytest.raises(ValueError, match="give 0"):
        RateLimiter(redis, "till", rate_per_minute=-1)


async def test_a_rate_below_zero_is_refused_and_leaves_the_old_one(redis):
    limiter = RateLimiter(redis, "till", rate_per_minute=60)
    await limiter.set_rate(30)
    with pytest.raises(ValueError, match="give 0"):
        await limiter.set_rate(-5)
    assert (await limiter.state()).rate_per_minute == 30
