"""Stops the calls of a campaign or reward that the stop-loss has stopped."""

from contextlib import suppress

from ledger.stop_loss.stopping import Stop
from limiter.paused_campaigns import PausedCampaigns
from limiter.unavailable import LimitsUnavailable


async def halt(paused: PausedCampaigns, stop: Stop) -> None:
    """Stop new calls in this process at once, and in the others when they next ask Redis.

    Without Redis no call starts at all, and the next release reports the stop again.
    """
    halted = stop.campaign.id if stop.reward is None else (stop.campaign.id, stop.reward)
    with suppress(LimitsUnavailable):
        await paused.pause(halted)
