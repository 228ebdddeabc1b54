"""The rules of the lint, each with rows that break it and rows that do not."""

from dataclasses import replace

import pytest

from issuance.endpoint import Variant
from producers.lint import Lint
from producers.source import Doubt, Identifier
from tests.unit.producers_lint.build import CHOICE, COUPON, MILES, REWARDS, row


def found(lint: Lint, *arguments: object, **values: object) -> list[tuple[str, bool]]:
    return [
        (finding.field, finding.refuses)
        for finding in lint.inspect(row(*arguments, **values), Variant.BULK)
    ]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"quantity": 5},
        {"payment_config_id": 9, "redemption_value": 3},
        {"mobile": "6591234567890"},
    ],
)
def test_a_correct_row_has_no_finding(values):
    assert found(Lint(), **values) == []


def test_without_a_rewards_file_a_value_without_a_payment_config_is_a_warning():
    assert found(Lint(), redemption_value=100) == [("paymentConfigId", False)]
    assert found(Lint(), points=100) == [("paymentConfigId", False)]


def test_a_mobile_of_ten_digits_is_a_warning_because_it_may_lack_its_country_code():
    lint = Lint()
    assert found(lint, mobile="9800000001") == [("mobile", False)]
    assert found(lint, mobile="19800000001") == []
    [finding] = lint.inspect(row(mobile="9800000001"), Variant.BULK)
    assert "980000" not in finding.problem


@pytest.mark.parametrize(
    ("code", "mobile", "sound"),
    [
        ("91", "919800000001", True),
        ("91", "9800000001", False),
        ("91", "9198765432", False),  # an Indian mobile that begins like the code
        ("65", "6591234567", True),
        ("65", "91234567", False),
        ("354", "3546111234", True),
        ("354", "6111234", False),
    ],
)
def test_a_mobile_must_have_the_country_code_and_enough_digits_after_it(code, mobile, sound):
    assert (found(Lint(country_code=code), mobile=mobile) == []) is sound


@pytest.mark.parametrize("code", ["", "+91", "091", "9191", "in"])
def test_an_invalid_country_code_is_refused_with_an_example(code):
    with pytest.raises(ValueError, match="for example 91"):
        Lint(country_code=code)


@pytest.mark.parametrize(
    ("reward", "values", "expected"),
    [
        (COUPON, {"quantity": 3}, []),
        (9999, {}, [("rewardId", True)]),
        (CHOICE, {}, [("paymentConfigId", True)]),
        (CHOICE, {"redemption_value": 5}, [("paymentConfigId", True)]),
        (CHOICE, {"payment_config_id": 51}, []),
        (CHOICE, {"payment_config_id": 91}, [("paymentConfigId", True)]),
        (COUPON, {"payment_config_id": 51}, [("paymentConfigId", True)]),
        (MILES, {"quantity": 40}, [("quantity", False)]),
        (MILES, {"quantity": 40, "redemption_value": 5}, []),
        (MILES, {"quantity": 1}, []),
        (MILES, {"points": 500}, []),
        (COUPON, {"redemption_value": 5}, [("redemptionValue", False)]),
        (CHOICE, {"payment_config_id": 51, "points": 5}, [("points", False)]),
    ],
)
def test_each_row_is_checked_against_the_rewards_file(reward, values, expected):
    assert found(Lint(rewards=REWARDS), reward, **values) == expected


def test_refusals_come_before_warnings():
    findings = Lint(rewards=REWARDS).inspect(row(9999, mobile="9800000001"), Variant.BULK)
    assert [finding.refuses for finding in findings] == [True, False]


def test_in_strict_mode_every_finding_is_a_refusal():
    assert found(Lint(strict=True), mobile="9800000001") == [("mobile", True)]


def test_an_external_id_that_a_program_took_for_a_number_gets_a_warning():
    changed = replace(row(), identifier=Identifier("externalId", "10427.0"))
    [finding] = Lint().inspect(changed, Variant.BULK)
    assert (finding.kind, finding.refuses) == ("externalId ending in .0", False)
    assert "10427" not in finding.problem
    for other in ("10427", "v1.0", "10.0.0"):
        assert not Lint().inspect(
            replace(row(), identifier=Identifier("externalId", other)), Variant.BULK
        )


def test_a_doubt_of_the_reader_is_a_warning_that_strict_refuses():
    doubted = replace(row(), doubts=(Doubt("cut", "", "it may be cut", "check it"),))
    assert [each.refuses for each in Lint().inspect(doubted, Variant.BULK)] == [False]
    assert [each.refuses for each in Lint(strict=True).inspect(doubted, Variant.BULK)] == [True]
