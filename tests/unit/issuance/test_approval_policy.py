"""The ceilings above which a second person must approve."""

import pytest

from issuance.approval_policy import NO_POLICY, ApprovalPolicy


def test_without_a_ceiling_nothing_is_above_it():
    assert not NO_POLICY.is_set
    assert NO_POLICY.excess(10**9, None) == ""


@pytest.mark.parametrize(("units", "above"), [(0, False), (10, False), (11, True)])
def test_units_up_to_the_ceiling_need_one_person(units, above):
    policy = ApprovalPolicy(units=10)
    assert policy.is_set
    assert bool(policy.excess(units, None)) is above


@pytest.mark.parametrize(("points", "above"), [(0, False), (2_500, False), (2_501, True)])
def test_points_up_to_the_ceiling_need_one_person(points, above):
    assert bool(ApprovalPolicy(points=2_500).excess(10**9, points)) is above


def test_unknown_points_are_above_any_ceiling_of_points():
    found = ApprovalPolicy(points=10**12).excess(1, None)
    assert found == "the expected points are not known, and ISSUANCE_APPROVAL_POINTS=1000000000"


def test_both_reasons_are_named():
    found = ApprovalPolicy(units=0, points=0).excess(1, 1_500)
    assert found == (
        "1 units are more than ISSUANCE_APPROVAL_UNITS=0 and "
        "1.5 points are more than ISSUANCE_APPROVAL_POINTS=0"
    )
