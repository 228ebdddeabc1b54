"""The canary: a campaign's first lines, spread over its rewards, are sent and judged alone.

While a canary is `pending` (not picked) or `running` (not judged), no other job of its campaign is
released. Lines that were refused stay as they are, whatever the verdict.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from issuance.campaign_life import Act
from issuance.job import Lane
from issuance.outcome import Kind
from issuance.reward_key import describe_reward
from issuance.states import CampaignState, State
from issuance.stop_loss.canary import CanaryState, Trial, failed_rewards
from issuance.stop_loss.faults import Fault, find_recorded_fault
from ledger.audit_log import SYSTEM, campaign_target, record_action
from ledger.campaigns import Campaign, CampaignError, change_state_in, find_in
from ledger.queries.counters import reward_counts
from ledger.stop_loss.evidence import ANSWERS, describe_answers, read_answers
from ledger.stop_loss.stopped_rewards import IS_HELD
from ledger.stop_loss.stopping import CANARY, add_stop
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import IS_WAITING, LINE_REWARD, campaigns, canary_jobs, jobs, lines

_SAMPLE_LEAST, _SAMPLE_MOST, _SAMPLE_OF_EACH = 1_000, 20_000, 20
_KINDS = {State.FAILED: Kind.FAILED, State.IN_DOUBT: Kind.IN_DOUBT}


def is_tried(campaign_id: int) -> ColumnElement[bool]:
    """Return the condition of the jobs of a campaign's canary."""
    picked = select(canary_jobs.c.job_number).where(canary_jobs.c.campaign_id == campaign_id)
    return jobs.c.number.in_(picked)


def try_canaries(ledger: Ledger) -> None:
    """Pick the canaries of campaigns that begin, and judge those that have their answers."""
    gated = (CanaryState.PENDING, CanaryState.RUNNING)
    query = select(campaigns.c.name).where(
        campaigns.c.state == CampaignState.RUNNING, campaigns.c.canary_state.in_(gated)
    )
    with ledger.read() as connection:
        names = list(connection.scalars(query))
    for name in names:
        with suppress(CampaignError), ledger.write() as connection:  # it may be gone
            _try_canary(connection, find_in(connection, name, for_update=True))


def _try_canary(connection: Connection, campaign: Campaign) -> None:
    query = select(campaigns.c.canary, campaigns.c.canary_state)
    row = connection.execute(query.where(campaigns.c.id == campaign.id)).one()
    if campaign.state is not CampaignState.RUNNING:
        return
    if row.canary_state == CanaryState.PENDING:
        _pick(connection, campaign, row.canary or 0)
    elif row.canary_state == CanaryState.RUNNING and not _has_open(connection, campaign.id):
        _judge(connection, campaign)


def _set_state(connection: Connection, campaign: Campaign, state: CanaryState) -> None:
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign.id).values(canary_state=state)
    )


def _pick(connection: Connection, campaign: Campaign, count: int) -> None:
    buckets = _sample(connection, campaign.id, count)
    if not buckets and count:
        return  # no line is due yet
    numbers = list(islice(_in_turn(buckets), count))
    dialect_of(connection).insert_rows(
        connection,
        canary_jobs.name,
        ("campaign_id", "job_number"),
        [(campaign.id, number) for number in numbers],
    )
    _set_state(connection, campaign, CanaryState.RUNNING)
    log_after_commit(
        connection,
        "canary_started",
        campaign=campaign.name,
        jobs=len(numbers),
        rewards=len(buckets),
    )


def _sample(connection: Connection, campaign_id: int, count: int) -> dict[str, list[int]]:
    """Return jobs by reward: those that are due first, and others of rewards that come later."""
    waiting = (IS_WAITING, jobs.c.lane == Lane.BLAST, jobs.c.campaign_id == campaign_id)
    most = min(max(count * _SAMPLE_OF_EACH, _SAMPLE_LEAST), _SAMPLE_MOST)
    first = (
        select(jobs.c.number)
        .where(*waiting)
        .order_by(jobs.c.due_at, jobs.c.number)
        .limit(most)
        .subquery()
    )
    query = (
        select(LINE_REWARD, lines.c.job_number)
        .join(first, first.c.number == lines.c.job_number)
        .order_by(lines.c.job_number)
    )
    buckets: defaultdict[str, list[int]] = defaultdict(list)
    for reward, number in connection.execute(query):
        buckets[reward].append(number)
    later = {
        reward
        for (reward, state), tally in reward_counts(connection, campaign_id).items()
        if state is State.WAITING and tally.lines > 0
    } - set(buckets)
    for reward in sorted(later)[:count]:
        of_reward = (
            select(jobs.c.number)
            .join(lines, lines.c.job_number == jobs.c.number)
            .where(*waiting, LINE_REWARD.in_([reward]))
            .limit(count)
        )
        buckets[reward] = sorted(connection.scalars(of_reward))
    return dict(buckets)


def _in_turn(buckets: Mapping[str, list[int]]) -> Iterator[int]:
    """Yield each job once, one of each reward in turn."""
    seen: set[int] = set()
    left = [iter(numbers) for numbers in buckets.values()]
    while left:
        for bucket in list(left):
            number = next((each for each in bucket if each not in seen), None)
            if number is None:
                left.remove(bucket)
            else:
                seen.add(number)
                yield number


def _has_open(connection: Connection, campaign_id: int) -> bool:
    """Whether a job of the canary still waits for an answer that says something."""
    query = select(jobs.c.number).where(
        is_tried(campaign_id),
        jobs.c.settled_at.is_(None),
        # Deferred for a customer's limit until another day, or held with its reward.
        jobs.c.limit_deferrals == 0,
        ~IS_HELD,
    )
    return connection.scalar(query.limit(1)) is not None


def _judge(connection: Connection, campaign: Campaign) -> None:
    trials = _trials(connection, campaign.id)
    failed = failed_rewards(trials)
    if not failed:
        _set_state(connection, campaign, CanaryState.PASSED)
        sent = sum(trial.answers for trial in trials.values())
        log_after_commit(connection, "canary_passed", campaign=campaign.name, answers=sent)
        record_action(
            connection,
            SYSTEM,
            verb="canary passed",
            target=campaign_target(campaign.name),
            after=f"{sent} answers",
        )
        return
    _set_state(connection, campaign, CanaryState.FAILED)
    why = "the canary failed: " + ", ".join(
        f"{describe_reward(reward)} with {trials[reward].faults} of {trials[reward].answers} "
        "answers that are the campaign's fault"
        for reward in failed
    )
    by_reward = {reward: _evidence(connection, campaign.id, reward) for reward in failed}
    evidence = {"rewards": failed, "byReward": by_reward, "why": why}
    add_stop(connection, campaign.id, CANARY, None, evidence)
    change_state_in(connection, campaign, replace(SYSTEM, note=why), Act.STOP)


def _trials(connection: Connection, campaign_id: int) -> dict[str, Trial]:
    """Count the canary's answers and faults by reward."""
    query = (
        select(LINE_REWARD, lines.c.state, lines.c.code, lines.c.message)
        .join(canary_jobs, canary_jobs.c.job_number == lines.c.job_number)
        .where(canary_jobs.c.campaign_id == campaign_id, lines.c.code.is_not(None))
    )
    counted: defaultdict[str, _Count] = defaultdict(_Count)
    for reward, state, code, message in connection.execute(query):
        kind = _KINDS.get(State(state), Kind.ISSUED)
        # A line that waits for the next limit window was refused.
        kind = Kind.FAILED if State(state) is State.WAITING else kind
        fault = find_recorded_fault(kind, code, message or "").fault
        counted[reward].add(is_fault=fault is Fault.CAMPAIGN)
    return {reward: Trial(each.answers, each.faults) for reward, each in counted.items()}


@dataclass(slots=True)
class _Count:
    answers: int = 0
    faults: int = 0

    def add(self, *, is_fault: bool) -> None:
        self.answers += 1
        self.faults += is_fault


def _evidence(connection: Connection, campaign_id: int, reward: str) -> dict[str, Any]:
    query = ANSWERS.where(is_tried(campaign_id), LINE_REWARD.in_([reward]))
    return describe_answers(read_answers(connection, query))
