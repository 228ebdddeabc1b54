"""Campaigns: created by name, paused, resumed, weighted and finished."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from issuance.account import DEFAULT_ACCOUNT
from issuance.campaign_life import Act, next_state, states_before
from issuance.campaign_name import LONGEST_NAME, is_valid_name, normalise_name
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.request_id import IdScheme
from issuance.states import CampaignState
from ledger.approvals import VOIDABLE, void_approval
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import Lock
from ledger.store.errors import LedgerError
from ledger.store.schema import IS_OPEN, campaigns, jobs


class CampaignError(LedgerError):
    """The campaign does not exist, or its state does not allow the operation."""


class NoSuchCampaignError(CampaignError):
    """There is no campaign of this name."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as the ledger stores it."""

    id: int
    name: str
    state: CampaignState
    defers_limits: bool
    accepted_lines: int
    weight: int
    """1 to 100: its share of the rate relative to other campaigns that have work."""
    id_scheme: IdScheme
    """How its requestIds are derived; it never changes."""
    account: str = DEFAULT_ACCOUNT
    """The API account of all its calls."""


def ensure_campaign(
    ledger: Ledger,
    name: str,
    *,
    defers_limits: bool = False,
    account: str | None = None,
    is_draft: bool = False,
    stop_loss: str = "off",
    before_creating: Callable[[], None] = lambda: None,
) -> Campaign:
    """Return the campaign, creating it if needed.

    Args:
        ledger: the record.
        name: 1 to 255 printable characters.
        defers_limits: applies only to a new campaign.
        account: the API account of all its calls; None: the campaign's, or `default` for a new one.
        is_draft: whether a new campaign holds its rows until it is submitted.
        stop_loss: that of a new campaign, default or off.
        before_creating: called before a new campaign is made; raises if nothing can be accepted.

    Another spelling of an existing campaign's name means that campaign. A new one gets the
    normalised name.

    Raises:
        CampaignError: the name is empty, too long (255 characters) or has control characters, or
            several campaigns have a spelling of it, or the campaign belongs to another account.
        SecretError: the ledger has another secret than this process.
    """
    with ledger.read() as connection:
        found = _find_spelling(connection, name)
    if found is None:
        normalised = normalise_name(name)
        if not is_valid_name(normalised):
            raise CampaignError(f"A campaign's name has 1 to {LONGEST_NAME} printable characters")
        values: dict[str, Any] = {
            "name": normalised,
            "state": CampaignState.DRAFT if is_draft else CampaignState.RUNNING,
            "stop_loss": stop_loss,
            "defers_limits": defers_limits,
            "accepted_lines": 0,
            "account": account or DEFAULT_ACCOUNT,
            "id_scheme": IdScheme.KEYED.value,
        }
        before_creating()
        keys = ledger.keys
        with ledger.write() as connection:
            # `migrate` holds it while it replaces the secret, which it does only without campaigns.
            ledger.dialect.lock(connection, Lock.MIGRATION)
            keys.require_current(connection)
            # Another producer may create it at the same moment: then that one is used.
            values |= {"created_at": now_ms(), "started_at": now_ms()}
            connection.execute(ledger.dialect.upsert(campaigns, values, keys=["name"], changes={}))
            found = connection.execute(
                select(campaigns).where(campaigns.c.name == normalised)
            ).one()
    if account not in (None, found.account):
        raise CampaignError(
            f"Campaign {found.name} belongs to account {found.account}, which cannot be changed: "
            f"leave out --account {account}, or name another campaign"
        )
    return _campaign(found)


_EVENTS = {
    Act.SUBMIT: "campaign_submitted",
    Act.SCHEDULE: "campaign_scheduled",
    Act.APPROVE: "campaign_approved",
    Act.REJECT: "campaign_rejected",
    Act.VOID: "campaign_changed",
    Act.START: "campaign_started",
    Act.PAUSE: "campaign_paused",
    Act.RESUME: "campaign_resumed",
    Act.STOP: "campaign_stopped",
    Act.CANCEL: "campaign_cancelled",
    Act.FINISH: "campaign_finished",
    Act.WAKE: "campaign_continued",
    Act.CLOSE: "campaign_closed",
}


def find_campaign(ledger: Ledger, name: str) -> Campaign:
    """Return the campaign with this name.

    Raises:
        CampaignError: there is none.
    """
    with ledger.read() as connection:
        return find_in(connection, name)


def list_campaigns(ledger: Ledger) -> list[Campaign]:
    """Return all campaigns, oldest first."""
    with ledger.read() as connection:
        return campaigns_in(connection)


def campaigns_in(connection: Connection) -> list[Campaign]:
    """Return the same as `list_campaigns`, within a transaction."""
    return [*map(_campaign, connection.execute(select(campaigns).order_by(campaigns.c.id)))]


def campaign_account(ledger: Ledger, name: str) -> str | None:
    """Return the account of the campaign with this name; None if there is no such campaign."""
    with ledger.read() as connection:
        found = _find_spelling(connection, name)
    return None if found is None else str(found.account)


def campaign_names(ledger: Ledger, ids: Collection[int]) -> dict[int, str]:
    """Return campaigns' names by id; unknown ids are left out."""
    query = select(campaigns.c.id, campaigns.c.name).where(campaigns.c.id.in_(list(ids)))
    with ledger.read() as connection:
        return {row.id: row.name for row in connection.execute(query)}


def pause_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Pause a campaign: none of its jobs is released until it is resumed."""
    return change_state(ledger, name, operator, Act.PAUSE)


def resume_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Resume a paused campaign."""
    return change_state(ledger, name, operator, Act.RESUME)


def change_state(
    ledger: Ledger, name: str, operator: Operator, act: Act, **values: Any
) -> Campaign:
    """Change a campaign's state and record who did it.

    Args:
        ledger: the record.
        name: the campaign's name.
        operator: the operator and the reason.
        act: `issuance.campaign_life` says in which states it is allowed.
        values: further columns of the campaign to write.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow it.
    """
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        return change_state_in(connection, campaign, operator, act, **values)


def change_state_in(
    connection: Connection,
    campaign: Campaign,
    operator: Operator,
    act: Act,
    *,
    detail: str = "",
    **values: Any,
) -> Campaign:
    """Do the same in a transaction that has locked the campaign, as its last step.

    `detail` is recorded with the new state.
    """
    after = next_state(act, campaign.state)
    if after is None:
        raise CampaignError(
            f"Campaign {campaign.name} is {campaign.state.replace('_', ' ')}: it cannot be {act}"
        )
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign.id).values(state=after, **values)
    )
    fields = {"operator": operator.name, "note": operator.note, "before": campaign.state}
    log_after_commit(connection, _EVENTS[act], campaign=campaign.name, **fields)
    changed = find_in(connection, campaign.name)
    record_action(
        connection,
        operator,
        verb=act.name.lower(),
        target=campaign_target(campaign.name),
        before=campaign.state,
        after=f"{after}, {detail}" if detail else after,
    )
    return changed


def weigh_campaign(ledger: Ledger, name: str, weight: int, operator: Operator) -> Campaign:
    """Set a campaign's weight, from the next release on; queued jobs stay queued.

    Args:
        ledger: the record.
        name: the campaign's name.
        weight: `WEIGHT_MIN` to `WEIGHT_MAX`. An unchanged weight is not recorded.
        operator: the operator and the reason.

    Raises:
        CampaignError: there is no such campaign, it is cancelled, or the weight is out of range.
    """
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise CampaignError(
            f"A campaign's weight is a whole number from {WEIGHT_MIN} to {WEIGHT_MAX}, not {weight}"
        )
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state in (CampaignState.CANCELLED, CampaignState.CLOSED):
            raise CampaignError(
                f"Campaign {campaign.name} is {campaign.state}: its weight has no effect any more"
            )
        if campaign.weight == weight:
            return campaign
        connection.execute(
            update(campaigns).where(campaigns.c.id == campaign.id).values(weight=weight)
        )
        fields = {"operator": operator.name, "note": operator.note}
        log_after_commit(
            connection,
            "campaign_weight_changed",
            campaign=campaign.name,
            **fields,
            before=campaign.weight,
            weight=weight,
        )
        changed = find_in(connection, campaign.name)
        record_action(
            connection,
            operator,
            verb="weight",
            target=campaign_target(campaign.name),
            before=str(campaign.weight),
            after=str(weight),
        )
        if campaign.state in VOIDABLE:
            void_approval(connection, campaign.id, campaign.name, operator, f"weight {weight}")
            return find_in(connection, campaign.name)
        return changed


def finish_campaigns(connection: Connection) -> None:
    """Mark running and paused campaigns without open jobs as finished; releases skip them."""
    # Lock first, then check: adding a job locks its campaign too, so the job is either seen here or
    # finds the campaign finished and wakes it.
    running = select(campaigns.c.id).where(
        campaigns.c.state.in_(states_before(Act.FINISH)), campaigns.c.accepted_lines > 0
    )
    locked = list(connection.scalars(running.with_for_update(skip_locked=True, key_share=True)))
    if not locked:
        return
    open_jobs = select(jobs.c.number).where(jobs.c.campaign_id == campaigns.c.id, IS_OPEN)
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id.in_(locked), ~open_jobs.exists())
        .values(state=CampaignState.FINISHED, finished_at=now_ms())
    )


def wake_campaign(connection: Connection, campaign_id: int) -> None:
    """Let a finished campaign run again because it has work; a paused or cancelled one stays so."""
    # A running one is updated too, to wait for a release that is finishing it right now.
    awake = campaigns.c.state.in_(states_before(Act.WAKE))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, awake)
        .values(state=CampaignState.RUNNING)
    )


def find_in(connection: Connection, name: str, *, for_update: bool = False) -> Campaign:
    """Return the same as `find_campaign`, within a transaction; `for_update` locks the campaign."""
    found = _find_spelling(connection, name, for_update=for_update)
    if found is None:
        raise NoSuchCampaignError(
            f"There is no campaign {name!r}: `issuance status` lists the campaigns"
        )
    return _campaign(found)


def _find_spelling(
    connection: Connection, name: str, *, for_update: bool = False
) -> Row[Any] | None:
    """Find the campaign with exactly this name, else the one whose name is a spelling of it."""
    query = select(campaigns)
    if for_update:
        query = query.with_for_update(key_share=True)
    normalised = normalise_name(name)
    if not normalised.isprintable():
        return None  # no campaign has such a name, and no database takes a NUL
    for spelling in dict.fromkeys((name, normalised) if name.isprintable() else (normalised,)):
        found = connection.execute(query.where(campaigns.c.name == spelling)).one_or_none()
        if found is not None:
            return found
    # Names from before they were normalised.
    names = connection.scalars(select(campaigns.c.name).order_by(campaigns.c.id))
    alike = [each for each in names if _alike(each, name)]
    if len(alike) > 1:
        raise CampaignError(
            f"Several campaigns have a spelling of {name!r}: give one of "
            f"{', '.join(map(repr, alike))} exactly"
        )
    if not alike:
        return None
    return connection.execute(query.where(campaigns.c.name == alike[0])).one()


def _alike(first: str, second: str) -> bool:
    return normalise_name(first) == normalise_name(second)


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        state=CampaignState(row.state),
        defers_limits=row.defers_limits,
        accepted_lines=row.accepted_lines,
        weight=row.weight,
        account=row.account,
        id_scheme=IdScheme(row.id_scheme),
    )
