"""What this process's answers say of their rewards, before the ledger has them.

Results are recorded in groups, a fraction of a second after the call, and later on a busy machine.
While faults come one after the other, each is recorded without waiting, and after some more no call
of the reward starts for a moment: until then the ledger has decided.
"""

import time
from collections.abc import Callable

from issuance.outcome import Kind
from issuance.reward_key import reward_key
from issuance.stop_loss.cusum import FAULT_STEP, add_fault, add_others
from issuance.stop_loss.faults import is_campaign_fault
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.results.attempts import Attempt, Result

_URGENT_AT = 3 * FAULT_STEP
_HOLD_AT = 10 * FAULT_STEP
HOLD_SECONDS = 3.0

_Key = tuple[int, str]
"""A campaign, by its id, and a reward, by its key."""


class FaultWatch:
    """The stop-loss's statistic of the rewards that this process has called.

    It stops nothing for good: the ledger has the statistic of all processes. Use it in the event
    loop's thread.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._statistics: dict[_Key, int] = {}
        self._held_until: dict[_Key, float] = {}

    def is_urgent(self, result: Result) -> bool:
        """Count a result; returns whether it must be recorded without waiting for others."""
        if not isinstance(result, Attempt) or result.job.fallback is not None:
            return False
        job, outcome, is_urgent = result.job, result.outcome, False
        if not outcome.readable or (outcome.kind is Kind.ISSUED and not self._statistics):
            return False
        for line, of_line in zip(job.lines, outcome.lines, strict=True):
            key = (job.campaign_id, reward_key(line.reward_id, line.reward_external_id))
            if is_campaign_fault(outcome, of_line):
                is_urgent |= self._add_fault(key)
            elif key in self._statistics:
                self._put(key, add_others(self._statistics[key], 1))
        return is_urgent

    def holds(self, job: ClaimedJob) -> bool:
        """Return whether no call of the job may start just now."""
        if not self._held_until or job.fallback is not None:
            return False
        now = self._clock()
        for line in job.lines:
            key = (job.campaign_id, reward_key(line.reward_id, line.reward_external_id))
            until = self._held_until.get(key)
            if until is not None and now < until:
                return True
            if until is not None:
                del self._held_until[key]
        return False

    def _add_fault(self, key: _Key) -> bool:
        statistic = add_fault(self._statistics.get(key, 0))
        if statistic >= _HOLD_AT:
            self._held_until[key] = self._clock() + HOLD_SECONDS
            self._put(key, 0)  # if the ledger does not stop the reward, it is tried again
        else:
            self._put(key, statistic)
        return statistic >= _URGENT_AT

    def _put(self, key: _Key, statistic: int) -> None:
        if statistic:
            self._statistics[key] = statistic
        else:
            self._statistics.pop(key, None)
