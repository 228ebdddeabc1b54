"""The state of one account: what it sells, its customers, and what it has issued."""

from typing import Any

from simulator.catalogue import Catalogue
from simulator.customers import Directory, Identifier
from simulator.issuance import IssueLog, Numbering, Records
from simulator.keys import KeyStore
from simulator.limits import LimitCounters
from simulator.shop import Shop
from simulator.switches import Switches
from simulator.transactions import Journal


class Account:
    """One account; the simulator's accounts share nothing but the truth and the numbering."""

    def __init__(self, catalogue: Catalogue, log: IssueLog, numbering: Numbering) -> None:
        self.catalogue, self.name = catalogue, catalogue.name
        self.rewards = {reward.reward_id: reward for reward in catalogue.rewards}
        self.directory = Directory(catalogue)
        self.journal = Journal()
        self.records = Records(
            KeyStore(), LimitCounters(), self.journal, log, numbering, catalogue.timezone
        )
        self.busy: set[object] = set()
        self._shop: Shop | None = None

    def shop(self, switches: Switches) -> Shop:
        """What requests are checked against now."""
        if self._shop is None or self._shop.switches is not switches:
            self._shop = Shop(
                self.rewards,
                frozenset(self.catalogue.brands),
                self.directory,
                switches,
                self.catalogue.custom_fields,
                self.catalogue.fulfillment_statuses,
            )
        return self._shop

    def as_json(self) -> dict[str, Any]:
        """The account's organisations and brands, and its groups with their current points."""
        catalogue = self.catalogue
        return {
            "name": self.name,
            "brands": catalogue.brands,
            "organisations": [catalogue.org_id, *catalogue.children],
            "groups": [
                {"groupId": found.group.group_id, "points": found.points}
                for found in self.directory.groups
            ],
        }

    def lock_of(self, identifier: Identifier | None) -> object:
        """A key that calls for the same customer share; None for a call without a customer."""
        if identifier is None:
            return None
        customer = self.directory.find(identifier)
        return customer.customer_id if customer else identifier
