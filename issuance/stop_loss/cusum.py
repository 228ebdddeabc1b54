"""The sequential test of the stop-loss: Page's CUSUM on one reward's answers.

A campaign's fault adds the logarithm of `DEAD_RATE / BACKGROUND_RATE`; any other answer subtracts
that of `(1 - BACKGROUND_RATE) / (1 - DEAD_RATE)`, and the statistic never falls below 0. Numbers
are whole thousandths: the same answers give the same statistic on every machine and database.
"""

import math

BACKGROUND_RATE = 0.02
"""The share of campaign faults that is normal: single bad rows, a vendor's bad moment."""
DEAD_RATE = 0.20
"""The share of campaign faults that a reward must not have."""
FAULTS_IN_A_ROW = 20
"""From zero, this many faults in a row stop a reward."""

FAULT_STEP = round(1000 * math.log(DEAD_RATE / BACKGROUND_RATE))
OTHER_STEP = round(1000 * math.log((1 - BACKGROUND_RATE) / (1 - DEAD_RATE)))
STOP_AT = FAULTS_IN_A_ROW * FAULT_STEP


def add_fault(statistic: int) -> int:
    """Return the statistic after one more campaign fault."""
    return statistic + FAULT_STEP


def add_others(statistic: int, count: int) -> int:
    """Return the statistic after a number of other answers."""
    return max(0, statistic - count * OTHER_STEP)


def must_stop(statistic: int) -> bool:
    """Return whether the reward has to be stopped."""
    return statistic >= STOP_AT
