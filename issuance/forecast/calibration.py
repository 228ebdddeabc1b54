"""How much longer than computed a campaign takes, by simulated runs with faults."""

from collections.abc import Mapping

from issuance.forecast.speed import Pace

EARLY, MIDDLE, LATE = 0.1, 0.5, 0.9
"""The chances that a campaign has ended by the three times of a forecast."""

_FACTORS: Mapping[Pace, tuple[float, float, float]] = {
    Pace.RATE: (1.0, 1.0, 1.0),
    Pace.LIMIT: (1.0, 1.0, 1.0),
    Pace.WORKERS: (1.0, 1.0, 1.0),
    Pace.SUSPENDED: (1.0, 1.0, 1.0),
    Pace.UNKNOWN: (1.0, 1.0, 1.0),
}
_OUTAGE_MOST_SECONDS = 3_600.0


def factors(pace: Pace) -> Mapping[float, float]:
    """Return the computed time's factor of each chance."""
    return dict(zip((EARLY, MIDDLE, LATE), _FACTORS[pace], strict=True))


def outage_seconds(until: float, lasted: float, chance: float) -> float:
    """Return how long a suspension lasts yet, with this chance.

    One that has lasted a while lasts as long again in half of the cases, and nine times as long in
    one of ten; it ends at a probe, so not before `until`.
    """
    longer = min(lasted * chance / (1 - chance), _OUTAGE_MOST_SECONDS)
    return max(until, longer)
