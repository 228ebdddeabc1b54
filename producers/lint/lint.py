"""The lint of a campaign's rows: applies the rules that the options and the rewards file need."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from issuance.endpoint import Variant
from producers.fields.line import NO_CALL_FIELDS, Reward
from producers.lint.call_rules import find_undocumented
from producers.lint.external_id_rule import check_external_id
from producers.lint.finding import Finding
from producers.lint.mobile_rule import check_length, country_code_rule
from producers.lint.payment_rules import Payment, check_decimals, check_value_without_config
from producers.lint.rewards_file import RewardTerms
from producers.source import Identifier, Row

RewardRule = Callable[[Reward], Finding | None]


class Lint:
    """Inspects readable rows that the endpoint takes; all others were refused earlier.

    Args:
        strict: every warning refuses the row.
        country_code: the country code of all mobiles, 1 to 3 digits; None: unknown.
        country: the country by which mobiles were completed, so that they need no check; None:
            they were not.
        rewards: the terms of the rewards by id and by external id; None: unknown.

    Raises:
        ValueError: the country code is not valid.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        country_code: str | None = None,
        country: str | None = None,
        rewards: Mapping[int | str, RewardTerms] | None = None,
    ) -> None:
        self.rewards = rewards
        self._strict = strict
        self._call = NO_CALL_FIELDS
        self._of_call: Finding | None = None
        self._payment = None if rewards is None else Payment(rewards)
        self._reward_rules = tuple(_reward_rules(self._payment))
        self._check_mobile: Callable[[Identifier], Finding | None] = check_length
        if country_code is not None:
            self._check_mobile = country_code_rule(country_code)
        elif country is not None:
            self._check_mobile = _accept

    def inspect(self, row: Row, variant: Variant) -> list[Finding]:
        """Find all problems of a row for an endpoint; those that refuse it come first."""
        reward = row.reward
        found = [finding for rule in self._reward_rules if (finding := rule(reward)) is not None]
        identifier = row.identifier
        check = self._check_mobile if identifier.kind == "mobile" else check_external_id
        if (finding := check(identifier)) is not None:
            found.append(finding)
        if row.doubts:
            found.extend(Finding(*doubt, refuses=False) for doubt in row.doubts)
        if reward.redemption_value is not None and (decimals := check_decimals(reward)) is not None:
            found.append(decimals)
        if row.call is not self._call:
            # Most rows of a file have the same call.
            self._call, self._of_call = row.call, find_undocumented(row.call, variant)
        if self._of_call is not None:
            found.append(self._of_call)
        if self._payment is not None and (tender := self._payment.check_tender(reward, row.call)):
            found.append(tender)
        if self._strict:
            return [replace(finding, refuses=True) for finding in found]
        return sorted(found, key=lambda finding: not finding.refuses) if len(found) > 1 else found


def _accept(_identifier: Identifier) -> None:
    return None


def _reward_rules(payment: Payment | None) -> Iterator[RewardRule]:
    # Only rules that can find something: a file may have a million rows.
    if payment is None:
        yield check_value_without_config
    else:
        yield from (
            payment.check_reward,
            payment.check_config,
            payment.check_quantity,
            payment.check_value,
        )
