"""Customers and groups, their identifiers and their points."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from simulator.catalogue import Catalogue, Group, Profile

# In the API's order of precedence; E1's samples spell the email `emailId` (rewards-api §3.2).
IDENTIFIER_FIELDS = {
    "mobile": "mobile",
    "email": "email",
    "emailId": "email",
    "externalId": "external_id",
}
LOOKUP_NAMES = {"mobile": "mobile", "email": "email", "externalId": "external_id"}
FIRST_AUTOMATIC_ID = 900_000_001

# All spellings of the three ways to name a group (rewards-api §3.2).
GROUP_FIELDS = {
    "user_group2_primary_user_id": "primary_user_id",
    "userGroup2PrimaryUserId": "primary_user_id",
    "user_group2_id": "group_id",
    "userGroup2Id": "group_id",
    "user_group2_external_id": "external_id",
    "userGroup2ExternalId": "external_id",
}

Identifier = tuple[str, str]


@dataclass(slots=True)
class Customer:
    """One customer; `points` is the current balance."""

    customer_id: int
    points: int
    segments: frozenset[str] = frozenset()
    cards: frozenset[str] = frozenset()


@dataclass(slots=True)
class GroupAccount:
    """A loyalty group; `points` is its current balance."""

    group: Group
    points: int


def groups_named_in(place: Mapping[str, Any]) -> list[Identifier]:
    """The (kind, value) of each group that a body or an organisation's details name."""
    return [
        (GROUP_FIELDS[name], str(place[name]))
        for name in GROUP_FIELDS.keys() & place.keys()
        if place[name] is not None
    ]


def identifier_in(body: Mapping[str, Any]) -> Identifier | None:
    """The (kind, value) that names the customer in a request body; None when there is none."""
    for name, kind in IDENTIFIER_FIELDS.items():
        value = body.get(name)
        if value not in (None, ""):
            return kind, str(value)
    return None


class Directory:
    """Finds customers by identifier or id; creates unknown ones if the catalogue allows it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._by_identifier: dict[Identifier, Customer] = {}
        self._by_id: dict[int, Customer] = {}
        self._automatic_points = catalogue.auto_points if catalogue.auto_customers else None
        self._ids = count(FIRST_AUTOMATIC_ID)
        for profile in catalogue.customers:
            self.put(profile)
        self.groups = [GroupAccount(group, group.points) for group in catalogue.groups]

    def put(self, profile: Profile) -> None:
        """Add a customer or replace the one with the same id."""
        customer = Customer(profile.customer_id, profile.points, profile.segments, profile.cards)
        self._by_id[profile.customer_id] = customer
        for kind in ("mobile", "email", "external_id"):
            if value := getattr(profile, kind):
                self._by_identifier[kind, value] = customer

    def find(self, identifier: Identifier) -> Customer | None:
        """The existing customer with this identifier, or None."""
        return self._by_identifier.get(identifier)

    def find_group(self, kind: str, value: str) -> GroupAccount | None:
        """The group with this name, or None."""
        return next(
            (account for account in self.groups if str(getattr(account.group, kind)) == value),
            None,
        )

    def find_or_create(self, identifier: Identifier) -> Customer | None:
        """The customer with this identifier; None only if customers are not created on demand."""
        customer = self._by_identifier.get(identifier)
        if customer is None and self._automatic_points is not None:
            customer = Customer(next(self._ids), self._automatic_points)
            self._by_identifier[identifier] = self._by_id[customer.customer_id] = customer
        return customer
