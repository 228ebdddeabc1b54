"""What the simulated brand sells and which callers it accepts: plain data, loadable from JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, TypeAdapter

# A misspelt field in a catalogue file must be an error, not a silently missing rule.
STRICT = ConfigDict(extra="forbid")

PaymentMode = Literal["FREE", "POINTS", "CASH", "POINTS_CASH", "CONV_RATIO"]
Period = Literal["DAYS", "WEEKS", "MONTHS", "NO_LIMIT"]


@dataclass(frozen=True, slots=True)
class PaymentConfig:
    """One way to pay for a reward; CONV_RATIO uses `ratio`, the other modes `points` per unit."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    id: int
    mode: PaymentMode = "POINTS"
    points: int = 0
    ratio: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `units` per window of `every` periods, in UTC.

    A week has 7 days and a month 30.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    units: int
    period: Period = "DAYS"
    every: int = 1


@dataclass(frozen=True, slots=True)
class Reward:
    """One reward.

    `segments` ("segment:partition") and `card_series` restrict it to some customers unless empty.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    reward_id: int
    name: str
    brand: str = "DEMO"
    kind: Literal["coupon", "promotion", "vendor"] = "coupon"
    external_id: str | None = None
    enabled: bool = True
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    points: int = 0
    payment_configs: tuple[PaymentConfig, ...] = ()
    customer_limit: Limit | None = None
    reward_limit: Limit | None = None
    segments: frozenset[str] = frozenset()
    card_series: frozenset[str] = frozenset()
    vendor_gives_voucher: bool = True
    shows_voucher: bool = True
    """False for a vendor's reward that is issued without a voucher in its context map."""

    def available(self, now: datetime) -> bool:
        """Whether the reward is enabled, started and not expired at `now`."""
        started = self.starts_at is None or self.starts_at <= now
        return self.enabled and started and (self.ends_at is None or now < self.ends_at)


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
