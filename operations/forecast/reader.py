"""Reads the outlooks of campaigns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from issuance.forecast.causes import find_causes
from issuance.forecast.forecast import Forecast, estimate_account, forecast
from issuance.forecast.work import Campaign
from issuance.states import CampaignState
from ledger.queries.balance import Balance
from ledger.queries.open_work import (
    OpenWork,
    campaign_times,
    last_acts,
    open_stops,
    read_open_work,
)
from ledger.queries.recent_calls import campaign_calls, recent_calls
from ledger.store.clock import instant
from ledger.store.database import Ledger
from limiter.state import LimitState
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.forecast.inputs import Inputs, make_inputs
from operations.forecast.outlook import Ends, Outlook, ToGo
from operations.forecast.words import Situation, held_text
from operations.limits import Limits, known_limits
from operations.services import Services

_MOST_LATER, _MOST_LATER_OF_MANY = 20_000, 1_000
_SPEED_SECONDS = 10
_LONGEST = timedelta(days=3_650)
_NO_WORKER = "no worker answers"


@needs(Right.VIEW)
def read_outlooks(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    balances: Sequence[Balance],
    limits: Sequence[Limits],
    *,
    works: bool,
) -> dict[str, Outlook]:
    """Read the outlooks of campaigns, by name.

    Args:
        subject: asks for them.
        services: this process's services.
        ledger: the record.
        balances: the campaigns' balances.
        limits: the accounts' limits, as far as they are known.
        works: whether a worker answers.
    """
    now = datetime.now(UTC)
    names = [each.campaign.name for each in balances if each.unsettled]
    with ledger.read() as connection:
        reader = OutlookReader(services, connection, now, limits)
        found = reader.read(names, works=works) if names else {}
        times = campaign_times(connection, [each.campaign.id for each in balances])
    return {
        each.campaign.name: replace(
            found.get(each.campaign.name, Outlook()),
            started_at=instant(times[each.campaign.id][0]),
            finished_at=None if each.unsettled else instant(times[each.campaign.id][1]),
        )
        for each in balances
    }


@needs(Right.VIEW)
def read_outlook(subject: Subject, services: Services, ledger: Ledger, balance: Balance) -> Outlook:
    """Read one campaign's outlook; for a wait, in which workers are taken to answer."""
    limits = known_limits(subject, services, ledger)
    found = read_outlooks(subject, services, ledger, [balance], limits, works=True)
    return found[balance.campaign.name]


class OutlookReader:
    """Reads the outlooks in one transaction."""

    def __init__(
        self,
        services: Services,
        connection: Connection,
        now: datetime,
        limits: Sequence[Limits],
    ) -> None:
        self._connection = connection
        self._now = now
        self._policy = services.settings.retry_policy
        self._states: Mapping[str, LimitState] = {each.account: each.state for each in limits}
        self._accounts = services.accounts
        self._is_only_account = len(services.accounts.all()) <= 1
        self._inputs: dict[str, Inputs] = {}

    def read(self, names: Collection[str], *, works: bool) -> dict[str, Outlook]:
        """Read the outlooks of these campaigns."""
        most = _MOST_LATER if len(names) == 1 else _MOST_LATER_OF_MANY
        found = read_open_work(self._connection, names=names, most_later=most)
        running = [
            each for each in found if each.state in (CampaignState.RUNNING, CampaignState.SCHEDULED)
        ]
        held = self._held([each for each in found if each.name in names])
        return {
            each.name: self._outlook(each, found, running, held[each.name], is_worked=works)
            for each in found
            if each.name in names
        }

    def _held(self, works: Sequence[OpenWork]) -> dict[str, str]:
        acts = {
            state: last_acts(
                self._connection, verb, [each.name for each in works if each.state is state]
            )
            for state, verb in (
                (CampaignState.PAUSED, "pause"),
                (CampaignState.CANCELLED, "cancel"),
            )
        }
        stops = open_stops(self._connection, [each.id for each in works])
        return {
            each.name: held_text(
                each, acts.get(each.state, {}).get(each.name), stops.get(each.id), self._now
            )
            for each in works
        }

    def of_account(self, account: str, works: Sequence[OpenWork]) -> Inputs:
        """Read the inputs of an account once."""
        if account not in self._inputs:
            state = self._state(account)
            recent = recent_calls(
                self._connection,
                None if self._is_only_account else [account],
                slow_seconds=state.call_seconds or 0.0,
            )
            own = [each for each in works if each.account == account]
            self._inputs[account] = make_inputs(own, recent, state, self._policy, now=self._now)
        return self._inputs[account]

    def forecast(
        self, work: OpenWork, works: Sequence[OpenWork], running: Sequence[OpenWork]
    ) -> Forecast | None:
        """Forecast a campaign's end, as if it might run now."""
        inputs = self.of_account(work.account, works)
        return forecast(
            inputs.campaigns[work.name],
            self._others(work, running),
            inputs.calls,
            inputs.limits,
            ahead_per_second=inputs.ahead_per_second,
            own_seconds=work.started_seconds,
        )

    def _state(self, account: str) -> LimitState:
        """Return the account's limits; only the setting's rate while Redis does not say more."""
        if (state := self._states.get(account)) is not None:
            return state
        found = self._accounts.all().get(account)
        return LimitState(found.rate_per_minute if found else 0, rate_overridden=False)

    def _others(self, work: OpenWork, running: Sequence[OpenWork]) -> list[Campaign]:
        campaigns = self._inputs[work.account].campaigns
        return [
            campaigns[each.name]
            for each in running
            if each.account == work.account and each.id != work.id
        ]

    def _outlook(
        self,
        work: OpenWork,
        works: Sequence[OpenWork],
        running: Sequence[OpenWork],
        held: str,
        *,
        is_worked: bool,
    ) -> Outlook:
        state = self._state(work.account)
        found = Outlook(
            to_go=self._to_go(work),
            because=held,
            per_second=campaign_calls(self._connection, work.id, _SPEED_SECONDS) / _SPEED_SECONDS,
            allowed_per_second=state.allowed_per_minute / 60,
        )
        if held:
            return found
        if not is_worked:
            return replace(found, because=_NO_WORKER)
        forecast = self.forecast(work, works, running)
        found = replace(found, because=self._because(work, running))
        if forecast is None:
            return found
        return replace(
            found, ends=make_ends(forecast, self._now), calls_end=self._after(forecast.calls_end)
        )

    def _because(self, work: OpenWork, running: Sequence[OpenWork]) -> str:
        inputs, state = self._inputs[work.account], self._state(work.account)
        campaign, others = inputs.campaigns[work.name], self._others(work, running)
        speed = estimate_account(campaign, others, inputs.calls, inputs.limits)
        is_suspended = work.id in state.campaigns
        causes = find_causes(campaign, others, inputs.limits, speed, is_suspended=is_suspended)
        return Situation(work, campaign, others, speed, state, self._now).say(causes)

    def _to_go(self, work: OpenWork) -> ToGo:
        again = [each for each in work.later if not each.looks_up]
        looked_up = [each for each in work.later if each.looks_up]
        later = sum(each.lines for each in work.later) + work.more_later + work.held
        return ToGo(
            not_sent=max(0, work.open_lines - later),
            again=sum(each.lines for each in again) + work.more_later,
            again_by=self._after(again[-1].seconds) if again else None,
            looked_up=sum(each.lines for each in looked_up),
            looked_up_by=self._after(looked_up[-1].seconds) if looked_up else None,
            held=work.held,
        )

    def _after(self, seconds: float) -> datetime:
        return _after(self._now, seconds)


def make_ends(forecast: Forecast, now: datetime) -> Ends:
    """Return a forecast's times."""
    return Ends(*(_after(now, each) for each in (forecast.p10, forecast.p50, forecast.p90)))


def _after(now: datetime, seconds: float) -> datetime:
    return now + min(timedelta(seconds=seconds), _LONGEST)
