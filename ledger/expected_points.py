"""The expected points of a request, by the prices that campaigns have stored."""

from collections.abc import Sequence

from sqlalchemy import select

from issuance.job import Line
from issuance.reward_key import reward_key
from ledger.store.database import Ledger
from ledger.store.schema import campaign_rewards, campaigns


def expected_points_of(ledger: Ledger, campaign: str, lines: Sequence[Line]) -> int | None:
    """Return the points that lines should cost, in thousandths; None: one is not known.

    A reward's price is the campaign's own, else the newest that any campaign has.
    """
    keys = {reward_key(line.reward_id, line.reward_external_id) for line in lines}
    own = campaigns.c.name == campaign
    query = (
        select(campaign_rewards.c.reward, campaign_rewards.c.points)
        .join(campaigns, campaigns.c.id == campaign_rewards.c.campaign_id)
        .where(campaign_rewards.c.reward.in_(keys), campaign_rewards.c.points.is_not(None))
        .order_by(own, campaign_rewards.c.changed_at)
    )
    with ledger.read() as connection:
        prices: dict[str, int] = {row.reward: row.points for row in connection.execute(query)}
    if not keys <= prices.keys():
        return None
    return sum(
        prices[reward_key(line.reward_id, line.reward_external_id)] * line.quantity
        for line in lines
    )
