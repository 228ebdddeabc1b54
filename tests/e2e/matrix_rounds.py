"""The readings of the rewards API in the matrix, and the failing orders of each."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count, product
from random import Random
from typing import Any

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line
from issuance.request_id import CampaignIds
from producers.freezing import Freezer
from simulator.demo_catalogue import CHILDREN

ORG = CHILDREN[0]
ATTEMPTS_MOST = 4
ANOMALIES = (
    "off",
    "issued_as_partial",
    "partial_as_issued",
    "quantity_overstated",
    "transaction_shared",
)

Faults = list[str | dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """One interpretation of the API's documents: the simulator's switches for one round."""

    http_mode: str
    completed_replay: str
    failed_replay: str
    replay_quantity: str

    @property
    def id(self) -> str:
        return "-".join(asdict(self).values())

    @property
    def meets_429(self) -> bool:
        """True in two rounds only: a 429 costs seconds, and `test_rate.py` tests it."""
        return self.id.startswith("openapi_400-duplicate_400-reprocess")

    @property
    def switches(self) -> dict[str, object]:
        """All switches: the four, and the others drawn from a fixed seed."""
        rng = Random(self.id)
        return asdict(self) | {
            "toplevel_anomaly": rng.choice(ANOMALIES),
            "reversed_voucher": rng.choice(("hidden", "shown")),
            "read_lag_seconds": rng.choice((0, 0.4)),
            "untidiness": rng.choice((0, 0.1)),
            "untidiness_seed": rng.randrange(100),
            "hold_seconds": 0.1,
        }


VALUES = {
    "http_mode": ("always_200", "openapi_400"),
    "completed_replay": ("original", "duplicate_400", "original_without_vouchers"),
    "failed_replay": ("duplicate_400", "stored_failure", "reprocess"),
    "replay_quantity": ("cumulative", "delta"),
}
EVERY_READING = [Reading(*values) for values in product(*VALUES.values())]
# A selection that combines every pair of values of two switches.
COVERING_READINGS = [
    Reading("always_200", "original", "duplicate_400", "cumulative"),
    Reading("always_200", "original", "stored_failure", "delta"),
    Reading("openapi_400", "original", "reprocess", "delta"),
    Reading("always_200", "duplicate_400", "duplicate_400", "cumulative"),
    Reading("openapi_400", "duplicate_400", "stored_failure", "cumulative"),
    Reading("always_200", "duplicate_400", "reprocess", "delta"),
    Reading("openapi_400", "original_without_vouchers", "duplicate_400", "delta"),
    Reading("always_200", "original_without_vouchers", "stored_failure", "cumulative"),
    Reading("always_200", "original_without_vouchers", "reprocess", "cumulative"),
]

PRICES = {1002: 10, 1009: 286, 1017: 10}
"""Points per unit; the other rewards are free (docs/reference/simulator.md)."""
_SINGLES = (
    *(
        Line("", reward, 1)
        for reward in (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1010, 1013, 1017)
    ),
    Line("", 1009, 1, fields={"paymentConfig": {"id": 91, "redemptionValue": 100.0}}),
)
_BASKETS: tuple[tuple[Line, ...], ...] = (
    *((line,) for line in _SINGLES),
    (Line("", 1001, 3),),
    (Line("", 1006, 2),),  # limited to one per customer: partial
    (Line("", 1006, 3), Line("", 1001, 2)),
    (Line("", 1002, 1), Line("", 1005, 1)),
    (Line("", 1003, 2), Line("", 1004, 2), Line("", 1017, 2)),
    (Line("", 1005, 1), Line("", 1007, 1)),
    (Line("", 1010, 1), Line("", 1001, 1)),
)
_PLAIN = 30  # enough successful calls to keep the account available
_LOSSES = (
    "timeout_after_commit",  # the API closes the connection before our timeout
    "reset_after_commit",
    "504_html_after_commit",
    "truncated_json_after_commit",
    "empty_200_after_commit",
)
_NEVER_PROCESSED = (
    "reset_before",
    "502_html",
    "503",
    "empty_200",
    "521",
    {"kind": "code", "code": 10004},
)
_SINGLE_FAULTS: tuple[str | dict[str, Any], ...] = (
    {"kind": "timeout_after_commit", "hold_seconds": 60},
    {"kind": "outcome", "code": 8010, "units": 1},
    {"kind": "outcome", "code": 1010},
    {"kind": "outcome", "code": 12005},
    {"kind": "outcome", "code": 8003, "message": "fail to issue reward as voucher is not present"},
    {"kind": "outcome", "code": 8004},
    {"kind": "code", "code": 77001, "message": "An undocumented problem"},
    {"kind": "code", "code": 10003},
    {"kind": "code", "code": 3004},
    {"kind": "code", "code": 8004, "message": "issue failed"},
    {"kind": "code", "code": 400, "message": "Duplicate requestId"},
)
_TOO_MANY = {"kind": "429", "retry_after_seconds": 0}


def _mishaps(rng: Random) -> list[Faults]:
    """The faults of one job's calls: none, one lost reply, or for some jobs two failed calls."""
    loss, other, outage = rng.choice(_LOSSES), rng.choice(_LOSSES), rng.choice(_NEVER_PROCESSED)
    return [
        [],
        [loss],
        *rng.choice([[], [], [rng.choice([[loss, other], [loss, outage], [outage, loss]])]]),
    ]


def _exhausting(rng: Random) -> list[Faults]:
    """Faults that use up every attempt; few, or they would suspend the account."""
    loss, outage = rng.choice(_LOSSES), rng.choice(_NEVER_PROCESSED)
    return [
        [loss] * ATTEMPTS_MOST,
        [outage] * ATTEMPTS_MOST,
        [loss, *[outage] * (ATTEMPTS_MOST - 1)],
    ]


@dataclass(frozen=True)
class Order:
    """A job, and the faults of its calls in order."""

    job: Job
    faults: Faults

    @property
    def mobile(self) -> str:
        return self.job.customer.value


def campaign_of(reading: Reading, variant: Variant) -> str:
    return f"{reading.id}-{variant}"


def orders(reading: Reading, variant: Variant, area: int) -> Iterator[Order]:
    """Draw the orders of a blast: every basket with every kind of fault, from a fixed seed.

    Args:
        reading: of the round.
        variant: the endpoint.
        area: distinguishes the customers of this blast from those of others.
    """
    campaign = campaign_of(reading, variant)
    rng, numbers = Random(campaign), count(1)
    freezer = Freezer(variant, "DEMO", "email", ORG, max_lines=10)
    baskets = tuple((line,) for line in _SINGLES) if variant.endpoint.max_lines == 1 else _BASKETS
    mishaps = [(basket, faults) for basket in baskets for faults in _mishaps(rng)]
    mishaps += [(rng.choice(baskets), [fault]) for fault in _SINGLE_FAULTS]
    mishaps += [(rng.choice(baskets), faults) for faults in _exhausting(rng)]
    mishaps += [(baskets[0], []) for _ in range(_PLAIN)]
    rng.shuffle(mishaps)
    if variant is Variant.BULK and reading.meets_429:
        # First, when most calls are open: it suspends the account for all three blasts.
        mishaps.insert(0, (baskets[0], [_TOO_MANY]))
    for basket, faults in mishaps:
        customer = Customer("mobile", f"9196{area:04d}{next(numbers):04d}")
        lines = tuple(
            replace(
                line,
                request_id=CampaignIds(campaign).derive(customer, line.reward_id),
                org_id=ORG if variant.endpoint.needs_org else None,
            )
            for line in basket
        )
        yield Order(freezer.freeze(customer, lines, lane=Lane.BLAST), faults)
