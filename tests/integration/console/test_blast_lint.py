"""`issuance blast`: how it shows warnings, expected points, repeats and groups."""

import json

import pytest

from issuance.states import State

SHORT = ["9800000001,1001", "9800000002,1001", "9800000003,1001", "9800000004,1001"]
GOOD = ["919800000001,1001", "919800000002,1001"]
REWARDS = [
    {"rewardId": 1009, "paymentConfigs": [{"id": 91, "mode": "CONV_RATIO", "ratio": 0.35}]},
    {"rewardId": 1016, "paymentConfigs": [{"id": 92, "mode": "CONV_RATIO", "ratio": 0.44}]},
]
MILES_HEADER = "mobile,rewardId,quantity,redemptionValue,points"


@pytest.fixture
def rewards(tmp_path):
    path = tmp_path / "rewards.json"
    path.write_text(json.dumps(REWARDS))
    return path


def test_warnings_are_counted_by_kind_and_the_rows_are_accepted(run, write_file, desk):
    result = run("blast", write_file(*GOOD, *SHORT), "--campaign", "spring")
    assert (result.exit_code, desk.counts()) == (0, {State.WAITING: 6})
    output = result.stderr.splitlines()
    start = next(place for place, line in enumerate(output) if "with warnings" in line)
    assert output[start] == "4 rows with warnings, accepted anyway (--strict refuses them):"
    assert output[start + 1] == "  mobile probably without country code: 4 rows (line 4, 5, 6, …)"
    assert "line 4: " in output[start + 2]
    assert "980000" not in result.stderr


def test_with_strict_rows_with_warnings_are_refused(run, write_file, desk, tmp_path):
    result = run("blast", write_file(*GOOD, *SHORT), "--campaign", "spring", "--strict")
    assert (result.exit_code, desk.counts()) == (3, {State.WAITING: 2})
    errors = (tmp_path / "spring.errors.csv").read_text().splitlines()
    assert errors[1].startswith("4,mobile,")
    assert len(errors) == 5


def test_a_country_code_finds_mobiles_that_lack_it(run, write_file, desk):
    result = run(
        "blast",
        write_file("9198765432,1001", *GOOD),
        "--campaign",
        "spring",
        "--country-code",
        "91",
    )
    assert "mobile without country code 91: 1 row (line 2)" in result.stderr
    assert desk.counts() == {State.WAITING: 3}


def test_an_invalid_country_code_accepts_nothing(run, write_file, desk):
    result = run("blast", write_file(*GOOD), "--campaign", "spring", "--country-code", "+91")
    assert (result.exit_code, desk.counts()) == (2, {})
    assert "for example 91" in result.stderr


def test_a_dry_run_shows_warnings_and_expected_points(run, write_file, desk, rewards, monkeypatch):
    monkeypatch.setenv("ISSUANCE_MAX_QUANTITY", "40")
    path = write_file(
        "919800000001,1016,,1000,",
        "919800000002,1016,,,",
        "919800000003,1009,40,,",
        "919800000004,1009,,,500",
        "919800000005,1009,,100,",
        "919800000006,1009,3,100,",
        "919800000007,1009,3,100,",
        header=MILES_HEADER,
    )
    result = run("blast", path, "--campaign", "spring", "--dry-run", "--rewards", rewards)
    assert (result.exit_code, desk.counts()) == (0, {})
    assert "1 row with warnings, good otherwise" in result.stderr
    assert (
        "quantity of a CONV_RATIO reward read as redemption value: 1 row (line 4)" in result.stderr
    )
    heading, columns, *table, total = result.stdout.splitlines()
    assert heading.startswith("Expected points")
    assert columns.split()[:4] == ["reward", "paymentConfigId", "quantity", "redemptionValue"]
    assert [line.split() for line in table] == [
        ["1016", "1", "1000", "2,273", "1", "2,273"],
        ["1016", "1", "1", "2", "1", "2"],
        ["1009", "40", "40", "114", "1", "114"],
        ["1009", "1", "175", "500", "1", "500"],
        ["1009", "1", "100", "286", "1", "286"],
        ["1009", "3", "100", "857", "2", "1,714"],
        ["all", "7", "4,889"],
    ]
    assert total == "spring: dry run, nothing accepted; 7 good, 0 refused of 7 rows"


def test_a_reward_missing_in_the_rewards_file_is_refused_with_and_without_dry_run(
    run, write_file, desk, rewards
):
    path = write_file("919800000001,1009", "919800000002,1001")
    result = run("blast", path, "--campaign", "spring", "--rewards", rewards)
    assert (result.exit_code, desk.counts()) == (3, {State.WAITING: 1})
    assert "line 3, rewardId: reward 1001 is not in the rewards file" in result.stderr


def test_an_unusable_rewards_file_accepts_nothing(run, write_file, desk, tmp_path):
    (tmp_path / "rewards.json").write_text('[{"rewardId": 1, "price": 5}]')
    result = run("blast", write_file(*GOOD), "--campaign", "spring", "--rewards", "rewards.json")
    assert (result.exit_code, desk.counts()) == (2, {})
    assert "0.price" in result.stderr


def test_a_dry_run_finds_repeats_and_names_the_first_line(run, write_file):
    path = write_file(*GOOD, GOOD[0])
    result = run("blast", path, "--campaign", "spring", "--dry-run")
    assert result.exit_code == 3
    assert "line 4: the same customer and reward as line 2" in result.stderr
    allowed = run("blast", path, "--campaign", "spring", "--dry-run", "--allow-repeats")
    assert (allowed.exit_code, "3 good, 0 refused" in allowed.stdout) == (0, True)


def test_allowed_repeats_are_accepted_once_each(run, write_file, desk):
    path = write_file(*GOOD, *GOOD)
    first = run("blast", path, "--campaign", "spring", "--allow-repeats")
    again = run("blast", path, "--campaign", "spring", "--allow-repeats")
    assert first.stdout == "spring: 4 accepted, 0 already known, 0 refused of 4 rows\n"
    assert again.stdout == "spring: 0 accepted, 4 already known, 0 refused of 4 rows\n"
    assert desk.counts() == {State.WAITING: 4}


def test_grouped_rows_are_counted_in_jobs(run, write_file, desk):
    path = write_file(*GOOD, "919800000001,1002")
    dry = run("blast", path, "--campaign", "spring", "--group-by-customer", "--dry-run")
    assert "3 good in 2 jobs" in dry.stdout
    result = run("blast", path, "--campaign", "spring", "--group-by-customer")
    assert result.stdout == "spring: 3 accepted in 2 jobs, 0 already known, 0 refused of 3 rows\n"
    assert desk.counts() == {State.WAITING: 3}


def test_grouping_at_the_single_endpoint_is_refused_and_creates_no_campaign(
    run, write_file, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_API_VARIANT", "single")
    result = run("blast", write_file(*GOOD), "--campaign", "autumn", "--group-by-customer")
    assert result.exit_code == 2
    assert "ISSUANCE_API_VARIANT=bulk" in result.stderr
    assert run("status", "autumn").exit_code == 2
