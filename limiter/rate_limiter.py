"""The API account's rate, adaptive limit and suspensions, one for all workers."""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

import structlog
from redis.asyncio import Redis

from limiter.feedback_buffer import CallResult, Feedback, FeedbackBuffer, Verdict
from limiter.keys import campaign_key, limits_key, reads_key, suspended_campaigns_key
from limiter.lua_scripts import LuaScript, load
from limiter.reservation import KEPT_SECONDS, MICROSECONDS, Grant, Reservation, Scope
from limiter.state import LimitState, check_rate
from limiter.unavailable import reach_redis

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

log = structlog.get_logger("issuance.worker")

PROBE_PAUSE_SECONDS = (1.1, 1.5)
"""Range of the random pause between probes; with PROBE_TURN of `breaker.lua` below 2 s."""
_REPORT_AGAIN_SECONDS = 0.05
_REPORT_ALL_SECONDS = 0.5
_WARNINGS = frozenset(
    {"account_suspended", "campaign_suspended", "reads_suspended", "limit_lowered"}
)


class RateLimiter:
    """The limits of one API account; every method takes at most one round trip for each scope.

    Every method raises `LimitsUnavailable` when Redis cannot be reached. Only the caller whose
    results caused a change of state logs it.

    Args:
        redis: made by `connect`; its socket timeout bounds every wait here.
        account: names the API account; the same for all its workers.
        rate_per_minute: calls a minute while no other rate is set at run time; 0 is unlimited.
            Intervals are whole microseconds, so the effective rate above a million a minute is a
            few per cent lower.
        known_as: the account's name in the log.
        failure_threshold: weight of refused calls in a row that suspends the account; a call
            without a readable answer weighs 1, a 429 2, a 401 or a refusal by the edge 4, and a
            job that failed before 0 (1 when the edge refuses it).
        adapts: whether results set an adaptive limit; the same for all workers.
        first_calls: the most calls that all workers make each second until the account answers,
            when it has not answered for a minute; 0 is unlimited.
        rng: the source of jitter.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        redis: Redis,
        account: str,
        *,
        rate_per_minute: int,
        known_as: str = "",
        failure_threshold: int = 20,
        adapts: bool = True,
        first_calls: int = 0,
        rng: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._account = account
        self._known_as = {"account": known_as} if known_as else {}
        self._constants = {"setting_rate": check_rate(rate_per_minute), "adapts": int(adapts)}
        self._threshold = failure_threshold
        self._first_calls = first_calls
        self._rng = rng or Random()
        self._clock = clock
        self._buffer = FeedbackBuffer()
        self._reported_at = clock()
        self._answered_at = clock()
        self._watched = False
        self._scripts: dict[str, tuple[LuaScript, AsyncScript]] = {}

    async def reserve(
        self,
        count: int,
        *,
        within_seconds: float,
        scope: Scope,
        preferred: bool = False,
        is_repeat: bool = False,
    ) -> Reservation:
        """Reserve up to `count` calls that may start within `within_seconds` (at most 1) from now.

        Slots are spaced evenly at the rate, or at the adaptive limit where that is lower. Unused
        time allows a burst of two thirds of a second's calls (at least one call). The last third
        is kept for preferred calls, which may start before slots that others have already reserved
        for the next 0.35 s.

        While the scope is suspended no slot is granted, and then single probes until one succeeds.
        Give the other jobs back to the ledger, due after `next_free_seconds`. The call also reports
        the scope's buffered results.

        Args:
            count: calls wanted.
            within_seconds: latest start of a call, from now.
            scope: of the calls.
            preferred: background calls, which go before the slots that a blast has reserved.
            is_repeat: every job that waits for a slot has failed before; probes alternate between
                such jobs and others.
        """
        taken = self._buffer.take(scope)
        reply = await self._run(
            "reserve",
            self._keys(scope),
            {
                **self._results(scope, taken),
                "count": count,
                "kept": round(KEPT_SECONDS * MICROSECONDS),
                "within": int(within_seconds * MICROSECONDS),
                "preferred": int(preferred),
                "is_repeat": int(is_repeat),
                "first_calls": self._first_calls,
            },
        )
        self._log_changes(scope, reply)
        return Reservation.read(scope, reply)

    async def report(self, reservation: Reservation, result: CallResult) -> float:
        """Buffer the result of one of a reservation's calls, and report it now if it is urgent.

        A refusal is urgent, and so is any result after refusals; they take at most about twenty
        round trips a second. The result of a probe is always reported now. Other results wait for
        the next reservation, at most about half a second while results arrive.

        Returns:
            Seconds for which the scope is suspended; 0 when it is available or nothing was
            reported.
        """
        self._buffer.add(reservation.grant, result)
        if result.verdict is Verdict.ACCEPTED:
            self._answered_at = self._clock()
        is_news = result.verdict is not Verdict.ACCEPTED or self._watched
        waited = self._clock() - self._reported_at
        due = waited >= (_REPORT_AGAIN_SECONDS if is_news else _REPORT_ALL_SECONDS)
        if not due and not reservation.is_probe:
            return 0.0
        return await self.flush(reservation.grant.scope)

    async def flush_refusals(self, scope: Scope) -> float:
        """Report everything if the buffer has a refused call: the next call may be far away."""
        return await self.flush(scope) if self._buffer.has_refusals() else 0.0

    async def flush(self, scope: Scope) -> float:
        """Report all buffered results; returns the seconds for which the scope is suspended."""
        seconds = 0.0
        for grant, feedback in self._buffer.take_all():
            results = self._results(grant.scope, (grant, feedback))
            reply = await self._run("report", self._keys(grant.scope), results)
            self._log_changes(grant.scope, reply)
            if grant.scope == scope:
                seconds = reply["suspended"] / MICROSECONDS
        return seconds

    async def give_back(self, reservation: Reservation, unused: int) -> None:
        """Give back the last `unused` slots of a reservation; call it once.

        Slots are returned only while they are the newest. Otherwise they stay unused, so that the
        rate never exceeds the limit.
        """
        back = min(unused, len(reservation.delays_seconds)) * reservation.interval_microseconds
        if back > 0:
            await self._run(
                "give_back", [limits_key(self._account)], {"mark": reservation.mark, "back": back}
            )

    async def set_rate(self, per_minute: int | None) -> None:
        """Set the rate of all workers from their next reservation on; None restores the setting.

        This also ends the adaptive limit, unless the account is suspended.

        Raises:
            ValueError: the rate is below 0.
        """
        rate = -1 if per_minute is None else check_rate(per_minute)
        await self._run("set_rate", [limits_key(self._account)], {"rate": rate})

    async def state(self) -> LimitState:
        """Read the limits and suspensions."""
        with reach_redis():
            members = await self._redis.smembers(suspended_campaigns_key(self._account))
        campaigns = sorted(map(int, members))
        keys = [limits_key(self._account), reads_key(self._account)]
        keys += [campaign_key(self._account, number) for number in campaigns]
        reply = await self._run("state", keys, {"setting_rate": self._constants["setting_rate"]})
        return LimitState.read(reply, campaigns)

    def _keys(self, scope: Scope) -> list[str]:
        account = self._account
        return [
            limits_key(account),
            campaign_key(account, scope.campaign_id),
            reads_key(account),
            suspended_campaigns_key(account),
        ]

    def _results(
        self, scope: Scope, taken: tuple[Grant, Feedback] | None
    ) -> dict[str, int | float | str]:
        arguments: dict[str, int | float | str] = {
            **self._constants,
            "campaign": str(scope.campaign_id),
            "is_read": int(scope.is_read),
            "pause": round(self._rng.uniform(*PROBE_PAUSE_SECONDS) * MICROSECONDS),
            "threshold": self._threshold,
        }
        if taken is not None:
            grant, feedback = taken
            arguments |= {
                "epoch": grant.epoch,
                "suspension": grant.suspension,
                "campaign_suspension": grant.campaign_suspension,
                "is_probe": int(grant.is_probe),
                # Results of the last chunk may wait here for hours.
                "answered_ago": round((self._clock() - self._answered_at) * MICROSECONDS),
                **vars(feedback),
            }
        self._reported_at = self._clock()
        return arguments

    def _log_changes(self, scope: Scope, reply: Mapping[str, Any]) -> None:
        self._watched = bool(reply["watched"])
        for event in reply["news"].split():
            (log.warning if event in _WARNINGS else log.info)(
                event, **self._known_as, **_fields(event, scope, reply)
            )

    async def _run(
        self, name: str, keys: list[str], arguments: Mapping[str, int | float | str]
    ) -> dict[str, Any]:
        if name not in self._scripts:
            loaded = load(name)
            self._scripts[name] = loaded, self._redis.register_script(loaded.text)
        script, registered = self._scripts[name]
        with reach_redis():
            return script.named(await registered(keys=keys, args=script.arguments(arguments)))


def _fields(event: str, scope: Scope, reply: Mapping[str, Any]) -> dict[str, Any]:
    if event.startswith("limit_"):
        return {"calls_a_minute": reply["limit"]}
    fields: dict[str, Any] = (
        {"campaign_id": scope.campaign_id} if event.startswith("campaign_") else {}
    )
    return fields | ({"reason": reply["reason"]} if event.endswith("_suspended") else {})
