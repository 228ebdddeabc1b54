"""What limits a campaign, in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from issuance.forecast.causes import Cause, weights
from issuance.forecast.speed import Speed
from issuance.forecast.work import Campaign
from issuance.states import CampaignState
from ledger.queries.open_work import Act, OpenWork
from ledger.store.clock import instant
from limiter.state import Availability, BreakerState, LimitState
from operations.formats import duration

_LIMIT_REASONS = {
    "throttled": "429s",
    "failures": "failed calls",
    "latency": "slow answers",
    "recovery": "calls resume after a suspension",
}
_STOPS = {
    "stop_loss": "stopped: the stop-loss",
    "canary": "stopped: the canary failed",
    "budget": "budget used up",
}
_NOT_STARTED = {
    CampaignState.DRAFT: "a draft: it is not submitted",
    CampaignState.AWAITING_APPROVAL: "waits for approval",
}


def held_text(
    work: OpenWork, act: Act | None, stop: tuple[str, str | None] | None, now: datetime
) -> str:
    """Say why a campaign's state lets it make no calls; "" if it may."""
    match work.state:
        case CampaignState.PAUSED | CampaignState.CANCELLED:
            return _acted(work.state.value, act, now)
        case CampaignState.STOPPED:
            cause, reward = stop or ("", None)
            text = _STOPS.get(cause, "stopped")
            return f"{text}, reward {reward.removeprefix('ext:')}" if reward else text
        case state:
            return _NOT_STARTED.get(state, "")


def _acted(done: str, act: Act | None, now: datetime) -> str:
    if act is None:
        return done
    at = instant(act.at) or now
    ago = duration(max(0.0, (now - at).total_seconds()))
    reason = f": {act.reason}" if act.reason else ""
    return f"{done} by {act.subject} {ago} ago{reason}"


@dataclass(frozen=True, slots=True)
class Situation:
    """A campaign that runs, with all that limits it."""

    work: OpenWork
    campaign: Campaign
    others: Sequence[Campaign]
    """Those that share its account."""
    speed: Speed
    state: LimitState
    now: datetime

    def say(self, causes: Sequence[Cause]) -> str:
        """Say what limits it: `weight 1 of 4, the account's rate 600/min`."""
        words = [_WORDS[cause](self) for cause in causes]
        if self.work.is_canary and not _STOPS_CALLS.intersection(causes):
            words.insert(0, "its canary is sent first")
        return ", ".join(words)

    def opens(self) -> str:
        """`window opens mon 09:00`, or when the campaign starts."""
        begin = min((span.begin for span in self.campaign.spans if span.begin > 0), default=None)
        if begin is None:
            return "its window does not open any more"
        zone = self.work.timezone or "UTC"
        at = (self.now + timedelta(seconds=begin)).astimezone(ZoneInfo(zone))
        if (self.work.start_at or 0) / 1000 > self.now.timestamp():
            return f"starts {at:%Y-%m-%d %H:%M} {zone}, in {duration(begin)}"
        return f"window opens {at:%a %H:%M}".lower()

    def retries(self) -> str:
        """Say when the first of the jobs that wait is due."""
        first = min(each.seconds for each in self.campaign.later)
        return f"waits for its next tries, the first in {duration(first)}"

    def weight(self) -> str:
        """`weight 1 of 4`."""
        own, all_of_them = weights(self.campaign, self.others)
        return f"weight {own} of {all_of_them}"

    def adaptive(self) -> str:
        """`adaptive limit 150/min: 429s`."""
        reason = _LIMIT_REASONS.get(self.state.adaptive_limit_reason, "")
        limit = f"adaptive limit {self.state.adaptive_limit_per_minute:,}/min"
        return f"{limit}: {reason}" if reason else limit

    def workers(self) -> str:
        """Say how many calls the workers make, and how long answers take."""
        rate, took = self.state.rate_per_minute / 60, self.state.call_seconds
        allowed = f" of {rate:,.0f} allowed" if rate else ""
        answers = f", answers take {took:.1f} s" if took and took >= _SLOW_SECONDS else ""
        return f"the workers make {self.speed.per_second:,.0f} calls a second{allowed}{answers}"


_SLOW_SECONDS = 0.1
_STOPS_CALLS = frozenset({Cause.WINDOW, Cause.ACCOUNT, Cause.SUSPENDED})
_WORDS: Mapping[Cause, Callable[[Situation], str]] = {
    Cause.WINDOW: Situation.opens,
    Cause.ACCOUNT: lambda it: f"account {breaker_words(it.state.account)}",
    Cause.SUSPENDED: lambda it: f"campaign {breaker_words(it.state.campaigns[it.work.id])}",
    Cause.RETRIES: Situation.retries,
    Cause.OWN_RATE: lambda it: f"rate {it.work.per_minute:,}/min",
    Cause.WEIGHT: Situation.weight,
    Cause.ADAPTIVE: Situation.adaptive,
    Cause.RATE: lambda it: f"the account's rate {it.state.rate_per_minute:,}/min",
    Cause.WORKERS: Situation.workers,
}


def breaker_words(breaker: BreakerState) -> str:
    """`suspended for 12 s` (yet), or probed; with the reason."""
    reason = f": {breaker.reason}" if breaker.reason else ""
    if breaker.availability is Availability.SUSPENDED:
        return f"suspended for {duration(breaker.until_seconds)}{reason}"
    return f"tried with single calls{reason}"
