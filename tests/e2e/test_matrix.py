"""Blasts with failing calls are settled correctly under every reading of the rewards API.

A round is one reading with a concurrent blast through each endpoint. `ISSUANCE_TEST_MATRIX=full`
runs all 36 readings, 108 blasts; the default is a selection that combines every pair of values of
two switches.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations

import pytest

from broker.celery_app import create_app
from broker.wake_up import WakeUp
from config.endpoints import Servers
from config.settings import Settings
from issuance.endpoint import Variant
from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.intake.acceptance import accept
from tests.e2e.conftest import StartSystem
from tests.e2e.matrix_books import Books, has_transaction
from tests.e2e.matrix_rounds import (
    ATTEMPTS_MOST,
    COVERING_READINGS,
    EVERY_READING,
    ORG,
    VALUES,
    Reading,
    campaign_of,
    orders,
)
from tests.e2e.processes import await_that
from tests.e2e.system import System
from tests.redriving import redrive

_IS_FULL = os.environ.get("ISSUANCE_TEST_MATRIX") == "full"
_READINGS = EVERY_READING if _IS_FULL else COVERING_READINGS
_OPERATOR = Operator("asha", "the faults are over")
_SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": "1",
    "ISSUANCE_API_DATA_SCOPE": "OTHER",
    "ISSUANCE_API_DATA_SCOPE_ORG": str(ORG),
    "ISSUANCE_API_RATE_ADAPTS": "false",  # most calls fail here
    "ISSUANCE_RETRY_MAX_ATTEMPTS": str(ATTEMPTS_MOST),
    "ISSUANCE_RETRY_BASE_SECONDS": "0.1",
    "ISSUANCE_RETRY_CAP_SECONDS": "0.5",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.3,0.4",
}


@dataclass
class Round:
    """A reading's blasts: the results, and those after a resend of the letters without faults."""

    reading: Reading
    blasted: dict[Variant, Books] = field(default_factory=dict)
    resent: dict[Variant, Books] = field(default_factory=dict)


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    with start_system("--simulator", "--no-flower", "--no-web", **_SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def wake_up(system: System) -> WakeUp:
    settings = Settings(home=system.home)
    return WakeUp(create_app(settings, Servers.of(settings)), system.redis)


@pytest.fixture(scope="module", params=_READINGS, ids=lambda reading: reading.id)
def made(request: pytest.FixtureRequest, system: System, wake_up: WakeUp) -> Round:
    """Blast through each endpoint, wait, remove the faults, resend, and wait again."""
    reading: Reading = request.param
    made = Round(reading)
    system.simulator.post("/_reset").raise_for_status()
    system.simulator.post("/_switches", json=reading.switches).raise_for_status()
    for variant in Variant:
        _blast(system, reading, variant)
    made.blasted = _books(system, wake_up, reading)
    system.simulator.delete("/_faults").raise_for_status()
    system.simulator.post("/_rewards/1006", json={"customer_limit": None}).raise_for_status()
    for variant in Variant:
        redrive(
            system.ledger,
            DeadLetterFilter(campaign=campaign_of(reading, variant)),
            Verb.RESEND,
            _OPERATOR,
        )
    made.resent = _books(system, wake_up, reading)
    return made


def _blast(system: System, reading: Reading, variant: Variant) -> None:
    area = EVERY_READING.index(reading) * len(Variant) + list(Variant).index(variant)
    planned = list(orders(reading, variant, area))
    system.plan_faults(
        {"customers": {order.mobile: order.faults for order in planned if order.faults}}
    )
    accept(
        system.ledger,
        ensure_campaign(system.ledger, campaign_of(reading, variant)),
        [o.job for o in planned],
    )


def _is_settled(system: System, wake_up: WakeUp, campaign: str) -> bool:
    """Wake the release now instead of at beat's next second: a job has many short waits."""
    wake_up.request()
    return not system.balance(campaign).unsettled


def _books(system: System, wake_up: WakeUp, reading: Reading) -> dict[Variant, Books]:
    campaigns = {variant: campaign_of(reading, variant) for variant in Variant}
    for campaign in campaigns.values():
        await_that(
            f"{campaign} is settled", lambda name=campaign: _is_settled(system, wake_up, name), 60
        )
    truth, lines = (
        system.truth(),
        {variant: system.lines(campaign) for variant, campaign in campaigns.items()},
    )
    with system.switched(untidiness=0):
        readable = frozenset(
            line.request_id
            for line in chain(*lines.values())
            if line.state is State.IN_DOUBT and has_transaction(system.simulator, line)
        )
    are_ids_spoilt = reading.switches["toplevel_anomaly"] == "transaction_shared"
    return {variant: Books(lines[variant], truth, are_ids_spoilt, readable) for variant in Variant}


every_variant = pytest.mark.parametrize("variant", Variant)


@every_variant
def test_nothing_is_issued_or_charged_twice(made: Round, variant: Variant):
    assert made.blasted[variant].double() == []


@every_variant
def test_every_issued_unit_and_voucher_is_in_the_ledger(made: Round, variant: Variant):
    assert made.blasted[variant].unknown() == []


@every_variant
def test_every_line_is_in_its_true_state(made: Round, variant: Variant):
    assert made.blasted[variant].untrue() == []


@every_variant
def test_resent_letters_leave_the_ledger_correct(made: Round, variant: Variant):
    books = made.resent[variant]
    assert (books.double(), books.unknown(), books.untrue()) == ([], [], [])


@every_variant
def test_no_line_stays_partial_after_its_cause_is_fixed(made: Round, variant: Variant):
    assert [line for line in made.resent[variant].lines if line.state is State.PARTIAL] == []


def test_the_selection_combines_every_pair_of_switch_values():
    for one, other in combinations(VALUES, 2):
        met = {(getattr(reading, one), getattr(reading, other)) for reading in COVERING_READINGS}
        assert len(met) == len(VALUES[one]) * len(VALUES[other])
