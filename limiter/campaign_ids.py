"""Campaigns' ids as Redis holds them: every client of that server may have written them."""

from collections.abc import Iterable

import structlog

log = structlog.get_logger("issuance.limiter")

_IDS_END = 2**63
_DIGITS = len(str(_IDS_END))
_logged: dict[str, int] = {}


def read_ids(members: Iterable[object], key: str) -> frozenset[int]:
    """Return the ids among a set's members; the others are skipped, and logged when they change.

    Args:
        members: as Redis returns them.
        key: names the set in the log.
    """
    found: set[int] = set()
    unreadable = 0
    for member in members:
        text = str(member)
        if (
            text.isascii()
            and text.isdecimal()
            and len(text) <= _DIGITS
            and 0 < int(text) < _IDS_END
        ):
            found.add(int(text))
        else:
            unreadable += 1
    if unreadable and unreadable != _logged.get(key):
        log.warning("redis_values_unreadable", key=key, count=unreadable)
    _logged[key] = unreadable  # these sets are read twice a second
    return frozenset(found)
