"""Stops a reward, or the campaign when nothing else is left to send, and keeps the evidence."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, insert, select, update

from issuance.campaign_life import Act
from issuance.reward_key import describe_reward
from issuance.states import State
from issuance.stop_loss.rewards import RETURNING, RewardState, read_list, write_list
from ledger.audit_log import SYSTEM, campaign_target, record_action
from ledger.campaigns import Campaign, change_state_in, find_in
from ledger.queries.counters import reward_counts
from ledger.stop_loss.evidence import reward_evidence
from ledger.stop_loss.held import return_all
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.schema import campaign_rewards, campaign_stops, campaigns

STOP_LOSS = "stop_loss"
CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Stop:
    """A reward, or a campaign, whose calls must end now."""

    campaign: Campaign
    reward: str | None
    """None: the whole campaign."""


def stop_reward(connection: Connection, name: str, reward: str) -> Stop:
    """Stop a reward of a running campaign that the transaction has locked, as its last step.

    The campaign is stopped if it has nothing else to send.
    """
    campaign = find_in(connection, name)
    evidence = reward_evidence(connection, campaign.id, reward)
    causes = " and ".join(evidence["causes"])
    why = (
        f"{describe_reward(reward)}: {evidence['faults']} of its last {evidence['answers']} "
        f"answers are the campaign's fault ({causes})"
    )
    listed = _list_of(connection, campaign.id)
    if RETURNING in listed:  # else jobs of a reward that runs again would wait with this one's
        return_all(connection, campaign.id)
    held = {*listed, reward} - {RETURNING}
    _mark(connection, campaign.id, reward, held)
    add_stop(connection, campaign.id, STOP_LOSS, reward, evidence | {"why": why})
    by = replace(SYSTEM, note=why)
    if not _others(connection, campaign.id, held):
        return Stop(change_state_in(connection, campaign, by, Act.STOP), None)
    log_after_commit(
        connection,
        "campaign_reward_stopped",
        level="warning",
        campaign=campaign.name,
        reward=reward,
        note=why,
    )
    record_action(
        connection,
        by,
        verb="stop reward",
        target=campaign_target(campaign.name),
        after=describe_reward(reward),
    )
    return Stop(campaign, reward)


def add_stop(
    connection: Connection, campaign_id: int, cause: str, reward: str | None, evidence: Any
) -> None:
    """Keep why a campaign or a reward was stopped."""
    connection.execute(
        insert(campaign_stops).values(
            campaign_id=campaign_id,
            at=now_ms(),
            cause=cause,
            reward=reward,
            evidence=to_json(evidence).decode(),
        )
    )


def _list_of(connection: Connection, campaign_id: int) -> tuple[str, ...]:
    query = select(campaigns.c.stopped_rewards).where(campaigns.c.id == campaign_id)
    return read_list(connection.scalar(query))


def _mark(connection: Connection, campaign_id: int, reward: str, held: set[str]) -> None:
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(stopped_rewards=write_list(held))
    )
    connection.execute(
        update(campaign_rewards)
        .where(campaign_rewards.c.campaign_id == campaign_id, campaign_rewards.c.reward == reward)
        .values(state=RewardState.STOPPED, changed_at=now_ms())
    )


def _others(connection: Connection, campaign_id: int, held: set[str]) -> bool:
    """Whether another reward has lines to be sent."""
    return any(
        tally.lines > 0 and state is State.WAITING and reward not in held
        for (reward, state), tally in reward_counts(connection, campaign_id).items()
    )
