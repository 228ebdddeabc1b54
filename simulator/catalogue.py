"""What the simulated brand sells and which callers it accepts: plain data, loadable from JSON."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from simulator.reward import STRICT, Reward, Vendor
from simulator.timezones import TimeZone


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer in the catalogue; each of the three identifiers finds the same customer."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    customer_id: int
    mobile: str | None = None
    email: str | None = None
    external_id: str | None = None
    points: int = 0
    segments: frozenset[str] = frozenset()
    cards: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """A loyalty group (user_group2) with its own points; `members` are customer ids."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    group_id: int
    primary_user_id: int
    members: frozenset[int]
    external_id: str | None = None
    points: int = 0


@dataclass(frozen=True, slots=True)
class Till:
    """A caller with Basic authentication; `password` is plain text here and MD5 on the wire."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    username: str
    password: str
    org_id: int


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A caller with OAuth: the key and secret that it sends to the token endpoint."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    key: str
    secret: str
    org_id: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The initial data of one account; `children` are the ids of organisations below `org_id`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    org_id: int
    children: tuple[int, ...]
    brands: tuple[str, ...]
    tills: tuple[Till, ...]
    clients: tuple[OAuthClient, ...]
    rewards: tuple[Reward, ...]
    customers: tuple[Profile, ...] = field(default=())
    groups: tuple[Group, ...] = field(default=())
    custom_fields: frozenset[str] | None = None
    """The custom fields that the brand has created; None accepts every name."""
    fulfillment_statuses: frozenset[str] | None = None
    """The fulfilment statuses that the brand has created; None accepts every name."""
    points_vendor: Vendor | None = None
    timezone: TimeZone | None = None
    """Where the days of limits begin at midnight; None: where the switch `timezone` says."""
    auto_customers: bool = True
    auto_points: int = 1_000_000
    magic_customers: bool = False
    name: str = "default"
    more_accounts: tuple["Catalogue", ...] = ()
    """Further accounts in the same simulator: callers of one see nothing of the others."""

    @property
    def accounts(self) -> tuple["Catalogue", ...]:
        """This account and all further ones; raises ValueError if two have the same name."""
        found = (self, *(below for more in self.more_accounts for below in more.accounts))
        if len({account.name for account in found}) != len(found):
            raise ValueError("two accounts of the catalogue have the same name")
        return found


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file; raises ValidationError that names each wrong or unknown field."""
    return TypeAdapter(Catalogue).validate_json(path.read_bytes())
