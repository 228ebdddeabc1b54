"""Campaigns' ids as Redis holds them: every client of that server may have written them."""

from collections.abc import Iterable
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger("issuance.limiter")

_IDS_END = 2**63
_DIGITS = len(str(_IDS_END))
_logged: dict[str, int] = {}

Halted = int | tuple[int, str]
"""What must not be called: a campaign, by its id, or one reward of a campaign, by its key."""


def halted_member(halted: Halted) -> str:
    """Return the member that says so in a set: `ID`, or `ID:REWARD`."""
    return str(halted) if isinstance(halted, int) else f"{halted[0]}:{halted[1]}"


def read_ids(members: Iterable[object], key: str) -> frozenset[int]:
    """Return the ids among a set's members; the others are skipped, and logged when they change.

    Args:
        members: as Redis returns them.
        key: names the set in the log.
    """
    return _without_unreadable(map(_read_id, map(str, members)), key)


def read_halted(members: Iterable[object], key: str) -> frozenset[Halted]:
    """Return the campaigns and rewards among a set's members; otherwise as `read_ids`."""
    return _without_unreadable(map(_read_halted, map(str, members)), key)


def _read_id(text: str) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS and 0 < int(text) < _IDS_END:
        return int(text)
    return None


def _read_halted(text: str) -> Halted | None:
    number, colon, reward = text.partition(":")
    campaign_id = _read_id(number)
    if campaign_id is None or not colon:
        return campaign_id
    return (campaign_id, reward) if reward else None


def _without_unreadable(found: Iterable[T | None], key: str) -> frozenset[T]:
    read, unreadable = set[T](), 0
    for value in found:
        if value is None:
            unreadable += 1
        else:
            read.add(value)
    if unreadable and unreadable != _logged.get(key):
        log.warning("redis_values_unreadable", key=key, count=unreadable)
    _logged[key] = unreadable  # these sets are read twice a second
    return frozenset(read)
