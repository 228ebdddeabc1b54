"""Forecast when a campaign's last job is settled, as a range that holds the truth in 8 of 10 runs.

The calls flow at the account's speed, shared by weight; then the last retries and look-ups follow.
`calibration` widens both by what simulated runs with faults have shown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from issuance.forecast.calibration import factors, outage_seconds
from issuance.forecast.flow import end_of_calls, is_open
from issuance.forecast.speed import Calls, Limits, Pace, Speed, estimate_speed
from issuance.forecast.tail import last_due, tail_seconds
from issuance.forecast.work import Campaign

_TAIL_MOST = 7 * 86_400.0
_OWN_RATES = 1.1
"""Campaigns that make at most this share of their own rates are held back by them."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a campaign ends, in seconds from now."""

    p10: float
    p50: float
    p90: float
    calls_end: float
    """When it has made the calls that are due now or soon; 50 %."""
    speed: Speed
    """The account's."""


def forecast(
    campaign: Campaign,
    others: Sequence[Campaign],
    calls: Calls,
    limits: Limits,
    *,
    ahead_per_second: float = 0.0,
    own_seconds: float = math.inf,
) -> Forecast | None:
    """Forecast a campaign's end.

    Args:
        campaign: the campaign.
        others: the account's other campaigns that have work, or will have it at a known time.
        calls: what the account made lately.
        limits: the account's limits.
        ahead_per_second: calls that go first, which background requests make.
        own_seconds: since the campaign started; what came before says less about its faults.

    Returns:
        None: unknown, as no speed is known yet or its times end before its work.
    """
    speed = estimate_account(campaign, others, calls, limits)
    per_second = speed.per_second - ahead_per_second
    if per_second <= 0 and campaign.calls > 0:
        return None
    computed = end_of_calls([campaign, *others], per_second)[campaign.id] if per_second else 0.0
    if math.isinf(computed):
        return None
    watched = min(speed.seconds, own_seconds)
    ahead = computed / (computed + watched) if computed else 0.0
    ends = [
        _end(
            _slowed(campaign, factor),
            [_slowed(each, factor) for each in others],
            per_second / factor,
            limits,
            chance,
        )
        for chance, factor in factors(speed.pace, ahead).items()
    ]
    if math.isinf(ends[-1][1]):
        return None
    (_, p10), (calls_end, p50), (_, p90) = ends
    return Forecast(min(p10, p50), p50, max(p50, p90), calls_end, speed)


def estimate_account(
    campaign: Campaign, others: Sequence[Campaign], calls: Calls, limits: Limits
) -> Speed:
    """Estimate the calls a second of a campaign's account, while it is available."""
    working = [each for each in (campaign, *others) if each.calls > 0 and is_open(each, 0.0)]
    speed = estimate_speed(calls, limits, has_work=bool(working))
    own = [each.per_minute / 60 for each in working]
    if all(own) and own and speed.per_second <= _OWN_RATES * sum(own):
        # Their own rates hold them back, so the calls do not show what the account can make.
        most = (limits.adaptive_per_minute or limits.rate_per_minute) / 60
        speed = Speed(max(speed.per_second, most, sum(own)), Pace.RATE, speed.seconds)
    return replace(speed, pace=Pace.SUSPENDED) if limits.is_suspended else speed


def _slowed(campaign: Campaign, factor: float) -> Campaign:
    if not campaign.per_minute:
        return campaign
    return replace(campaign, per_minute=campaign.per_minute / factor)


def _end(
    campaign: Campaign,
    others: Sequence[Campaign],
    per_second: float,
    limits: Limits,
    chance: float,
) -> tuple[float, float]:
    """Return when the calls are made, and when the last job is settled, with this chance."""
    begins = (
        outage_seconds(limits.until_seconds, limits.suspended_seconds, chance)
        if limits.is_suspended
        else 0.0
    )
    ends = end_of_calls([campaign, *others], per_second, begins=begins)[campaign.id]
    if math.isinf(ends):
        return ends, ends
    tail = tail_seconds(
        campaign,
        ends=ends,
        per_second=campaign.jobs / max(1.0, ends - begins),
        chance=chance,
        horizon=max(_TAIL_MOST, 2 * last_due(campaign)),
    )
    return ends, ends + tail
