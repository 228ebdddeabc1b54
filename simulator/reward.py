"""One reward of a catalogue: its rules, its prices and what is shown of it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field, NonNegativeInt

from simulator.statuses import Status, status_of

# A misspelt field in a catalogue file must be an error, not a silently missing rule.
STRICT = ConfigDict(extra="forbid")

OwnerType = Literal["LOYALTY", "MILESTONES", "CAMPAIGNS", "JOURNEYS", "GOODWILL"]
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
    cash: int = 0
    """Money for each unit, which a tender has to pay (CASH and POINTS_CASH)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `units` per window of `every` periods, in the brand's time zone.

    A week has 7 days and a month 30.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    units: int
    period: Period = "DAYS"
    every: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """A reward whose lines fail, once `after_units` units of it were issued.

    Only a `share` of the lines fails, chosen by their requestIds: the same line fails again, and
    its reissue may not. Without a message, the code has the documented text.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    code: int = 8003
    message: str | None = None
    partner_code: str | None = None
    partner_message: str = ""
    after_units: NonNegativeInt = 0
    share: Annotated[float, Field(ge=0, le=1)] = 1.0

    @property
    def status(self) -> Status:
        """The status of a line that fails."""
        partner = (self.partner_code, self.partner_message) if self.partner_code else None
        return status_of(self.code, self.message, partner)

    def meets(self, key: str, issued: int) -> bool:
        """Whether the line with this key fails when `issued` units of its reward are issued."""
        return issued >= self.after_units and _fraction(key) < self.share


def _fraction(key: str) -> float:
    """A number from 0 to below 1 that is always the same for the same key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=6).digest()) / 2**48


@dataclass(frozen=True, slots=True)
class Vendor:
    """The provider of a reward or of points, and its configuration."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    name: str
    id: int
    redemption_id: int | None = None
    redemption_name: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a video of a reward."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    name: str
    url: str
    alt_text: str | None = None
    id: str | None = None
    is_external: bool = True


@dataclass(frozen=True, slots=True)
class Display:
    """How a reward is shown; `rich_content` maps names to HTML."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    description: str = ""
    image_id: str | None = None
    image_url: str | None = None
    images: tuple[Media, ...] = ()
    videos: tuple[Media, ...] = ()
    rich_content: dict[str, str] = field(default_factory=dict)


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
    stock: NonNegativeInt | None = None
    """The vouchers that it has for all customers together; None: as many as are asked for."""
    failures: tuple[Failure, ...] = ()
    """The first that meets a line decides its status."""
    segments: frozenset[str] = frozenset()
    card_series: frozenset[str] = frozenset()
    vendor_gives_voucher: bool = True
    shows_voucher: bool = True
    """False for a vendor's reward that is issued without a voucher in its context map."""

    org_id: int | None = None
    """The organisation that created it; None: each organisation of the account may issue it."""
    owner_type: OwnerType | None = None
    owner_id: str | None = None
    group: str | None = None
    """The group of rewards that it belongs to."""
    redemption_type: str | None = None
    """In the words of the API, such as MILES; by default it follows from `kind`."""
    redemption_value: Decimal | None = None
    """What one unit is worth, for rewards without a conversion ratio."""
    coupon_series_id: str | None = None
    vendor: Vendor | None = None
    display: Display = Display()
    custom_fields: dict[str, str] = field(default_factory=dict)
    revenue_details: dict[str, float] = field(default_factory=dict)

    @property
    def owner(self) -> tuple[str, str] | None:
        """Type and id of the owner, or None."""
        return (self.owner_type, self.owner_id or "") if self.owner_type else None

    def available(self, now: datetime) -> bool:
        """Whether the reward is enabled, started and not expired at `now`."""
        started = self.starts_at is None or self.starts_at <= now
        return self.enabled and started and (self.ends_at is None or now < self.ends_at)
