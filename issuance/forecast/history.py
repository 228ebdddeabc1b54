"""What recent calls of a campaign say about the calls that its jobs will need."""

from collections.abc import Iterable, Sequence

from issuance.forecast.work import Repeats

_USUAL, _USUAL_AGAIN, _WEIGHT = 0.005, 0.05, 5.0
"""Shares that are expected before there are calls, and the calls that this counts as."""


def repeats_of(
    calls: Iterable[int],
    repeated: Sequence[tuple[int, float]],
    *,
    longest_seconds: float,
    calls_most: int,
    looked_up: int = 0,
    look_up_seconds: Sequence[float] = (),
) -> Repeats:
    """Estimate how often a campaign's calls are repeated, and how long their jobs wait.

    Args:
        calls: each recent call, as its number within its job, from 1.
        repeated: the same for each call after which its job was tried again, with the wait.
        longest_seconds: the longest wait by the policy.
        calls_most: most calls of a job by the policy.
        looked_up: calls after which the job was looked up.
        look_up_seconds: the wait before each look-up, by the policy.
    """
    made = list(calls)
    firsts = sum(number == 1 for number in made)
    waits = [wait for number, wait in repeated if number == 1]
    again = len(repeated) - len(waits)
    first = (len(waits) + _USUAL * _WEIGHT) / (max(firsts, len(waits)) + _WEIGHT)
    later = max(len(made) - firsts, again)
    return Repeats(
        first=first,
        again=(again + max(first, _USUAL_AGAIN) * _WEIGHT) / (later + _WEIGHT),
        first_seconds=sum(waits) / len(waits) if waits else 1.0,
        longest_seconds=longest_seconds,
        calls_most=calls_most,
        look_ups=looked_up / (len(made) + _WEIGHT),
        look_up_seconds=tuple(look_up_seconds),
    )
