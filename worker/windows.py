"""How many jobs may be queued, and how many make a chunk, at an account's allowed rate. Pure."""

import math

from issuance.job import Lane
from ledger.dispatch.backlog import Outstanding
from limiter.state import Availability, LimitState

_WINDOW_SECONDS = 5.0
"""Seconds of work that may be queued. A new campaign waits for what is queued before it."""
_CHUNK_SECONDS = 5.0
_SHARED_IN_HAND_SECONDS = 0.5
_CHUNK_OVERHEAD_SECONDS = 0.25
_LIKELY_CALL_SECONDS = 0.5
_BACKGROUND_CHUNK_MOST = 50
_PROBES_LAST_SECONDS = 5.0
"""A job that waits for a probe's slot goes back to the ledger after this time (`chunk.issuer`)."""
_REFILLS = 8


def size_window(
    limits: LimitState, lane: Lane, *, workers: int, window_most: int, chunk_most: int
) -> tuple[int, int]:
    """Return how many jobs may be queued, and how many make a chunk, at the allowed rate.

    While the account is suspended nothing is released, and while it is probed only single jobs.
    """
    match limits.account.availability:
        case Availability.SUSPENDED:
            return 0, 1
        case Availability.PROBING:
            return workers, 1
        case Availability.AVAILABLE:
            pass
    per_second = _per_second(limits)
    most = chunk_most if lane is Lane.BLAST else min(chunk_most, _BACKGROUND_CHUNK_MOST)
    window = max(workers, min(window_most, per_second * _WINDOW_SECONDS))
    chunk_size = max(1.0, min(most, per_second * _CHUNK_SECONDS / workers))
    return int(window), int(chunk_size)


def size_shared_chunk(limits: LimitState, *, workers: int, took_seconds: float | None) -> float:
    """Return a chunk's mean size while several campaigns have work.

    Chunks are then short, so that campaigns alternate: all children together hold half a second's
    work. With a slow API they hold more, since calls that wait for answers must not delay new ones.

    Args:
        limits: the account's limits.
        workers: the number of children.
        took_seconds: the recent duration of a call; None if unknown.
    """
    took_seconds = _LIKELY_CALL_SECONDS if took_seconds is None else took_seconds
    in_hand = min(
        _CHUNK_SECONDS, max(_SHARED_IN_HAND_SECONDS, 1.25 * took_seconds + _CHUNK_OVERHEAD_SECONDS)
    )
    return _per_second(limits) * in_hand / workers


def _per_second(limits: LimitState) -> float:
    return limits.allowed_per_minute / 60 if limits.allowed_per_minute else math.inf


def bound_outstanding(
    limits: LimitState, *, window: int, chunk_size: int, lease_seconds: float
) -> Outstanding:
    """Return how many jobs of an account may be queued and claimed, where there are several.

    Args:
        limits: the account's limits.
        window: its share of the lane's window.
        chunk_size: the largest chunk.
        lease_seconds: the duration of a claim.
    """
    if limits.account.availability is Availability.PROBING:
        # Older claims are calls that hang: they must not delay the next probe.
        return Outstanding(window, left_over_seconds=lease_seconds - _PROBES_LAST_SECONDS)
    per_second = _per_second(limits)
    took = _LIKELY_CALL_SECONDS if limits.call_seconds is None else limits.call_seconds
    open_calls = 0 if math.isinf(per_second) else math.ceil(per_second * took)
    least = max(1, min(chunk_size, window // _REFILLS))
    return Outstanding(window + open_calls, least)
