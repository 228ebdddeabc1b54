"""Plans of mass actions on dead letters: a frozen selection, with a forecast for each group.

A plan has the ids of the letters and the time at which it was made. A letter that changes later
has a younger `changed_at`, so that both together are a selection with versions.
"""

import hashlib
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, true

from issuance.outcome import Reason
from issuance.redrive.bulk import VERB_OF, ActionKind, ActionState
from issuance.redrive.forecast import SENDABLE, Forecast, Results, Verdict, forecast
from issuance.redrive.rules import Case
from issuance.states import CampaignState, DeadLetterState
from ledger.audit_log import Operator
from ledger.dead_letters.browse import DeadLetterFilter, filtered, given
from ledger.dead_letters.groups import NO_GROUP, GroupText, group_texts, last_results
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import (
    bulk_actions,
    bulk_groups,
    bulk_items,
    bulk_pages,
    bulk_results,
    campaigns,
    dead_letter_groups,
)
from ledger.store.schema import dead_letters as letters

PAGE_TARGETS = 5_000
_KEPT_SECONDS = 86_400
"""A plan that is not begun within a day is removed."""
_SOME_REASON = Reason.FAILED
"""Stands for the reason of letters of erased customers: none of them may be sent."""


class PlannedGroup(NamedTuple):
    """Letters of a plan that are alike."""

    text: GroupText
    campaign: str
    campaign_id: int
    state: DeadLetterState
    reissued: bool
    """Whether they were opened again after their reissue."""
    letters: int
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A frozen selection of dead letters."""

    id: int
    kind: ActionKind
    digest: str
    """SHA-256 over the kind, the letters' ids with the plan's time, and the verdicts."""
    groups: tuple[PlannedGroup, ...]
    unknown: tuple[int, ...]
    """Ids that were asked for, and are no letters."""

    @property
    def letters(self) -> int:
        """How many letters were selected."""
        return sum(group.letters for group in self.groups)

    @property
    def sendable(self) -> int:
        """How many of them would be sent, or discarded."""
        return sum(group.letters for group in self.groups if group.verdict in SENDABLE)

    def counts(self) -> dict[Verdict, int]:
        """Count the letters by verdict."""
        return {
            verdict: sum(group.letters for group in self.groups if group.verdict is verdict)
            for verdict in Verdict
        }


def make_plan(
    ledger: Ledger, chosen: DeadLetterFilter, kind: ActionKind, operator: Operator
) -> Plan:
    """Freeze the dead letters that match, and judge what the action would do to them.

    Letters that are not open, or that the rules refuse, are counted and never sent.

    Args:
        ledger: the record.
        chosen: which letters; those that are named by id may have any state.
        kind: resend, reissue or discard.
        operator: the person that makes it.
    """
    if chosen.ids:
        chosen = replace(chosen, state=None)
    with ledger.write() as connection:
        _remove_old_plans(connection)
        where = _condition(connection, chosen)
        judged = judge_groups(connection, where, kind)
        ids = _sendable_ids(connection, where, judged)
        # After the selection: what changes from now on is younger than the plan.
        now = connection.scalar(select(now_ms())) or 0
        action_id = _insert(connection, chosen, kind, operator, now)
        digest = _digest(kind, now, ids, judged)
        _store(connection, action_id, digest, ids, judged)
        unknown = _unknown(connection, chosen.ids)
    return Plan(action_id, kind, digest, tuple(judged), unknown)


def _condition(connection: Connection, chosen: DeadLetterFilter) -> ColumnElement[bool]:
    """The filter on letters alone: names become ids, so that one index answers it."""
    conditions: list[ColumnElement[bool]] = [true()]
    if chosen.campaigns:
        named = select(campaigns.c.id).where(campaigns.c.name.in_(chosen.campaigns))
        conditions.append(letters.c.campaign_id.in_(list(connection.scalars(named))))
    if (caused := _by_cause(connection, chosen)) is not None:
        conditions.append(caused)
    rest = replace(chosen, campaign=None, reason=None, code=None, state=None)
    clause = filtered(select(letters.c.id), rest).whereclause
    if clause is not None:
        conditions.append(clause)
    states = given(chosen.state)
    if states:
        conditions.append(letters.c.state == states[0])
    return and_(*conditions)


def _by_cause(connection: Connection, chosen: DeadLetterFilter) -> ColumnElement[bool] | None:
    """The letters with a reason and code, by their groups, which the index has."""
    reasons, codes = given(chosen.reason), given(chosen.code)
    if not reasons and not codes:
        return None
    query = select(dead_letter_groups.c.id)
    of_letter: list[ColumnElement[bool]] = []
    if reasons:
        query = query.where(dead_letter_groups.c.reason.in_(reasons))
        of_letter.append(letters.c.reason.in_(reasons))
    if codes:
        query = query.where(dead_letter_groups.c.code.in_(codes))
        of_letter.append(letters.c.code.in_(codes))
    grouped = letters.c.group_id.in_(list(connection.scalars(query)))
    erased = letters.c.group_id.is_(None)
    found = select(letters.c.id).where(letters.c.state == DeadLetterState.OPEN, erased).limit(1)
    if connection.execute(found).first() is None:
        return grouped
    return or_(grouped, and_(erased, *of_letter))


_STATES = (letters.c.group_id, letters.c.campaign_id, letters.c.state)


def judge_groups(
    connection: Connection, where: ColumnElement[bool], kind: ActionKind
) -> list[PlannedGroup]:
    """Judge letters that are alike together: those of one group, campaign and state."""
    counts = [
        _Alike(group_id or NO_GROUP, campaign_id, DeadLetterState(state), False, count)
        for group_id, campaign_id, state, count in connection.execute(
            select(*_STATES, func.count()).where(where).group_by(*_STATES)
        )
    ]
    reissued = [
        _Alike(group_id or NO_GROUP, campaign_id, DeadLetterState(state), True, count)
        for group_id, campaign_id, state, count in connection.execute(
            select(*_STATES, func.count())
            .where(where, letters.c.reissued_as.is_not(None))
            .group_by(*_STATES)
        )
    ]
    again = {each[:3]: each.letters for each in reissued}
    counts = [each._replace(letters=each.letters - again.get(each[:3], 0)) for each in counts]
    alike = sorted(each for each in (*counts, *reissued) if each.letters)
    group_ids = {each.group_id for each in alike}
    texts, past = group_texts(connection, group_ids), last_results(connection, group_ids)
    found = _campaigns(connection, {each.campaign_id for each in alike})
    return [
        _judge(each, kind, texts[each.group_id], found[each.campaign_id], past.get(each.group_id))
        for each in alike
    ]


class _Alike(NamedTuple):
    group_id: int
    campaign_id: int
    state: DeadLetterState
    reissued: bool
    letters: int


_Named = tuple[str, CampaignState]


def _campaigns(connection: Connection, ids: Iterable[int]) -> dict[int, _Named]:
    query = select(campaigns.c.id, campaigns.c.name, campaigns.c.state).where(
        campaigns.c.id.in_(list(ids))
    )
    return {
        number: (name, CampaignState(state)) for number, name, state in connection.execute(query)
    }


def _judge(
    alike: _Alike, kind: ActionKind, text: GroupText, campaign: _Named, past: Results | None
) -> PlannedGroup:
    name, state = campaign
    case = Case(
        state=alike.state,
        reason=text.reason or _SOME_REASON,
        campaign=name,
        campaign_cancelled=state is CampaignState.CANCELLED,
        campaign_closed=state is CampaignState.CLOSED,
        reissued_as="another job" if alike.reissued else None,
        customer_erased=alike.group_id == NO_GROUP,
    )
    found = _discarding(case) if kind is ActionKind.DISCARD else _sending(case, kind, past)
    return PlannedGroup(
        text, name, alike.campaign_id, alike.state, alike.reissued, alike.letters, *found
    )


def _sending(case: Case, kind: ActionKind, past: Results | None) -> tuple[Verdict, str]:
    found: Forecast = forecast(case, VERB_OF[kind], past)
    return found.verdict, found.why


def _discarding(case: Case) -> tuple[Verdict, str]:
    if case.state is DeadLetterState.OPEN:
        return Verdict.DISCARD, ""
    return Verdict.REFUSED, why_not_discarded(case.state)


def why_not_discarded(state: DeadLetterState) -> str:
    """Explain why a letter in another state than open cannot be discarded."""
    return f"it is {state}, only an open letter can be discarded"


def _sendable_ids(
    connection: Connection, where: ColumnElement[bool], judged: Sequence[PlannedGroup]
) -> "array[int]":
    """Return the ids of the letters that would be sent, oldest first."""
    by_campaign: dict[int, list[int]] = {}
    for group in judged:
        if group.verdict in SENDABLE:
            by_campaign.setdefault(group.campaign_id, []).append(group.text.id)
    if not by_campaign:
        return array("q")
    query = select(letters.c.id).where(where, letters.c.state == DeadLetterState.OPEN)
    if any(group.verdict not in SENDABLE for group in judged):
        group_id = func.coalesce(letters.c.group_id, NO_GROUP)
        query = query.where(
            or_(
                *(
                    and_(letters.c.campaign_id == campaign_id, group_id.in_(set(group_ids)))
                    for campaign_id, group_ids in by_campaign.items()
                )
            )
        )
    return array("q", connection.scalars(query.order_by(letters.c.id)))


def _digest(
    kind: ActionKind, frozen_at: int, ids: "array[int]", judged: Sequence[PlannedGroup]
) -> str:
    digest = hashlib.sha256(f"{kind}\n{frozen_at}\n".encode())
    digest.update(packed(ids))
    for group in judged:
        said = (group.text.id, group.campaign_id, group.state, group.reissued, group.verdict)
        digest.update(repr((*map(str, said), group.letters)).encode())
    return digest.hexdigest()


def packed(ids: "array[int]") -> bytes:
    """Return ids as bytes, little-endian whatever the machine."""
    if sys.byteorder == "big":
        ids = array("q", ids)
        ids.byteswap()
    return ids.tobytes()


def unpacked(content: bytes) -> "array[int]":
    """Return the ids of a page."""
    ids = array("q")
    ids.frombytes(content)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids


def _insert(
    connection: Connection,
    chosen: DeadLetterFilter,
    kind: ActionKind,
    operator: Operator,
    now: int,
) -> int:
    values: dict[str, Any] = {
        "kind": kind,
        "state": ActionState.PLANNED,
        "filters": to_json(filter_fields(chosen)).decode(),
        "digest": "",
        "counts": "{}",
        "created_at": now,
        "created_by": operator.name,
        "note": "",
        "changed_at": now,
    }
    statement = insert(bulk_actions).values(values).returning(bulk_actions.c.id)
    return int(connection.execute(statement).scalar_one())


def filter_fields(chosen: DeadLetterFilter) -> dict[str, Any]:
    """Return a filter for programs, without what was not given."""
    fields: dict[str, Any] = {
        "campaigns": chosen.campaigns,
        "reasons": [str(reason) for reason in given(chosen.reason)],
        "codes": given(chosen.code),
        "groups": chosen.groups,
        "letters": chosen.ids,
        "failedOf": chosen.failed_of,
    }
    return {name: value for name, value in fields.items() if value not in (None, (), [])}


def _store(
    connection: Connection,
    action_id: int,
    digest: str,
    ids: "array[int]",
    judged: Sequence[PlannedGroup],
) -> None:
    totals = {
        verdict.value: sum(group.letters for group in judged if group.verdict is verdict)
        for verdict in Verdict
    }
    of_campaigns = {group.campaign_id for group in judged if group.verdict in SENDABLE}
    values: dict[str, Any] = {"digest": digest, "counts": to_json(totals).decode()}
    if len(of_campaigns) == 1:
        values["campaign_id"] = of_campaigns.pop()
    connection.execute(bulk_actions.update().where(bulk_actions.c.id == action_id).values(values))
    pages = [
        {"action_id": action_id, "page": page, "targets": packed(ids[start : start + PAGE_TARGETS])}
        for page, start in enumerate(range(0, len(ids), PAGE_TARGETS))
    ]
    if pages:
        connection.execute(insert(bulk_pages), pages)
    rows = [
        {
            "action_id": action_id,
            "group_id": group.text.id,
            "campaign_id": group.campaign_id,
            "letter_state": group.state,
            "reissued": group.reissued,
            "letters": group.letters,
            "verdict": group.verdict,
            "why": group.why,
        }
        for group in judged
    ]
    if rows:
        connection.execute(insert(bulk_groups), rows)


def _unknown(connection: Connection, ids: Sequence[int]) -> tuple[int, ...]:
    if not ids:
        return ()
    known = set(connection.scalars(select(letters.c.id).where(letters.c.id.in_(ids))))
    return tuple(sorted(set(ids) - known))


def planned_groups(connection: Connection, action_id: int) -> list[PlannedGroup]:
    """Return the groups of a plan, as they were judged."""
    query = (
        select(bulk_groups, campaigns.c.name)
        .join(campaigns, campaigns.c.id == bulk_groups.c.campaign_id)
        .where(bulk_groups.c.action_id == action_id)
        .order_by(bulk_groups.c.group_id, bulk_groups.c.campaign_id)
    )
    rows = connection.execute(query).all()
    texts = group_texts(connection, {row.group_id for row in rows})
    return [
        PlannedGroup(
            texts[row.group_id],
            row.name,
            row.campaign_id,
            DeadLetterState(row.letter_state),
            bool(row.reissued),
            row.letters,
            Verdict(row.verdict),
            row.why,
        )
        for row in rows
    ]


def pages_of(connection: Connection, action_id: int, *, first: int = 0) -> Iterator["array[int]"]:
    """Return the pages of a plan's ids, from the page `first` on."""
    query = (
        select(bulk_pages.c.targets)
        .where(bulk_pages.c.action_id == action_id, bulk_pages.c.page >= first)
        .order_by(bulk_pages.c.page)
    )
    for content in connection.scalars(query):
        yield unpacked(bytes(content))


def remove_plan(ledger: Ledger, action_id: int) -> None:
    """Remove a plan that has not begun."""
    with ledger.write() as connection:
        query = select(bulk_actions.c.id).where(
            bulk_actions.c.id == action_id, bulk_actions.c.state == ActionState.PLANNED
        )
        _remove(connection, connection.scalars(query.with_for_update()).all())


def _remove_old_plans(connection: Connection) -> None:
    old = select(bulk_actions.c.id).where(
        bulk_actions.c.state == ActionState.PLANNED,
        bulk_actions.c.created_at < now_ms() - milliseconds(_KEPT_SECONDS),
    )
    _remove(connection, connection.scalars(old.with_for_update(skip_locked=True)).all())


def _remove(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        for table in (bulk_pages, bulk_groups, bulk_items, bulk_results):
            connection.execute(delete(table).where(table.c.action_id.in_(ids)))
        connection.execute(delete(bulk_actions).where(bulk_actions.c.id.in_(ids)))


def campaign_changes(
    connection: Connection, kind: ActionKind, groups: Sequence[PlannedGroup]
) -> Mapping[int, str]:
    """Return the campaigns whose end has changed what is allowed since the plan, with its state."""
    states = _campaigns(connection, {group.campaign_id for group in groups})
    if kind is ActionKind.DISCARD:
        return {}
    ended = {number: state for number, (_, state) in states.items() if state in _ENDED}
    return {
        group.campaign_id: ended[group.campaign_id]
        for group in groups
        if group.verdict in SENDABLE
        and group.campaign_id in ended
        and not _still_allowed(group, ended[group.campaign_id], kind)
    }


_ENDED = (CampaignState.CANCELLED, CampaignState.CLOSED)


def _still_allowed(group: PlannedGroup, state: CampaignState, kind: ActionKind) -> bool:
    alike = _Alike(group.text.id, group.campaign_id, group.state, group.reissued, group.letters)
    return _judge(alike, kind, group.text, (group.campaign, state), None).verdict in SENDABLE
