"""What a campaign would issue: lines and units by reward, its files, and some of its lines."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from issuance.reward_key import reward_key
from ledger.plans.digest import NOT_ISSUED, JobRange
from ledger.store.schema import intakes, jobs, lines

_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class PlannedReward:
    """One reward of a campaign."""

    key: str
    """See `issuance.reward_key`."""
    reward_id: int | None
    external_id: str | None
    lines: int
    units: int
    """Requested units."""
    points_each: int | None = None
    """Expected points of one unit in thousandths; None: not known."""

    @property
    def points(self) -> int | None:
        """Expected points of all units in thousandths; None: not known."""
        return None if self.points_each is None else self.points_each * self.units


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """The newest reading of one of the campaign's files."""

    source: str
    refused: int
    warned: int
    """Rows that were accepted with a warning."""
    is_complete: bool
    """It was read to its end."""


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A line of the sample."""

    source_line: int
    customer: str
    """As the ledger has it: mask it."""
    key: str
    quantity: int


def read_rewards(
    connection: Connection, found: JobRange, points: dict[str, int | None]
) -> list[PlannedReward]:
    """Count lines and units by reward, most lines first."""
    of_reward = (lines.c.reward_id, lines.c.reward_external_id)
    query = (
        select(*of_reward, func.count(), func.sum(lines.c.requested_quantity))
        .where(
            lines.c.job_number.between(found.first, found.last),
            lines.c.campaign_id == found.campaign_id,
            lines.c.state.not_in(NOT_ISSUED),
        )
        .group_by(*of_reward)
    )
    rewards = []
    for reward_id, external_id, count, units in connection.execute(query):
        key = reward_key(reward_id, external_id)
        is_named = external_id is not None
        rewards.append(
            PlannedReward(
                key,
                None if is_named else reward_id,
                external_id,
                count,
                int(units),
                points.get(key),
            )
        )
    return sorted(rewards, key=lambda each: (-each.lines, each.key))


def total_points(rewards: list[PlannedReward]) -> int | None:
    """Add up the expected points in thousandths; None if those of a reward are not known."""
    found = [each.points for each in rewards]
    return None if None in found else sum(each for each in found if each is not None)


def read_files(connection: Connection, campaign_id: int) -> list[PlannedFile]:
    """Return each of a campaign's files once, as it was last read."""
    last = select(func.max(intakes.c.id)).where(intakes.c.campaign_id == campaign_id)
    query = select(intakes.c.source, intakes.c.refused, intakes.c.warned, intakes.c.finished_at)
    query = query.where(intakes.c.id.in_(last.group_by(intakes.c.source))).order_by(intakes.c.id)
    return [
        PlannedFile(row.source, row.refused, row.warned, row.finished_at is not None)
        for row in connection.execute(query)
    ]


def read_sample(connection: Connection, found: JobRange) -> list[SampleLine]:
    """Return the first lines of some jobs, spread over the campaign."""
    step = max(1, (found.last - found.first + 1) // _SAMPLE)
    sample: dict[int, Any] = {}
    for start in range(found.first, found.last + 1, step):
        query = (
            select(
                jobs.c.number,
                jobs.c.source_line,
                jobs.c.customer,
                lines.c.reward_id,
                lines.c.reward_external_id,
                lines.c.requested_quantity,
            )
            .join(lines, lines.c.job_number == jobs.c.number)
            .where(
                jobs.c.number.between(start, found.last),
                jobs.c.campaign_id == found.campaign_id,
                lines.c.position == 0,
            )
            .order_by(jobs.c.number)
            .limit(1)
        )
        row = connection.execute(query).one_or_none()
        if row is not None and len(sample) < _SAMPLE:
            sample[row.number] = row
    return [
        SampleLine(
            row.source_line,
            row.customer,
            reward_key(row.reward_id, row.reward_external_id),
            row.requested_quantity,
        )
        for row in sample.values()
    ]
