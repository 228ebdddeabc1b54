"""A blast with every fault that the simulator has for a customer."""

import pytest

from issuance.states import State
from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from tests.e2e.system import System, plain_rows

pytestmark = pytest.mark.smoke

_CAMPAIGN = "spring"
_PLAIN = 377
# Ending of the mobile → final state and code of its line (docs/reference/simulator.md).
_ENDINGS = {
    **{f"90{number:02d}": (State.ISSUED, 200) for number in range(1, 12)},
    "9101": (State.PARTIAL, 8010),
    "9102": (State.FAILED, 8003),
    "9103": (State.FAILED, 8004),
    "9104": (State.FAILED, 12005),
    "9105": (State.FAILED, 12034),
    "9106": (State.FAILED, 12050),
    "9107": (State.FAILED, 3004),
    "9108": (State.FAILED, 77001),
    # Reconciled: the API's transactions show that only the first was issued.
    "9109": (State.ISSUED, 200),
    "9110": (State.FAILED, 8003),
    "9111": (State.FAILED, 1010),
}
_SILENT = "919770010500"
"""The gateway drops every call for this customer, so its outcome stays unknown."""


def _rows() -> list[dict[str, object]]:
    magic = [
        {"mobile": f"91977001{ending}", "rewardId": 1001, "quantity": 2 if ending == "9101" else 1}
        for ending in _ENDINGS
    ]
    magic.append({"mobile": _SILENT, "rewardId": 1001})
    rows = plain_rows(_PLAIN, area=1)
    # Spread over the file, so that every chunk has some of them.
    for place, row in enumerate(magic):
        rows.insert(place * 17, row)
    return rows


@pytest.fixture(scope="module")
def blasted(shared: System) -> System:
    shared.plan_faults({"customers": {_SILENT: ["502_html"] * 20}})
    shared.blast(_CAMPAIGN, _rows())
    shared.wait_settled(_CAMPAIGN, 45)
    return shared


def test_each_line_ends_in_the_state_of_its_magic_customer(blasted: System):
    found = {line.customer.value: (line.state, line.code) for line in blasted.lines(_CAMPAIGN)}
    assert {ending: found[f"91977001{ending}"] for ending in _ENDINGS} == _ENDINGS
    assert [found[row["mobile"]] for row in plain_rows(_PLAIN, area=1)] == [
        (State.ISSUED, 200)
    ] * _PLAIN


def test_only_a_line_that_cannot_be_verified_stays_in_doubt(blasted: System):
    in_doubt = [
        line.customer.value for line in blasted.lines(_CAMPAIGN) if line.state is State.IN_DOUBT
    ]
    assert in_doubt == [_SILENT]


def test_the_status_of_a_settled_blast_adds_up_and_counts_open_dead_letters(blasted: System):
    status = blasted.status(_CAMPAIGN)
    counts = {
        name: status[name]
        for name in ("accepted", "issued", "partial", "failed", "in_doubt", "waiting")
    }
    assert counts == {
        "accepted": 400,
        "issued": 389,
        "partial": 1,
        "failed": 9,
        "in_doubt": 1,
        "waiting": 0,
    }
    assert status["balanced"] is True
    assert status["openDeadLetters"] == 11


def test_every_line_that_is_not_issued_has_one_open_dead_letter(blasted: System):
    letters = list_dead_letters(blasted.ledger, DeadLetterFilter(campaign=_CAMPAIGN))
    not_issued = [
        line.job_id for line in blasted.lines(_CAMPAIGN) if line.state is not State.ISSUED
    ]
    assert sorted(letter.job_id for letter in letters) == sorted(not_issued)


def test_the_same_file_again_accepts_nothing_and_issues_nothing_more(blasted: System):
    calls = blasted.calls()
    again = blasted.command(
        "blast", str(blasted.home / f"{_CAMPAIGN}.csv"), "--campaign", _CAMPAIGN, "--wait"
    )
    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0,
        f"{_CAMPAIGN}: 0 accepted, 400 already known, 0 refused of 400 rows",
    )
    assert blasted.calls() == calls
    blasted.check_books(_CAMPAIGN)
