"""Whether a campaign can be closed: nothing is open, and what was compared has not changed."""

from sqlalchemy import ColumnElement, Connection, func, select

from issuance.campaign_life import Act, next_state
from issuance.closing.canonical import canonical, digest
from issuance.states import CampaignState, DeadLetterState
from ledger.campaigns import Campaign, CampaignError, find_in, finish_campaigns
from ledger.queries.counters import reward_counts
from ledger.store.schema import IS_OPEN, bulk_actions, campaigns, dead_letters, jobs

_REVOCATION = "revoke"
_UNDER_WAY = ("trial", "asking", "running", "paused")


def lock_closable(connection: Connection, name: str) -> Campaign:
    """Lock a campaign that can be closed.

    Raises:
        CampaignError: there is no such campaign, it is closed, or something of it is open. The
            message says what to do.
    """
    finish_campaigns(connection)
    campaign = find_in(connection, name, for_update=True)
    if found := closing_problem(connection, campaign):
        raise CampaignError(f"Campaign {campaign.name} cannot be closed: {found}")
    return campaign


def closing_problem(connection: Connection, campaign: Campaign) -> str:
    """Say why a campaign cannot be closed, and what to do; "" if it can be."""
    problems = (_open_lines, _open_letters, _open_actions, _wrong_state, _wrong_books)
    found = (problem(connection, campaign) for problem in problems)
    return next(filter(None, found), "")


def basis_of(connection: Connection, campaign: Campaign) -> str:
    """Return a digest of what a comparison depends on: it changes when a line changes its state.

    It also changes when the campaign had work and finished again.
    """
    counts = [
        [reward, state.value, tally.lines, tally.units, tally.points]
        for (reward, state), tally in reward_counts(connection, campaign.id).items()
        if tally.lines
    ]
    finished = connection.scalar(
        select(campaigns.c.finished_at).where(campaigns.c.id == campaign.id)
    )
    return digest(canonical([campaign.accepted_lines, finished, sorted(counts)]))


def _open_lines(connection: Connection, campaign: Campaign) -> str:
    query = select(func.sum(jobs.c.open_lines)).where(IS_OPEN, jobs.c.campaign_id == campaign.id)
    count = connection.scalar(query) or 0
    return (
        f"lines that are not settled: {count:,}. `issuance status {campaign.name}` says what they "
        f"wait for; `issuance campaign cancel {campaign.name}` ends them"
        if count
        else ""
    )


def _open_letters(connection: Connection, campaign: Campaign) -> str:
    query = select(func.count()).where(
        dead_letters.c.campaign_id == campaign.id, dead_letters.c.state == DeadLetterState.OPEN
    )
    count = connection.scalar(query) or 0
    return (
        f"dead letters that are open: {count:,}. Redrive them, or discard them with the reason: "
        f'`issuance dead-letters discard --campaign {campaign.name} --note "…"`'
        if count
        else ""
    )


def _open_actions(connection: Connection, campaign: Campaign) -> str:
    under_way: ColumnElement[bool] = bulk_actions.c.state.in_(_UNDER_WAY)
    query = select(bulk_actions.c.id, bulk_actions.c.kind).where(
        bulk_actions.c.campaign_id == campaign.id, under_way
    )
    found = connection.execute(query.order_by(bulk_actions.c.id).limit(1)).one_or_none()
    if found is None:
        return ""
    if found.kind == _REVOCATION:
        return (
            "a revocation is under way, or was interrupted. Let `issuance campaign revoke "
            f"{campaign.name}` finish"
        )
    return (
        f"redrive {found.id} is under way. Wait until it has finished, or abort it: "
        f"`issuance redrives abort {found.id}`"
    )


def _wrong_state(connection: Connection, campaign: Campaign) -> str:  # noqa: ARG001 - as its neighbours
    if next_state(Act.CLOSE, campaign.state) is not None:
        return ""
    if campaign.state is CampaignState.CLOSED:
        return f"it is closed already: `issuance campaign statement {campaign.name}` shows how"
    return (
        f"it is {campaign.state.replace('_', ' ')}. Only a finished or cancelled campaign can be "
        "closed"
    )


def _wrong_books(connection: Connection, campaign: Campaign) -> str:
    counted = sum(tally.lines for tally in reward_counts(connection, campaign.id).values())
    return (
        ""
        if counted == campaign.accepted_lines
        else f"it accepted {campaign.accepted_lines:,} lines, and {counted:,} have a state. Find "
        "out why first"
    )
