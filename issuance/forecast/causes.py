"""What limits a campaign now, the strongest cause first."""

from collections.abc import Sequence
from enum import StrEnum

from issuance.forecast.flow import is_open, share_calls
from issuance.forecast.speed import Limits, Pace, Speed
from issuance.forecast.work import Campaign


class Cause(StrEnum):
    """Why a campaign is not faster."""

    WINDOW = "window"
    """None of its times has begun."""
    ACCOUNT = "account"
    """The account is suspended."""
    SUSPENDED = "suspended"
    """The campaign is suspended."""
    RETRIES = "retries"
    """All of its open jobs wait for their next try or look-up."""
    OWN_RATE = "own rate"
    WEIGHT = "weight"
    """It shares the account with other campaigns."""
    ADAPTIVE = "adaptive limit"
    RATE = "rate"
    """The account's."""
    WORKERS = "workers"
    """The workers and the API's latency."""


_OF_PACE = {
    Pace.RATE: Cause.RATE,
    Pace.LIMIT: Cause.ADAPTIVE,
    Pace.WORKERS: Cause.WORKERS,
}


def find_causes(
    campaign: Campaign,
    others: Sequence[Campaign],
    limits: Limits,
    speed: Speed,
    *,
    is_suspended: bool = False,
) -> list[Cause]:
    """Find what limits a campaign that runs.

    Args:
        campaign: the campaign.
        others: the account's other campaigns that have work.
        limits: the account's.
        speed: the account's.
        is_suspended: whether the campaign itself is suspended.
    """
    if not is_open(campaign, 0.0):
        return [Cause.WINDOW]
    if limits.is_suspended:
        return [Cause.ACCOUNT]
    if is_suspended:
        return [Cause.SUSPENDED]
    if not campaign.jobs and all(each.seconds > 0 for each in campaign.later):
        return [Cause.RETRIES]
    working = sharing(campaign, others)
    if campaign.per_minute:
        own = campaign.per_minute / 60
        if speed.per_second <= 0 or share_calls(working, speed.per_second)[campaign.id] >= own:
            return [Cause.OWN_RATE]
    found = [Cause.WEIGHT] if len(working) > 1 else []
    return [*found, *filter(None, [_OF_PACE.get(speed.pace, _unmeasured(limits))])]


def sharing(campaign: Campaign, others: Sequence[Campaign]) -> list[Campaign]:
    """Return the campaign, and the others that take turns with it now."""
    return [campaign, *(each for each in others if each.calls > 0 and is_open(each, 0.0))]


def _unmeasured(limits: Limits) -> Cause | None:
    return Cause.RATE if limits.rate_per_minute else None


def weights(campaign: Campaign, others: Sequence[Campaign]) -> tuple[int, int]:
    """Return the campaign's weight, and the sum of the weights of all that take turns with it."""
    return campaign.weight, sum(each.weight for each in sharing(campaign, others))
