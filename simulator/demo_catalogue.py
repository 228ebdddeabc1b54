"""The built-in catalogue: one brand, with a reward for every rule that can refuse or limit it."""

from dataclasses import replace

from simulator.catalogue import Catalogue, Group, OAuthClient, Profile, Till
from simulator.demo_rewards import FIRST_CHILD, REWARDS, SECOND_CHILD, rewards_of
from simulator.reward import Vendor

ORG = 4000
CHILDREN = (FIRST_CHILD, SECOND_CHILD)
CUSTOM_FIELDS = frozenset({"size", "colour", "shop", "tier", "age"})
FULFILLMENT_STATUSES = frozenset({"BOOKED", "SHIPPED", "ON THE WAY", "DELIVERED"})

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
    """A second brand with callers, organisations and a group of its own."""
    brand, children = name.upper(), (org_id + 1, org_id + 2)
    members = (first_reward + 7, first_reward + 8)
    return Catalogue(
        name=name,
        org_id=org_id,
        children=children,
        brands=(brand,),
        tills=(Till(f"{name}.till", name, org_id),),
        clients=(OAuthClient(f"{name}-key", f"{name}-secret", org_id),),
        rewards=rewards_of(first_reward, brand, children),
        # Without points of their own: only their group can pay for them.
        customers=tuple(Profile(member, mobile=f"91970000{member}") for member in members),
        groups=(
            Group(
                org_id + 9, members[0], frozenset(members), f"FAM-{name.upper()}", points=1_000_000
            ),
        ),
        custom_fields=CUSTOM_FIELDS,
        fulfillment_statuses=FULFILLMENT_STATUSES,
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
    custom_fields=CUSTOM_FIELDS,
    fulfillment_statuses=FULFILLMENT_STATUSES,
    points_vendor=Vendor("Points bank", 47),
    magic_customers=True,
    more_accounts=(_other_account("shop", 5000, 2001), _other_account("air", 6000, 3001)),
)

# For load tests and tests whose generated identifiers may end like a magic customer's.
DEMO_WITHOUT_MAGIC = replace(DEMO, magic_customers=False)
