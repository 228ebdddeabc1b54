"""How long each promise is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds, rows and repeats of the measurements."""

    steady_seconds: float
    """At each rate."""
    shared_seconds: float
    """For two concurrent campaigns: more than ten."""
    requests: int
    """Background requests."""
    blast_rows: int
    """Of the blast during background requests."""
    file_rows: int
    """Of the file that is issued while it is read."""
    pauses: int


FULL_LENGTH = Length(
    steady_seconds=15.0,
    shared_seconds=18.0,
    requests=100,
    blast_rows=50_000,
    file_rows=200_000,
    pauses=3,
)
QUICK_LENGTH = Length(
    steady_seconds=3.0,
    shared_seconds=11.0,
    requests=5,
    blast_rows=3_000,
    file_rows=10_000,
    pauses=1,
)
