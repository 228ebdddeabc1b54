"""The lint of a campaign's rows: every rule that the given options and rewards file bring into play."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from producers.fields.line import Reward
from producers.lint.finding import Finding
from producers.lint.mobile_rule import check_length, country_code_rule
from producers.lint.payment_rules import Payment, check_value_without_config
from producers.lint.rewards_file import RewardTerms
from producers.source import Row

RewardRule = Callable[[Reward], Finding | None]


class Lint:
    """Inspects rows that can be read and that the endpoint takes; all others are refused before.

    Args:
        strict: a warning refuses the row as an error does.
        country_code: the one that all mobiles have, 1 to 3 digits; None: unknown.
        rewards: what is known of the rewards, by their ids; None: nothing.

    Raises:
        ValueError: the country code is none.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        country_code: str | None = None,
        rewards: Mapping[int, RewardTerms] | None = None,
    ) -> None:
        self.rewards = rewards
        self._strict = strict
        self._reward_rules = tuple(_reward_rules(rewards))
        self._check_identifier = (
            check_length if country_code is None else country_code_rule(country_code)
        )

    def inspect(self, row: Row) -> list[Finding]:
        """Find all that is wrong with a row; what refuses it comes first."""
        reward = row.reward
        found = [finding for rule in self._reward_rules if (finding := rule(reward)) is not None]
        if (finding := self._check_identifier(row.identifier)) is not None:
            found.append(finding)
        if self._strict:
            return [replace(finding, refuses=True) for finding in found]
        return sorted(found, key=lambda finding: not finding.refuses) if len(found) > 1 else found


def _reward_rules(rewards: Mapping[int, RewardTerms] | None) -> Iterator[RewardRule]:
    # Only what can find something: a file has a million rows.
    if rewards is None:
        yield check_value_without_config
    else:
        payment = Payment(rewards)
        yield from (
            payment.check_reward,
            payment.check_config,
            payment.check_quantity,
            payment.check_value,
        )
