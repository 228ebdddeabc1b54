"""The API account's rate, ceiling and closings, one for all workers."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from issuance.retry import RetryPolicy
from limiter import lua_scripts
from limiter.feedback_buffer import Heard
from limiter.keys import limits_key
from limiter.reservation import MICROSECONDS, Reservation
from limiter.state import LimitState, check_rate
from limiter.unavailable import reach_redis

log = structlog.get_logger("issuance.worker")

_CLOSED_MIN_SECONDS = 1.0
_LOWERED, _GONE = 1, 2
_ANY_ERA, _NO_ERA = -1, -2
_NOTHING = (-1, 0, 0, 0, 0)


class AccountLimits:
    """The limits of one API account; every method but `note` is one round trip.

    Every method raises `LimitsUnavailable` when Redis cannot be reached. One caller of all is told when the
    ceiling is lowered or gone, and logs it.

    Args:
        redis: made by `connect`; its socket timeout bounds every wait here.
        account: names the API account; the same for all its workers.
        rate_per_minute: calls a minute while no other rate is set at run time; 0 is unlimited. The grid is
            in whole microseconds, so rates beyond a million a minute are kept to within some per cent below.
        failure_threshold: so many calls in a row without a readable answer close the account.
        adapts: whether what comes back sets a ceiling; the same for all workers.
    """

    def __init__(
        self, redis: Redis, account: str, *, rate_per_minute: int, failure_threshold: int = 20, adapts: bool = True
    ) -> None:
        self._redis = redis
        self._key = limits_key(account)
        self._rate_per_minute = check_rate(rate_per_minute)
        self._failure_threshold = failure_threshold
        self._adapts = adapts
        self._failing = False
        self._heard = Heard()
        self._reserve = redis.register_script(lua_scripts.RESERVE)
        self._give_back = redis.register_script(lua_scripts.GIVE_BACK)
        self._close = redis.register_script(lua_scripts.CLOSE)
        self._note = redis.register_script(lua_scripts.NOTE)
        self._set_rate = redis.register_script(lua_scripts.SET_RATE)
        self._state = redis.register_script(lua_scripts.STATE)

    async def reserve(self, count: int, *, within_seconds: float, preferred: bool = False) -> Reservation:
        """Reserve up to `count` calls that may start within `within_seconds` from now.

        Slots lie evenly on the rate, or on the ceiling where that is lower; time that went unused counts for at
        most two thirds of a second's worth of calls (at least one) at once. The last third is kept for preferred
        calls, which so start before what was reserved for the next `KEPT_SECONDS` already.

        None is granted while the account is closed; after that one at a time, about a second apart, until a call
        is answered. The rest belongs back in the ledger, due after `next_free_seconds`. What was noted before and
        cost no round trip is told by the way.
        """
        within = int(within_seconds * MICROSECONDS)
        reservation = Reservation.read(
            await self._run_telling(self._reserve, count, within, int(preferred), *self._told())
        )
        self._failing = reservation.failing
        return reservation

    async def give_back(self, reservation: Reservation, unused: int) -> None:
        """Give back the last `unused` slots of a reservation, once, when they will not be used.

        Only while nobody has reserved after it: otherwise they lapse, so that the rate never exceeds the
        limit.
        """
        back = min(unused, len(reservation.delays_seconds)) * reservation.interval_microseconds
        if back > 0:
            await self._run(self._give_back, reservation.mark, back)

    async def set_rate(self, per_minute: int | None) -> None:
        """Set the rate of all workers from their next reservation on; None is back to the setting.

        The ceiling goes with it, unless the account is closed or probed.

        Raises:
            ValueError: the rate is below 0.
        """
        await self._run(self._set_rate, "" if per_minute is None else check_rate(per_minute))

    async def state(self) -> LimitState:
        """Read the limits as they stand."""
        return LimitState.read(await self._run(self._state, self._rate_per_minute))

    async def closed_seconds(self) -> float:
        """Read how much longer the account is closed; 0 is open."""
        return (await self.state()).closed_seconds

    async def close(self, seconds: float, why: str, reservation: Reservation | None = None) -> float:
        """Close the account for all workers after an answer about it: 429, 401 and the like.

        It never shortens a closing. What is told of a closed account extends the closing and does not count
        as another. A closing lowers the ceiling far, so that calls come back gradually.

        Args:
            seconds: how long; less than 1 counts as 1, or probes could follow each other without a pause.
            why: for the operator; must not name a customer.
            reservation: the one that granted the call: one of before the newest closing does not lower the ceiling.

        Returns:
            Seconds the account is now closed.
        """
        lasting = math.ceil(max(seconds, _CLOSED_MIN_SECONDS) * MICROSECONDS)
        era = _ANY_ERA if reservation is None else reservation.era
        era = era if self._adapts else _NO_ERA
        (closed,) = await self._run_telling(self._close, lasting, why, era)
        return closed / MICROSECONDS

    async def note(
        self,
        reservation: Reservation,
        *,
        answered: int,
        failed: int,
        policy: RetryPolicy,
        rng: Random,
        timed: int = 0,
        took_seconds: float = 0.0,
    ) -> float | None:
        """Note what came of calls of a reservation, and close the account after too many failures.

        Failures count over all workers until any call is answered. The threshold closes the account, and
        then each failed probe closes it again, for longer. Calls granted before the newest closing tell
        nothing about the account after it and are passed over. No round trip while nothing fails: then the next
        reservation tells it, for the ceiling.

        Args:
            reservation: the one that granted these calls.
            answered: calls with a readable answer about the job; one about the account (429, 401) is not
                noted here: it closes.
            failed: calls without a readable answer: no connection, in doubt, 5xx.
            policy: says how long a closing lasts.
            rng: the source of jitter.
            timed: those of the answered calls that `took_seconds` is of.
            took_seconds: how long they took, all together.

        Returns:
            Seconds the account is now closed, or None when it was left as it is.
        """
        self._heard.add(reservation.lowered, answered, failed, timed, took_seconds)
        if failed == 0 and (answered == 0 or not self._failing):
            return None
        trip, failures, closings = await self._run_telling(
            self._note, answered, failed, self._failure_threshold, reservation.era, *self._told()
        )
        self._failing = failures > 0 or closings > 0
        if not trip:
            return None
        seconds = policy.closed_seconds(None, closings, rng)
        return await self.close(seconds, f"{failures} calls in a row without a readable answer", reservation)

    def _told(self) -> tuple[int, int, int, int, int]:
        told = self._heard.take()
        return told if self._adapts else _NOTHING

    async def _run_telling(self, script: AsyncScript, *arguments: int | str) -> Sequence[int]:
        reply: Sequence[Any] = await self._run(script, self._rate_per_minute, *arguments)
        *told, news, ceiling, why = reply
        if news == _LOWERED:
            log.warning("ceiling lowered", calls_a_minute=ceiling, why=why)
        elif news == _GONE:
            log.info("ceiling gone")
        return told

    async def _run(self, script: AsyncScript, *arguments: int | str) -> Any:
        with reach_redis():
            return await script(keys=[self._key], args=arguments)
