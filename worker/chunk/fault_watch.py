"""Finds answers that must be recorded at once: a reward of this process's calls seems to be dead.

Results are recorded in groups, a fraction of a second after the call. While faults come one after
the other, each is recorded without waiting, so that the stop-loss can stop the reward in time.
"""

from issuance.outcome import Kind
from issuance.reward_key import reward_key
from issuance.stop_loss.cusum import FAULT_STEP, add_fault, add_others
from issuance.stop_loss.faults import is_campaign_fault
from ledger.results.recording import Attempt, Result

_URGENT_AT = 5 * FAULT_STEP


class FaultWatch:
    """The stop-loss's statistic of the rewards that this process has called.

    It decides nothing: the ledger has the statistic of all processes. Not thread-safe.
    """

    def __init__(self) -> None:
        self._statistics: dict[tuple[int, str], int] = {}

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
                self._statistics[key] = add_fault(self._statistics.get(key, 0))
                is_urgent |= self._statistics[key] >= _URGENT_AT
            elif key in self._statistics:
                left = add_others(self._statistics[key], 1)
                if left:
                    self._statistics[key] = left
                else:
                    del self._statistics[key]
        return is_urgent
