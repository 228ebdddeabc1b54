"""What an operator decides about a stop: the campaign continues as it is, or without a reward."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select, update

from issuance.campaign_life import Act
from issuance.reward_key import EXTERNAL, describe_reward
from issuance.states import CampaignState
from issuance.stop_loss.rewards import RETURNING, RewardState, read_list, write_list
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.budgets.stops import require_room
from ledger.campaigns import Campaign, CampaignError, change_state_in, find_in
from ledger.queries.counters import reward_counts
from ledger.stop_loss.stop_records import StopRecord, choices, read_stops
from ledger.stop_loss.stopped_rewards import has_only, has_reward
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import IS_OPEN, campaign_rewards, campaign_stops, campaigns, jobs

_SHOWN_REWARDS = 10


def resume(
    ledger: Ledger,
    name: str,
    operator: Operator,
    *,
    continues: bool = False,
    without: Sequence[str] = (),
) -> Campaign:
    """Resume a paused or stopped campaign.

    Args:
        ledger: the record.
        name: the campaign's name.
        operator: the operator and the reason.
        continues: send the lines of stopped rewards too; they are watched from the beginning.
        without: rewards that are removed from the campaign: rewardIds, or external ids. Their lines
            that were never sent become cancelled; see `ledger.dispatch.removal`.

    Raises:
        CampaignError: there is no such campaign, its state does not allow it, a stop needs a
            decision, or a reward cannot be removed.
        BudgetError: its budget is used up.
    """
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        stops = read_stops(connection, [campaign.id], is_open=True)
        require_room(connection, campaign)
        decided = [stop for stop in stops if stop.needs_decision]
        if without:
            keys = [_find_key(connection, campaign, each) for each in without]
            _remove(connection, campaign, keys)
            _resolve(
                connection,
                [_ for _ in stops if _.reward in (None, *keys)],
                operator,
                f"without {' and '.join(map(describe_reward, keys))}",
            )
            _record(connection, campaign, operator, "remove reward", keys)
        elif continues:
            if not decided:
                raise CampaignError(
                    f"Nothing of {campaign.name} is stopped: --go-on is for stopped campaigns"
                )
            keys = _let_run(connection, campaign)
            _resolve(connection, stops, operator, "continued")
            _record(connection, campaign, operator, "continue reward", keys)
        elif decided and campaign.state is not CampaignState.PAUSED:
            raise CampaignError(_options(campaign, decided))
        else:
            _resolve(connection, [_ for _ in stops if not _.needs_decision], operator, "resumed")
        return change_state_in(connection, campaign, operator, Act.RESUME)


def _options(campaign: Campaign, stops: Sequence[StopRecord]) -> str:
    """Say why a stop needs a decision, and what can be decided."""
    causes = "; ".join(stop.why for stop in stops)
    ways = [f"{what}: {command}" for what, command in choices(campaign.name, stops)]
    return f"{campaign.name} is stopped. {causes}. {'. '.join(ways)}"


def _find_key(connection: Connection, campaign: Campaign, named: str) -> str:
    """Find the key of a reward by its rewardId or external id."""
    known = sorted({reward for reward, _ in reward_counts(connection, campaign.id) if reward})
    for key in (named, f"{EXTERNAL}{named}"):
        if key in known:
            return key
    shown = ", ".join(each.removeprefix(EXTERNAL) for each in known[:_SHOWN_REWARDS])
    more = f" and {len(known) - _SHOWN_REWARDS} more" if len(known) > _SHOWN_REWARDS else ""
    raise CampaignError(
        f"--without-reward {named}: {campaign.name} has no such reward; it has {shown}{more}"
    )


def _remove(connection: Connection, campaign: Campaign, keys: Sequence[str]) -> None:
    mixed = connection.scalar(
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.campaign_id == campaign.id, IS_OPEN, has_reward(keys), ~has_only(keys))
    )
    if mixed:
        raise CampaignError(
            f"{mixed:,} calls of {campaign.name} have {' and '.join(map(describe_reward, keys))} "
            "together with other rewards of the same customer. A call is sent whole, so none of it "
            "can be left out: correct the reward and use --go-on, or cancel the campaign and send "
            "a file without the reward"
        )
    dialect = dialect_of(connection)
    values = {"state": RewardState.REMOVED, "changed_at": now_ms()}
    for key in keys:
        of_reward = {"campaign_id": campaign.id, "reward": key}
        connection.execute(
            dialect.upsert(campaign_rewards, of_reward | values, keys=[*of_reward], changes=values)
        )
    _write(connection, campaign, {*_listed(connection, campaign), *keys})


def _let_run(connection: Connection, campaign: Campaign) -> list[str]:
    """Let the stopped rewards run; the release moves their held jobs back."""
    stopped = (
        campaign_rewards.c.campaign_id == campaign.id,
        campaign_rewards.c.state == RewardState.STOPPED,
    )
    keys = list(connection.scalars(select(campaign_rewards.c.reward).where(*stopped)))
    connection.execute(
        update(campaign_rewards)
        .where(*stopped)
        .values(state=RewardState.RUNNING, statistic=0, changed_at=now_ms())
    )
    listed = _listed(connection, campaign)
    if set(listed) & set(keys):
        _write(connection, campaign, (set(listed) - set(keys)) | {RETURNING})
    return keys


def _listed(connection: Connection, campaign: Campaign) -> tuple[str, ...]:
    query = select(campaigns.c.stopped_rewards).where(campaigns.c.id == campaign.id)
    return read_list(connection.scalar(query))


def _write(connection: Connection, campaign: Campaign, rewards: Collection[str]) -> None:
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign.id)
        .values(stopped_rewards=write_list(rewards))
    )


def _resolve(
    connection: Connection, stops: Sequence[StopRecord], operator: Operator, resolution: str
) -> None:
    connection.execute(
        update(campaign_stops)
        .where(campaign_stops.c.id.in_([stop.id for stop in stops]))
        .values(resolved_at=now_ms(), resolved_by=operator.name, resolution=resolution)
    )


def _record(
    connection: Connection, campaign: Campaign, operator: Operator, verb: str, keys: Sequence[str]
) -> None:
    record_action(
        connection,
        operator,
        verb=verb,
        target=campaign_target(campaign.name),
        after=", ".join(map(describe_reward, keys)),
    )
