"""The groups of open dead letters, and what their last redrives gave."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from issuance.outcome import Reason
from issuance.redrive.forecast import Results
from issuance.states import DeadLetterState
from ledger.store.clock import instant
from ledger.store.database import Ledger
from ledger.store.schema import bulk_results, campaigns, dead_letter_groups
from ledger.store.schema import dead_letters as letters

NO_GROUP = 0
"""Stands for the letters of erased customers, which have no group."""


class GroupText(NamedTuple):
    """What the letters of a group have in common."""

    id: int
    reason: Reason | None
    code: int | None
    pattern: str
    """The API's message without ids, numbers and names."""


ERASED_GROUP = GroupText(NO_GROUP, None, None, "the customer was erased")


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The open letters of one group."""

    text: GroupText
    letters: int
    first_seen: datetime | None
    """When the oldest of them was opened, the last time."""
    last_seen: datetime | None
    campaigns: tuple[str, ...]
    """The names of their campaigns, the one with the most letters first."""
    last_redrive: Results | None
    """None: none of the group was ever redriven, or none of those has a result."""


def open_groups(ledger: Ledger, campaign_ids: Collection[int] = ()) -> list[LetterGroup]:
    """Return the groups of open letters, the largest first; `campaign_ids`: () of all campaigns."""
    query = (
        select(
            func.coalesce(letters.c.group_id, NO_GROUP).label("group_id"),
            letters.c.campaign_id,
            func.count().label("letters"),
            func.min(letters.c.opened_at).label("first"),
            func.max(letters.c.opened_at).label("last"),
        )
        .where(letters.c.state == DeadLetterState.OPEN)
        .group_by(letters.c.group_id, letters.c.campaign_id)
    )
    if campaign_ids:
        query = query.where(letters.c.campaign_id.in_(campaign_ids))
    with ledger.read() as connection:
        by_group: dict[int, list[_Count]] = {}
        for row in connection.execute(query):
            by_group.setdefault(row.group_id, []).append(_Count(*row))
        texts = group_texts(connection, by_group)
        past = last_results(connection, by_group)
        names = _names(
            connection, {each.campaign_id for some in by_group.values() for each in some}
        )
    groups = [
        LetterGroup(
            texts[group_id],
            sum(each.letters for each in counts),
            instant(min(each.first for each in counts)),
            instant(max(each.last for each in counts)),
            tuple(names[each.campaign_id] for each in sorted(counts, key=_most_first)),
            past.get(group_id),
        )
        for group_id, counts in by_group.items()
    ]
    return sorted(groups, key=lambda group: (-group.letters, group.text.id))


class _Count(NamedTuple):
    group_id: int
    campaign_id: int
    letters: int
    first: int
    last: int


def _most_first(count: _Count) -> tuple[int, int]:
    return -count.letters, count.campaign_id


def group_texts(connection: Connection, ids: Collection[int]) -> dict[int, GroupText]:
    """Return what groups have in common, by id."""
    query = select(
        dead_letter_groups.c.id,
        dead_letter_groups.c.reason,
        dead_letter_groups.c.code,
        dead_letter_groups.c.pattern,
    )
    if len(ids) <= _NAMED_MOST:
        query = query.where(dead_letter_groups.c.id.in_(ids))
    found = {
        number: GroupText(number, Reason(reason), code, pattern)
        for number, reason, code, pattern in connection.execute(query)
    }
    return {NO_GROUP: ERASED_GROUP} | found


_NAMED_MOST = 1_000
"""Above this many ids, a query reads all groups instead of naming them."""


def last_results(
    connection: Connection, ids: Collection[int], *, before: int | None = None
) -> dict[int, Results]:
    """Return what the last redrive with a result gave for each of these groups.

    `before`: only redrives that were planned before this one.
    """
    counted = bulk_results.c.issued + bulk_results.c.failed > 0
    if before is not None:
        counted = counted & (bulk_results.c.action_id < before)
    newest = (
        select(bulk_results.c.group_id, func.max(bulk_results.c.action_id).label("action_id"))
        .where(counted)
        .group_by(bulk_results.c.group_id)
        .subquery()
    )
    query = select(
        bulk_results.c.group_id,
        bulk_results.c.action_id,
        bulk_results.c.issued,
        bulk_results.c.failed,
    ).join(
        newest,
        (newest.c.group_id == bulk_results.c.group_id)
        & (newest.c.action_id == bulk_results.c.action_id),
    )
    wanted = set(ids)
    return {
        group_id: Results(action_id, issued, failed)
        for group_id, action_id, issued, failed in connection.execute(query)
        if group_id in wanted
    }


def _names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    query = select(campaigns.c.id, campaigns.c.name).where(campaigns.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(query)}
