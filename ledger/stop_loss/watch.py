"""Watches the answers of blasts: evaluates the stop-loss in the transaction that records a fault.

Answers without a campaign's fault cost nothing: their number since the last fault comes from the
counters by reward.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from issuance.job import Line
from issuance.outcome import Kind, Outcome
from issuance.reward_key import reward_key
from issuance.states import CampaignState, State
from issuance.stop_loss.cusum import FAULT_STEP, STOP_AT, add_fault, add_others
from issuance.stop_loss.faults import is_campaign_fault
from issuance.stop_loss.rewards import STOP_LOSS_OFF, RewardState, read_stopped
from ledger.queries.counters import RewardTallies, reward_counts
from ledger.stop_loss.stopping import Stop, stop_reward
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import campaign_rewards, campaigns

_UNANSWERED = (State.WAITING, State.CANCELLED, State.REPLACED)


class Answer(NamedTuple):
    """What a call's reply says about a job."""

    campaign_id: int
    lines: Sequence[Line]
    outcome: Outcome
    settles: bool


class Judged(NamedTuple):
    """One answer for one line."""

    reward: str
    is_fault: bool
    settles: bool


class _Campaign(NamedTuple):
    id: int
    name: str
    state: CampaignState
    stopped: tuple[str, ...]
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """A group of answers with a fault, before it is recorded."""

    campaign: _Campaign
    judged: Sequence[Judged]

    @property
    def faulty(self) -> list[str]:
        """The rewards with a fault in the group."""
        return sorted({each.reward for each in self.judged if each.is_fault})


def begin_watch(connection: Connection, answers: Sequence[Answer]) -> Watch | None:
    """Prepare the evaluation of a chunk's answers; None if none is a fault, or no test is wanted.

    Answers of reads and redrives do not belong here: reads call nothing, and a redrive has its own
    trial.

    A transaction locks campaigns before jobs. So this comes first, and locks the campaign if one of
    its rewards may have to be stopped.
    """
    if not any(map(_has_fault, answers)):
        return None  # nearly every group
    judged = [each for answer in answers for each in _judge(answer)]
    campaign = _read_campaign(connection, answers[0].campaign_id)
    if campaign is None:
        return None
    watch = Watch(campaign, judged)
    if not _may_stop(connection, watch):
        return watch
    locked = _read_campaign(connection, campaign.id, lock=True)
    return None if locked is None else Watch(locked, judged)


@dataclass(slots=True)
class Stops:
    """What a group's evaluation has stopped, and what is left to stop."""

    made: list[Stop]
    left: list[str]
    """Rewards that must stop, of a campaign that the transaction could not lock any more."""


def end_watch(connection: Connection, watch: Watch, now: int) -> Stops:
    """Evaluate the recorded group, and stop the rewards that fail; the transaction's last step."""
    campaign = watch.campaign
    counts = reward_counts(connection, campaign.id)
    failing = [
        reward
        for reward in watch.faulty
        if _evaluate(connection, watch, reward, _answered(counts, reward), now)
        and reward not in campaign.stopped
    ]
    if not campaign.is_locked:
        return Stops([], failing)
    return Stops(_stop(connection, campaign, failing), [])


def stop_left(ledger: Ledger, watch: Watch, rewards: Sequence[str]) -> list[Stop]:
    """Stop rewards in a transaction of its own: groups of other workers came at the same moment."""
    with ledger.write() as connection:
        campaign = _read_campaign(connection, watch.campaign.id, lock=True)
        if campaign is None:
            return []
        query = _STATISTICS.where(
            campaign_rewards.c.campaign_id == campaign.id,
            campaign_rewards.c.reward.in_(rewards),
            campaign_rewards.c.state == RewardState.RUNNING,
            campaign_rewards.c.statistic >= STOP_AT,
        )
        failing = [row.reward for row in connection.execute(query)]
        return _stop(connection, campaign, failing)


def _stop(connection: Connection, campaign: _Campaign, rewards: Sequence[str]) -> list[Stop]:
    if campaign.state is not CampaignState.RUNNING:
        return []  # the next fault stops them when it runs again
    return [stop_reward(connection, campaign.name, reward) for reward in rewards]


def _has_fault(answer: Answer) -> bool:
    outcome = answer.outcome
    return outcome.kind is not Kind.ISSUED and any(
        is_campaign_fault(outcome, line) for line in outcome.lines
    )


def _judge(answer: Answer) -> Iterable[Judged]:
    outcome = answer.outcome
    if outcome.readable:
        for line, of_line in zip(answer.lines, outcome.lines, strict=True):
            key = reward_key(line.reward_id, line.reward_external_id)
            yield Judged(key, is_campaign_fault(outcome, of_line), answer.settles)


def _read_campaign(
    connection: Connection, campaign_id: int, *, lock: bool = False
) -> _Campaign | None:
    query = select(
        campaigns.c.id, campaigns.c.name, campaigns.c.state, campaigns.c.stopped_rewards
    ).where(campaigns.c.id == campaign_id, campaigns.c.stop_loss != STOP_LOSS_OFF)
    if lock:
        query = query.with_for_update(key_share=True)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return _Campaign(
        row.id, row.name, CampaignState(row.state), read_stopped(row.stopped_rewards), lock
    )


_STATISTICS = select(
    campaign_rewards.c.reward,
    campaign_rewards.c.state,
    campaign_rewards.c.statistic,
    campaign_rewards.c.answers,
    campaign_rewards.c.faults,
)


def _may_stop(connection: Connection, watch: Watch) -> bool:
    """Whether this group's faults could stop a reward, if no other answer came between them."""
    if watch.campaign.state is not CampaignState.RUNNING:
        return False
    query = _STATISTICS.where(
        campaign_rewards.c.campaign_id == watch.campaign.id,
        campaign_rewards.c.reward.in_(watch.faulty),
    )
    known = {row.reward: row.statistic for row in connection.execute(query)}
    return any(
        known.get(reward, 0) + FAULT_STEP * _faults(watch.judged, reward) >= STOP_AT
        for reward in watch.faulty
        if reward not in watch.campaign.stopped
    )


def _faults(judged: Sequence[Judged], reward: str) -> int:
    return sum(each.is_fault for each in judged if each.reward == reward)


def _answered(counts: RewardTallies, reward: str) -> int:
    return sum(
        tally.lines
        for (of_reward, state), tally in counts.items()
        if of_reward == reward and state not in _UNANSWERED
    )


def _evaluate(connection: Connection, watch: Watch, reward: str, answered: int, now: int) -> bool:
    """Add the group's answers to a reward's statistic; returns whether the reward has to stop."""
    key = {"campaign_id": watch.campaign.id, "reward": reward}
    of_reward = (
        campaign_rewards.c.campaign_id == watch.campaign.id,
        campaign_rewards.c.reward == reward,
    )
    query = _STATISTICS.where(*of_reward).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        values = key | {"state": RewardState.RUNNING, "changed_at": now}
        dialect = dialect_of(connection)
        connection.execute(dialect.upsert(campaign_rewards, values, keys=[*key], changes={}))
        row = connection.execute(query).one()
    group = [each for each in watch.judged if each.reward == reward]
    between = answered - row.answers - sum(each.settles for each in group)
    statistic, must_stop = add_others(row.statistic, max(0, between)), False
    for each in group:
        statistic = add_fault(statistic) if each.is_fault else add_others(statistic, 1)
        must_stop |= statistic >= STOP_AT
    values = {
        "statistic": statistic,
        "answers": answered,
        "faults": row.faults + _faults(group, reward),
        "changed_at": now,
    }
    connection.execute(update(campaign_rewards).where(*of_reward).values(values))
    return must_stop and row.state == RewardState.RUNNING
