"""The rewards of the built-in catalogue: one for every rule that can refuse, limit or price."""

from datetime import UTC, datetime
from decimal import Decimal

from simulator.reward import Display, Failure, Limit, Media, PaymentConfig, Reward, Vendor
from simulator.statuses import VOUCHER_MISSING

FIRST_CHILD = 4001
SECOND_CHILD = 4002

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
    Reward(
        1018,
        "Coupon for 20 points and 5 in cash",
        external_id="SKU-1018",
        payment_configs=(PaymentConfig(181, "POINTS_CASH", points=20, cash=5),),
    ),
    Reward(1019, "Coupon for 10 in cash", payment_configs=(PaymentConfig(191, "CASH", cash=10),)),
    Reward(1020, "Coupon of a campaign", owner_type="CAMPAIGNS", owner_id="SPRING"),
    Reward(1021, "Coupon of the first child", points=10, org_id=FIRST_CHILD),
    Reward(1022, "Voucher of the second child", kind="vendor", org_id=SECOND_CHILD),
    Reward(
        1023,
        "Lounge voucher with everything shown",
        kind="vendor",
        external_id="SKU-1023",
        payment_configs=(PaymentConfig(231, "POINTS", points=5),),
        redemption_type="MILES",
        redemption_value=Decimal(2),
        group="Travel",
        coupon_series_id="234",
        vendor=Vendor("Lounges", 38, 2386, "Lounge vouchers"),
        display=Display(
            description="A visit to a lounge",
            image_id="IMG-1023",
            image_url="https://images.example.test/1023",
            images=(Media("front", "https://images.example.test/1023/front", "the lounge"),),
            videos=(Media("tour", "https://videos.example.test/1023"),),
            rich_content={"terms": "<p>One visit</p>"},
        ),
        custom_fields={"terminal": "2"},
    ),
    Reward(
        1024,
        "Coupon with revenue details",
        group="Travel",
        coupon_series_id="1135336",
        revenue_details={"brandCommission": 1.0, "affiliateCommission": 1.2},
    ),
    Reward(1025, "Coupon that is disabled after 500 units", failures=(Failure(after_units=500),)),
    Reward(1026, "Voucher with a stock of 100", kind="vendor", stock=100),
    Reward(
        1027,
        "Vendor that fails for three lines in ten",
        kind="vendor",
        failures=(Failure(message=VOUCHER_MISSING.message, share=0.3),),
    ),
)


def rewards_of(first: int, brand: str, children: tuple[int, int]) -> tuple[Reward, ...]:
    """The rewards of a further account, numbered from `first`."""
    return (
        Reward(first, "Free coupon", brand, external_id=f"SKU-{first}"),
        Reward(first + 1, "Coupon for 10 points", brand, points=10),
        Reward(
            first + 2,
            "Coupon for 20 points and 5 in cash",
            brand,
            payment_configs=(PaymentConfig(first * 10, "POINTS_CASH", points=20, cash=5),),
        ),
        Reward(
            first + 3,
            "Miles at 0.35 per point",
            brand,
            "vendor",
            payment_configs=(PaymentConfig(first * 10 + 1, "CONV_RATIO", ratio=Decimal("0.35")),),
        ),
        Reward(first + 4, "Coupon of a journey", brand, owner_type="JOURNEYS", owner_id="J-1"),
        Reward(first + 5, "Voucher of the first child", brand, "vendor", org_id=children[0]),
        Reward(first + 6, "Promotion of the second child", brand, "promotion", org_id=children[1]),
    )
