"""The built-in catalogue: one brand, with a reward for every rule that can refuse or limit it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from simulator.catalogue import (
    Catalogue,
    Group,
    Limit,
    OAuthClient,
    PaymentConfig,
    Profile,
    Reward,
    Till,
)

ORG = 4000
CHILDREN = (4001, 4002)

REWARDS = (
    Reward(1001, "Free coupon", external_id="SKU-1001"),
    Reward(1002, "Coupon for 10 points", points=10, external_id="SKU-1002"),
    Reward(1003, "Vendor voucher", kind="vendor"),
    Reward(1004, "Cart promotion", kind="promotion"),
    Reward(1005, "Disabled coupon", enabled=False),
    Reward(1006, "One per customer per day", customer_limit=Limit(1)),
    Reward(1007, "Gold members only", segments=frozenset({"tier:gold"})),
    Reward(1008, "Card holders only", card_series=frozenset({"club"})),
    Reward(
        1009,
        "Miles at 0.35 per point",
        kind="vendor",
        payment_configs=(PaymentConfig(91, "CONV_RATIO", ratio=Decimal("0.35")),),
    ),
    Reward(
        1010,
        "Several ways to pay",
        payment_configs=(PaymentConfig(101, "FREE"), PaymentConfig(102, "POINTS", points=50)),
    ),
    Reward(1011, "A second free coupon"),
    Reward(1012, "Fifty a day for all customers together", reward_limit=Limit(50)),
    Reward(1013, "Vendor that gives no voucher", kind="vendor", vendor_gives_voucher=False),
    Reward(1014, "Expired coupon", ends_at=datetime(2020, 1, 1, tzinfo=UTC)),
    Reward(1015, "Coupon that starts in 2999", starts_at=datetime(2999, 1, 1, tzinfo=UTC)),
    Reward(
        1016,
        "Miles at 0.44 per point",
        kind="vendor",
        payment_configs=(PaymentConfig(161, "CONV_RATIO", ratio=Decimal("0.44")),),
    ),
    Reward(
        1017,
        "Physical reward of a vendor, without a voucher",
        kind="vendor",
        points=10,
        shows_voucher=False,
    ),
)

CUSTOMERS = (
    Profile(
        501,
        mobile="919700000501",
        email="gold@example.test",
        external_id="EXT-501",
        points=1_000,
        segments=frozenset({"tier:gold"}),
        cards=frozenset({"club"}),
    ),
    Profile(502, mobile="919700000502", email="poor@example.test", external_id="EXT-502", points=5),
)

GROUPS = (Group(601, 501, members=frozenset({501, 502}), external_id="FAM-601", points=500),)


def _other_account(name: str, org_id: int, first_reward: int) -> Catalogue:
    """A second brand with a till, a client and two child organisations of its own."""
    brand = name.upper()
    return Catalogue(
        name=name,
        org_id=org_id,
        children=(org_id + 1, org_id + 2),
        brands=(brand,),
        tills=(Till(f"{name}.till", name, org_id),),
        clients=(OAuthClient(f"{name}-key", f"{name}-secret", org_id),),
        rewards=(
            Reward(first_reward, "Free coupon", brand, external_id=f"SKU-{first_reward}"),
            Reward(first_reward + 1, "Coupon for 10 points", brand, points=10),
        ),
    )


DEMO = Catalogue(
    org_id=ORG,
    children=CHILDREN,
    brands=("DEMO",),
    # A simulator's credentials are not secret.
    tills=(Till("demo.till", "demo", ORG), Till("child.till", "demo", CHILDREN[0])),
    clients=(OAuthClient("demo-key", "demo-secret", ORG),),
    rewards=REWARDS,
    customers=CUSTOMERS,
    groups=GROUPS,
    magic_customers=True,
    more_accounts=(_other_account("shop", 5000, 2001), _other_account("air", 6000, 3001)),
)

# For load tests and tests whose generated identifiers may end like a magic customer's.
DEMO_WITHOUT_MAGIC = replace(DEMO, magic_customers=False)
