"""The progress of a mass action on dead letters, and the results of its letters."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from issuance.redrive.bulk import ItemState
from issuance.redrive.forecast import SENDABLE, Results
from issuance.states import CampaignState, State
from ledger.dead_letters.actions import Action, find_action
from ledger.dead_letters.groups import GroupText, group_texts, last_results
from ledger.dead_letters.plans import PlannedGroup, planned_groups
from ledger.dead_letters.sending import NOT_HALTED
from ledger.store.database import Ledger
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_results, campaigns

_REASONS_MOST = 20
_SUCCESSORS_MOST = 20


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """What an action gave for one group."""

    text: GroupText
    letters: int
    """Selected, without those that the plan refused."""
    sent: int
    issued: int
    failed: int
    is_held: bool
    """Its trial was not good enough: an operator decides."""
    past: Results | None
    """What the redrive before this one gave."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A mass action with its results."""

    action: Action
    planned: tuple[PlannedGroup, ...]
    groups: tuple[GroupProgress, ...]
    items: Mapping[ItemState, int]
    """Items by state; those that were not reached yet are pending, or dropped."""
    results: Mapping[str, int]
    """What was settled again, by the state of the job."""
    refused: Mapping[str, int]
    """Why letters were not sent when it was their turn, with their counts; the most frequent."""
    successors: Mapping[int, str]
    """The requestIds of the first reissued letters' new jobs, by letter."""
    halted: Mapping[str, CampaignState]
    """The campaigns whose letters wait, because nothing of them may be sent now."""

    @property
    def issued(self) -> int:
        """How many letters were issued in full."""
        return self.results.get(State.ISSUED, 0) + self.results.get(State.REVOKED, 0)

    @property
    def failed(self) -> int:
        """How many were settled and not issued in full."""
        return sum(self.results.values()) - self.issued - self.results.get("discarded", 0)


def read_progress(ledger: Ledger, action_id: int) -> Progress:
    """Read a mass action with its results.

    Raises:
        ActionError: there is none.
    """
    with ledger.read() as connection:
        action = find_action(connection, action_id)
        planned = planned_groups(connection, action_id)
        counts, results, refused = _counts(connection, action_id)
        known = sum(counts.values())
        waits = ItemState.PENDING if action.finished_at is None else ItemState.DROPPED
        if action.selected > known:
            counts[waits] = counts.get(waits, 0) + action.selected - known
        return Progress(
            action,
            tuple(planned),
            tuple(_groups(connection, action_id, planned)),
            counts,
            results,
            refused,
            _successors(connection, action_id),
            _halted(connection, planned),
        )


def _successors(connection: Connection, action_id: int) -> dict[int, str]:
    query = (
        select(items.c.target, items.c.successor)
        .where(items.c.action_id == action_id, items.c.successor.is_not(None))
        .order_by(items.c.position)
        .limit(_SUCCESSORS_MOST)
    )
    return {row.target: row.successor for row in connection.execute(query)}


def _halted(connection: Connection, planned: list[PlannedGroup]) -> dict[str, CampaignState]:
    wanted = {group.campaign_id for group in planned if group.verdict in SENDABLE}
    query = select(campaigns.c.name, campaigns.c.state).where(
        campaigns.c.id.in_(wanted), campaigns.c.state.not_in(NOT_HALTED)
    )
    return {row.name: CampaignState(row.state) for row in connection.execute(query)}


def _counts(
    connection: Connection, action_id: int
) -> tuple[dict[ItemState, int], dict[str, int], dict[str, int]]:
    query = (
        select(items.c.state, items.c.result, func.count())
        .where(items.c.action_id == action_id)
        .group_by(items.c.state, items.c.result)
    )
    counts: dict[ItemState, int] = {}
    results: dict[str, int] = {}
    refused: dict[str, int] = {}
    for said, result, count in connection.execute(query):
        state = ItemState(said)
        counts[state] = counts.get(state, 0) + count
        if state is ItemState.DONE:
            results[result] = results.get(result, 0) + count
        if state is ItemState.REFUSED:
            refused[result] = count
    most = sorted(refused, key=lambda why: (-refused[why], why))[:_REASONS_MOST]
    return counts, results, {why: refused[why] for why in most}


def _groups(
    connection: Connection, action_id: int, planned: list[PlannedGroup]
) -> list[GroupProgress]:
    letters: dict[int, int] = {}
    for group in planned:
        if group.verdict in SENDABLE:
            letters[group.text.id] = letters.get(group.text.id, 0) + group.letters
    query = select(bulk_results).where(bulk_results.c.action_id == action_id)
    found = {row.group_id: row for row in connection.execute(query)}
    texts = group_texts(connection, letters)
    past = last_results(connection, letters, before=action_id)
    return [
        GroupProgress(
            texts[group_id],
            count,
            row.sent if (row := found.get(group_id)) else 0,
            row.issued if row else 0,
            row.failed if row else 0,
            bool(row and row.is_held),
            past.get(group_id),
        )
        for group_id, count in sorted(letters.items(), key=lambda each: (-each[1], each[0]))
    ]
