"""Mass actions on dead letters as objects: begun, paused, resumed, aborted, and shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Row, func, insert, select, update

from issuance.display import printable
from issuance.masking import hide_identifiers
from issuance.redrive.bulk import Act, ActionKind, ActionState, ItemState, next_action_state
from issuance.redrive.forecast import SENDABLE
from ledger.audit_log import REDRIVE, Operator, record_action
from ledger.dead_letters.groups import NO_GROUP
from ledger.dead_letters.plans import (
    PlannedGroup,
    campaign_changes,
    pages_of,
    planned_groups,
)
from ledger.store.clock import instant, now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.errors import LedgerError
from ledger.store.schema import bulk_actions as actions
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_results as results

if TYPE_CHECKING:
    from array import array

KINDS = (ActionKind.RESEND, ActionKind.REISSUE, ActionKind.DISCARD)
"""The kinds that this package carries out."""
_RATE_MOST = 10_000.0


class ActionError(LedgerError):
    """There is no such mass action, or its state does not allow the act."""


class StalePlanError(ActionError):
    """Letters of the plan, or their campaigns, changed after it was made."""


@dataclass(frozen=True, slots=True)
class Action:
    """A mass action on dead letters, without its items."""

    id: int
    kind: ActionKind
    state: ActionState
    digest: str
    filters: dict[str, Any]
    counts: dict[str, int]
    """The letters by verdict, as planned."""
    created_at: datetime | None
    created_by: str
    started_at: datetime | None
    started_by: str | None
    finished_at: datetime | None
    note: str
    per_second: float | None
    trial: int | None
    judged: bool
    """Whether its trial has ended, or it has none."""
    is_live: bool
    """Whether rounds still send items or await results."""

    @property
    def selected(self) -> int:
        """How many letters it takes: those that the plan did not refuse."""
        return sum(self.counts.get(verdict, 0) for verdict in SENDABLE)


def action_target(action_id: int) -> str:
    """Return the target of acts on a mass action in the audit log."""
    return f"{REDRIVE}{action_id}"


def find_action(connection: Connection, action_id: int, *, for_update: bool = False) -> Action:
    """Return a mass action on dead letters; `for_update` locks it.

    Raises:
        ActionError: there is none.
    """
    query = select(actions).where(actions.c.id == action_id, actions.c.kind.in_(KINDS))
    found = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if found is None:
        raise ActionError(f"There is no redrive {action_id}: `issuance redrives list` shows them")
    return _action(found)


def list_actions(ledger: Ledger, limit: int, before: int | None = None) -> tuple[list[Action], int]:
    """Return the mass actions on dead letters that were begun, newest first, and how many are.

    `before`: only those with a smaller id; None: from the newest on.
    """
    begun = (actions.c.kind.in_(KINDS), actions.c.state != ActionState.PLANNED)
    with ledger.read() as connection:
        query = select(actions).where(*begun).order_by(actions.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(actions.c.id < before)
        count = connection.scalar(select(func.count()).select_from(actions).where(*begun)) or 0
        return [_action(row) for row in connection.execute(query)], count


def begin(
    ledger: Ledger,
    action_id: int,
    operator: Operator,
    *,
    trial: int = 0,
    per_second: float = 0.0,
) -> Action:
    """Begin a planned action; rounds (`advance`) carry it out.

    Args:
        ledger: the record.
        action_id: the plan.
        operator: the operator and the reason; recorded for the action, and for each letter.
        trial: how many letters are sent first, spread over the groups; 0: no trial.
        per_second: the most letters that become due in a second; 0: no bound.

    Raises:
        StalePlanError: letters or campaigns changed after the plan was made.
        ActionError: there is no such plan, it has begun, or it takes no letter.
    """
    check_rate(per_second)
    # Kept as long as the action: like the audit log, without what identifies a customer.
    operator = replace(operator, note=printable(hide_identifiers(operator.note)))
    with ledger.write() as connection:
        action = find_action(connection, action_id, for_update=True)
        if action.state is not ActionState.PLANNED:
            raise ActionError(f"Plan {action_id} was carried out already: it is {action.state}")
        if not action.selected:
            raise ActionError(f"Plan {action_id} has no letter that may be sent: make another plan")
        groups = planned_groups(connection, action_id)
        _refuse_stale(connection, action, groups)
        now = connection.scalar(select(now_ms())) or 0
        is_tried = 0 < trial < action.selected
        values: dict[str, Any] = {
            "state": ActionState.TRIAL if is_tried else ActionState.RUNNING,
            "started_at": now,
            "started_by": operator.name,
            "operator": to_json(asdict(operator)).decode(),
            "note": operator.note,
            "per_second": per_second or None,
            "trial": trial if is_tried else None,
            "judged_at": None if is_tried else now,
            "next_at": now,
            "changed_at": now,
            "is_live": True,
        }
        connection.execute(update(actions).where(actions.c.id == action_id).values(values))
        if is_tried:
            _choose_trial(connection, action, groups, trial)
        log_after_commit(
            connection,
            "redrive_begun",
            redrive=action_id,
            kind=action.kind.value,
            letters=action.selected,
            operator=operator.name,
            note=operator.note,
        )
        begun = find_action(connection, action_id)
        record_action(
            connection,
            operator,
            verb=f"begin {action.kind}",
            target=action_target(action_id),
            before=ActionState.PLANNED,
            after=f"{begun.state}: {action.selected} letters, digest {action.digest[:12]}",
        )
    return begun


def check_rate(per_second: float) -> None:
    """Make sure that a pace can be kept.

    Raises:
        ActionError: it is negative or too high.
    """
    if not 0 <= per_second <= _RATE_MOST:
        raise ActionError(
            f"--per-second is {per_second:g}: give a number from 0 (no bound) to {_RATE_MOST:g}"
        )


def _refuse_stale(connection: Connection, action: Action, groups: Sequence[PlannedGroup]) -> None:
    ended = campaign_changes(connection, action.kind, groups)
    if ended:
        names = sorted({group.campaign for group in groups if group.campaign_id in ended})
        raise StalePlanError(
            f"Plan {action.id} is stale: {', '.join(names)} ended after it was made. "
            "Make another plan"
        )
    created_at = connection.scalar(select(actions.c.created_at).where(actions.c.id == action.id))
    query = _UNCHANGED.format(created_at=int(created_at or 0))
    dialect = dialect_of(connection)
    same = sum(
        count
        for page in pages_of(connection, action.id)
        for (count,) in dialect.rows_among(connection, query, page.tolist())
    )
    if same != action.selected:
        raise StalePlanError(
            f"Plan {action.id} is stale: {action.selected - same:,} of its {action.selected:,} "
            "letters changed after it was made. Make another plan"
        )


def _choose_trial(
    connection: Connection, action: Action, groups: Sequence[PlannedGroup], trial: int
) -> None:
    """Make items of the trial's letters: at least one of each group if it is large enough."""
    left = _shares(groups, trial)
    chosen: list[dict[str, Any]] = []
    for page in pages_of(connection, action.id):
        for item in new_items(connection, action.id, page):
            if left.get(item["group_id"], 0):
                left[item["group_id"]] -= 1
                chosen.append(item)
        if not any(left.values()):
            break
    connection.execute(insert(items), chosen)


def _shares(groups: Sequence[PlannedGroup], trial: int) -> dict[int, int]:
    """Spread a trial over the groups: one of each, the largest first, and again."""
    sizes: dict[int, int] = {}
    for group in groups:
        if group.verdict in SENDABLE:
            sizes[group.text.id] = sizes.get(group.text.id, 0) + group.letters
    shares = dict.fromkeys(sorted(sizes, key=lambda each: -sizes[each]), 0)
    while trial:
        for group_id in shares:
            if trial and shares[group_id] < sizes[group_id]:
                shares[group_id] += 1
                trial -= 1
    return shares


def new_items(connection: Connection, action_id: int, ids: "array[int]") -> list[dict[str, Any]]:
    """Return the pending items of these letters, with the versions that the letters have now."""
    found = dialect_of(connection).rows_among(connection, _VERSIONS, ids.tolist())
    return [
        {
            "action_id": action_id,
            "position": letter_id,
            "target": letter_id,
            "expected": changed_at,
            "group_id": group_id or NO_GROUP,
            "verdict": "",
            "state": ItemState.PENDING,
        }
        for letter_id, changed_at, group_id in sorted(map(tuple, found))
    ]


# SQLAlchemy would take longer to compile 5,000 parameters than the database to read the rows.
_UNCHANGED = (
    "SELECT count(*) FROM dead_letters WHERE state = 'open' AND changed_at <= {created_at} AND id"
)
_VERSIONS = "SELECT id, changed_at, group_id FROM dead_letters WHERE id"


_EVENTS = {
    Act.PAUSE: "redrive_paused",
    Act.RESUME: "redrive_resumed",
    Act.ABORT: "redrive_aborted",
    Act.GO_ON: "redrive_continued",
}


def change_action(ledger: Ledger, action_id: int, act: Act, operator: Operator) -> Action:
    """Pause, resume or abort an action, or send what a trial held back.

    An aborted action leaves the letters that it has not sent as they are.

    Raises:
        ActionError: there is no such action, or its state does not allow it.
    """
    with ledger.write() as connection:
        action = find_action(connection, action_id, for_update=True)
        after = next_action_state(act, action.state, judged=action.judged)
        if after is None:
            raise ActionError(f"Redrive {action_id} is {action.state}: it cannot {act}")
        now = connection.scalar(select(now_ms())) or 0
        values: dict[str, Any] = {"state": after, "changed_at": now, "is_live": True}
        if act is Act.GO_ON:
            values["judged_at"] = now
            _release_held(connection, action_id)
        if act is Act.ABORT:
            values["finished_at"] = now
            drop_rest(connection, action_id)
        connection.execute(update(actions).where(actions.c.id == action_id).values(values))
        _record(connection, action, operator, act, after)
        return find_action(connection, action_id)


def set_rate(ledger: Ledger, action_id: int, per_second: float, operator: Operator) -> Action:
    """Change the pace of an action; 0: no bound.

    Raises:
        ActionError: there is no such action, it has ended, or the pace cannot be kept.
    """
    check_rate(per_second)
    ended = (ActionState.ABORTED, ActionState.FINISHED, ActionState.UNDONE)
    with ledger.write() as connection:
        action = find_action(connection, action_id, for_update=True)
        if action.state in ended:
            raise ActionError(f"Redrive {action_id} is {action.state}: it sends nothing more")
        now = connection.scalar(select(now_ms())) or 0
        connection.execute(
            update(actions)
            .where(actions.c.id == action_id)
            .values(per_second=per_second or None, next_at=now, changed_at=now)
        )
        log_after_commit(
            connection,
            "redrive_rate_changed",
            redrive=action_id,
            before=action.per_second,
            per_second=per_second or None,
            operator=operator.name,
            note=operator.note,
        )
        changed = find_action(connection, action_id)
        record_action(
            connection,
            operator,
            verb="rate",
            target=action_target(action_id),
            before=_rate_text(action.per_second),
            after=_rate_text(changed.per_second),
        )
        return changed


def _rate_text(per_second: float | None) -> str:
    """Describe a pace."""
    return "no bound" if per_second is None else f"{per_second:g}/s"


def _record(
    connection: Connection,
    action: Action,
    operator: Operator,
    act: Act,
    after: ActionState,
) -> None:
    log_after_commit(
        connection,
        _EVENTS[act],
        redrive=action.id,
        before=action.state.value,
        operator=operator.name,
        note=operator.note,
    )
    record_action(
        connection,
        operator,
        verb=act.value,
        target=action_target(action.id),
        before=action.state,
        after=after,
    )


def _release_held(connection: Connection, action_id: int) -> None:
    connection.execute(
        update(results).where(results.c.action_id == action_id).values(is_held=False)
    )
    connection.execute(
        update(items)
        .where(items.c.action_id == action_id, items.c.state == ItemState.HELD)
        .values(state=ItemState.PENDING)
    )


def drop_rest(connection: Connection, action_id: int) -> None:
    """Drop the items that were not sent: their letters stay as they are."""
    unsent = (ItemState.PENDING, ItemState.HELD)
    connection.execute(
        update(items)
        .where(items.c.action_id == action_id, items.c.state.in_(unsent))
        .values(state=ItemState.DROPPED)
    )


def operator_of(connection: Connection, action_id: int) -> Operator:
    """Return who began an action, for the entries of its letters."""
    text = connection.scalar(select(actions.c.operator).where(actions.c.id == action_id))
    return Operator(**from_json(text or "{}"))


def _action(row: Row[Any]) -> Action:
    return Action(
        id=row.id,
        kind=ActionKind(row.kind),
        state=ActionState(row.state),
        digest=row.digest,
        filters=from_json(row.filters),
        counts=from_json(row.counts),
        created_at=instant(row.created_at),
        created_by=row.created_by,
        started_at=instant(row.started_at),
        started_by=row.started_by,
        finished_at=instant(row.finished_at),
        note=row.note,
        per_second=row.per_second,
        trial=row.trial,
        judged=row.judged_at is not None,
        is_live=bool(row.is_live),
    )
