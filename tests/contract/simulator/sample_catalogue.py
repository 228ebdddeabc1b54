"""The brand that the samples of the API's pages are re-created with; all values are made up."""

from decimal import Decimal
from typing import Any

from simulator.catalogue import Catalogue, Group, Profile, Till
from simulator.reward import Display, Media, PaymentConfig, Reward, Vendor


class _Anything:
    """Equal to everything but null."""

    def __eq__(self, other: object) -> bool:
        return other is not None

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "anything"


ANY: Any = _Anything()
ORG, CHILD = 7000, 7001
MILES = PaymentConfig(54, "CONV_RATIO", ratio=Decimal("0.5"))
IMAGE = Media("imageName", "pictures.example.test", "product picture")
CATALOGUE = Catalogue(
    org_id=ORG,
    children=(CHILD,),
    brands=("TEA",),
    tills=(Till("tea.till", "tea", ORG),),
    clients=(),
    rewards=(
        Reward(35, "tea-miles", "TEA", "vendor", payment_configs=(MILES,), coupon_series_id="234"),
        Reward(
            36,
            "Coupon of 2 miles",
            "TEA",
            payment_configs=(PaymentConfig(55, points=50),),
            redemption_value=Decimal(2),
        ),
        Reward(
            37,
            "Miles without a voucher",
            "TEA",
            "vendor",
            payment_configs=(PaymentConfig(3799, "CONV_RATIO", ratio=Decimal("0.44")),),
            shows_voucher=False,
        ),
        Reward(38, "For card holders", "TEA", card_series=frozenset({"club"})),
        Reward(39, "Of a campaign", "TEA", owner_type="CAMPAIGNS", owner_id="abc7"),
        Reward(40, "For 1 point", "TEA", points=1),
        Reward(
            41,
            "Vendor's voucher",
            "TEA",
            "vendor",
            points=1,
            vendor=Vendor("test002", 38, 2386, "Vouchers of test002"),
            redemption_type="MILES",
            custom_fields={"CF1": "one", "CF2": "two"},
            display=Display("Description EN", rich_content={"RC1": "<p>1</p>", "RC2": "<p>2</p>"}),
        ),
        Reward(
            42,
            "Coupon with revenue",
            "TEA",
            points=1,
            coupon_series_id="1135336",
            custom_fields={"0a17": "defaultValue"},
            revenue_details={"brandCommission": 1.0, "capillaryCommission": 0.0},
        ),
        Reward(
            43,
            "Physical reward",
            "TEA",
            "vendor",
            shows_voucher=False,
            redemption_type="PHYSICAL_REWARD",
            display=Display("Description", images=(IMAGE,), videos=(IMAGE,)),
        ),
    ),
    customers=(
        Profile(
            371, mobile="919800000371", email="e@example.test", external_id="E-371", points=9_999
        ),
        Profile(372, mobile="919800000372", points=0),
    ),
    groups=(Group(124, 372, frozenset({372}), points=500),),
    points_vendor=Vendor("Points001", 47),
)

CUSTOMER = {"mobile": "919800000371", "brand": "TEA"}
NUMBERED = CUSTOMER | {"transactionNumber": "23444"}
SUCCESS = {"success": True, "code": 200, "message": "Reward issued successfully"}
