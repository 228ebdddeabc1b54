"""The plan of very many lines is read in the background, and shown once it is there."""

import threading
from dataclasses import dataclass

from issuance.states import CampaignState
from operations.plan import PlanVersion
from tests.contract.ledger.build import make_job
from web.plans import Plans

_MANY = 2_001
_WAIT = 20


@dataclass
class Slow:
    """A reading that ends when it is let go."""

    value: str
    may_end: threading.Event

    def read(self):
        assert self.may_end.wait(_WAIT)
        return self.value


def _version(content, lines=1_000_000):
    return PlanVersion(lines, CampaignState.DRAFT, content)


def _until_read(read):
    while (moment := read()) is None:
        pass
    return moment.value


def test_a_large_plan_does_not_hold_up_its_page():
    plans, slow = Plans(), Slow("plan", threading.Event())
    assert plans.read(_version("a"), slow.read) is None
    slow.may_end.set()
    assert _until_read(lambda: plans.read(_version("a"), slow.read)) == "plan"


def test_a_plan_that_was_changed_is_not_shown():
    plans, slow = Plans(), Slow("new", threading.Event())
    assert _until_read(lambda: plans.read(_version("a"), lambda: "old")) == "old"
    assert plans.read(_version("b"), slow.read) is None
    slow.may_end.set()
    assert _until_read(lambda: plans.read(_version("b"), slow.read)) == "new"


def test_a_small_plan_is_of_this_moment():
    plans = Plans()
    assert plans.read(_version("a", 2_000), lambda: "first").value == "first"
    assert plans.read(_version("a", 2_000), lambda: "second").value == "second"


def test_a_page_says_that_the_plan_is_read_and_is_loaded_again_with_it(console):
    console.desk.accept(*(make_job(number) for number in range(10, _MANY + 10)))
    client = console.browser("viewer")
    path = "/campaigns/diwali/plan"
    while "are being read" in (page := client.get(path).text):
        assert 'id="live"' in page
    assert "What it would issue" in page
    assert 'id="live"' not in page
    assert client.get(f"{path}?part=live").headers["hx-refresh"] == "true"
