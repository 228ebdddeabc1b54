"""How much longer than computed a campaign takes, by simulated runs with faults.

Fitted to the runs with the seeds 0 to 199 of `benchmarks/forecast`; docs/evidence/forecast.md
compares forecasts with the runs of other seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from issuance.forecast.speed import Pace

EARLY, MIDDLE, LATE = 0.1, 0.5, 0.9
"""The chances that a campaign has ended by the three times of a forecast."""


@dataclass(frozen=True, slots=True)
class _Range:
    """A computed time's factors for the three chances."""

    known: tuple[float, float, float]
    """When hardly anything is ahead compared with the calls that were watched."""
    unknown: tuple[float, float, float]
    """When nearly everything is ahead: faults and other campaigns have still to come."""


_AT_RATE = _Range((0.96, 0.98, 0.99), (0.98, 1.05, 1.35))
_RANGES: Mapping[Pace, _Range] = {
    Pace.RATE: _AT_RATE,
    Pace.UNKNOWN: _AT_RATE,
    Pace.LIMIT: _Range((0.85, 1.0, 1.0), (0.75, 0.96, 1.07)),
    Pace.WORKERS: _Range((0.82, 0.9, 1.0), (0.62, 0.92, 1.05)),
    Pace.SUSPENDED: _Range((0.85, 1.0, 1.05), (0.8, 1.0, 1.3)),  # too few runs to fit
}
_OUTAGE_MOST_SECONDS = 3_600.0


def factors(pace: Pace, ahead: float) -> Mapping[float, float]:
    """Return the computed time's factor of each chance.

    Args:
        pace: what sets the account's speed.
        ahead: 0 to 1: the computed time, as a share of it and the time that was watched.
    """
    found = _RANGES[pace]
    return {
        chance: known * (1 - ahead) + unknown * ahead
        for chance, known, unknown in zip(
            (EARLY, MIDDLE, LATE), found.known, found.unknown, strict=True
        )
    }


def outage_seconds(until: float, lasted: float, chance: float) -> float:
    """Return how long a suspension lasts yet, with this chance.

    One that has lasted a while lasts as long again in half of the cases, and nine times as long in
    one of ten; it ends at a probe, so not before `until`.
    """
    longer = min(lasted * chance / (1 - chance), _OUTAGE_MOST_SECONDS)
    return max(until, longer)
