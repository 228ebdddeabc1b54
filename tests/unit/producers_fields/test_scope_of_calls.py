"""The data scope of each call is that of its own organisations."""

from dataclasses import replace

import pytest

from config.accounts import Account
from config.settings import Settings
from issuance.customer import Customer
from issuance.data_scope import ScopeKind
from issuance.endpoint import Variant
from issuance.job import Lane
from producers.fields.line import NO_CALL_FIELDS, CallFields, Reward
from producers.freezing import Freezer

ACCOUNT = replace(
    Account.of_settings(Settings(_env_file=None)),
    variant=Variant.CONNECTED,
    data_scope=ScopeKind.OTHER,
    own_org="500",
)


def scope_of(account, *org_ids, call=NO_CALL_FIELDS, **options):
    freezer = Freezer.of(account, max_lines=10, max_quantity=None, **options)
    lines = tuple(
        freezer.line(f"request-{place}", Reward(1001, org_id=org_id))
        for place, org_id in enumerate(org_ids)
    )
    return freezer.freeze(
        Customer("mobile", "919800000001"), lines, lane=Lane.BLAST, call=call
    ).scope


def test_a_campaign_reaches_any_number_of_organisations_call_by_call():
    scopes = [scope_of(ACCOUNT, org_id) for org_id in range(4001, 4021)]
    assert scopes == [f"OTHER:{org_id}" for org_id in range(4001, 4021)]


def test_a_call_for_several_organisations_names_each_once():
    assert scope_of(ACCOUNT, 30, 4, 30) == "OTHER:4,30"


def test_a_row_without_an_organisation_is_for_the_accounts_own():
    assert scope_of(ACCOUNT, None) == "OTHER:500"


def test_the_row_goes_before_the_campaign_and_the_campaign_before_the_account():
    assert scope_of(ACCOUNT, 4001, data_scope=ScopeKind.SELF) == "SELF"
    own = CallFields(data_scope="OTHER")
    assert scope_of(ACCOUNT, 4001, call=own, data_scope=ScopeKind.SELF) == "OTHER:4001"


def test_an_endpoint_without_scopes_stores_none_and_refuses_one():
    bulk = replace(ACCOUNT, name="north", variant=Variant.BULK)
    assert scope_of(bulk, None) is None
    with pytest.raises(ValueError, match="bulk endpoint of account north has no data scopes"):
        Freezer.of(bulk, max_lines=1, max_quantity=None, data_scope=ScopeKind.SELF)
