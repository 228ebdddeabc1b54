"""Four eyes: roles say who may approve, and the ledger that it is another person."""

import pytest

from config.endpoints import Servers
from config.settings import Settings
from issuance.campaign_settings import GivenSettings
from issuance.states import CampaignState
from ledger.audit_log import Operator
from ledger.campaign_changes import ApprovalError
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.store.database import Ledger
from operations.access.roles import Role
from operations.access.subject import Grant, NotAllowedError, Subject
from operations.campaign_life import approve, reject, set_settings, submit
from operations.plan import read_plan
from operations.services import Services
from tests.contract.ledger.build import Desk, make_jobs


def person(name, *roles):
    return Subject(Operator(name), Grant(frozenset(roles), "SOURCE", "REMEDY"))


ANN = person("ann", Role.ISSUER)
BOB = person("bob", Role.APPROVER)
ROOT = person("root", Role.ADMIN)


@pytest.fixture
def place(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    services = Services(Settings(home=tmp_path, approval_units=1), Servers(url, "", "", "", 0))
    with Ledger(url) as ledger:
        ledger.migrate()
        Desk(ledger, ensure_campaign(ledger, "spring", is_draft=True)).accept(
            *make_jobs(2, campaign="spring")
        )
        yield services, ledger
    services.close()


def digest(place):
    return read_plan(BOB, *place, "spring").contents.digest


def state(place):
    return find_campaign(place[1], "spring").state


def test_an_issuer_submits_and_an_approver_approves(place):
    with pytest.raises(NotAllowedError):
        submit(BOB, *place, "spring")
    submit(ANN, *place, "spring")
    with pytest.raises(NotAllowedError):
        approve(ANN, *place, "spring", digest(place))
    approve(BOB, *place, "spring", digest(place))
    assert state(place) is CampaignState.SCHEDULED


def test_no_role_lets_a_person_approve_what_they_submitted(place):
    submit(ROOT, *place, "spring")
    with pytest.raises(ApprovalError, match="another person must approve it"):
        approve(ROOT, *place, "spring", digest(place))
    approve(BOB, *place, "spring", digest(place))
    assert state(place) is CampaignState.SCHEDULED


def test_only_an_approver_rejects_and_only_an_issuer_changes(place):
    submit(ANN, *place, "spring")
    with pytest.raises(NotAllowedError):
        reject(ANN, place[1], "spring", note="no")
    with pytest.raises(NotAllowedError):
        set_settings(BOB, *place, "spring", GivenSettings(rate=60))
    reject(BOB, place[1], "spring", note="too early")
    assert state(place) is CampaignState.DRAFT


def test_the_weight_of_a_draft_is_the_issuers_to_change(place):
    set_settings(ANN, *place, "spring", GivenSettings(weight=3))
    assert find_campaign(place[1], "spring").weight == 3
