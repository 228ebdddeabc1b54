"""The table of issue endpoints is complete, and nothing else distinguishes them."""

import re
from pathlib import Path

import pytest

from issuance.endpoint import ENDPOINTS, OWN_READS, SCOPED_READS, Variant

ROOT = Path(__file__).parents[3]
PACKAGES = "broker config console issuance ledger limiter operations producers rewards_api worker"


@pytest.mark.parametrize("variant", Variant)
def test_every_variant_has_an_entry(variant):
    assert variant.endpoint is ENDPOINTS[variant]


@pytest.mark.parametrize(
    ("variant", "entry"),
    [
        (Variant.SINGLE, ("/v1/user/reward/{reward_id}/issue", 1, 1, "emailId", False, OWN_READS)),
        (Variant.BULK, ("/v1/user/rewards/issue", None, None, "email", False, OWN_READS)),
        (Variant.CONNECTED, ("/v1.1/user/rewards/issue", None, None, "email", True, SCOPED_READS)),
    ],
)
def test_an_entry_agrees_with_the_documentation(variant, entry):
    known = variant.endpoint
    assert entry == (
        known.path,
        known.max_lines,
        known.max_units,
        known.email_key,
        known.needs_org,
        known.reads,
    )


@pytest.mark.parametrize(
    ("variant", "units"), [(Variant.SINGLE, 1), (Variant.BULK, 3), (Variant.CONNECTED, 3)]
)
def test_an_endpoint_issues_no_more_units_than_it_accepts(variant, units):
    assert variant.endpoint.units(3) == units


def test_only_the_table_distinguishes_endpoints():
    found = {
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for package in PACKAGES.split()
        for file in (ROOT / package).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bVariant\.[A-Z]", line)
    }
    assert {line for line in found if not line.startswith("issuance/endpoint.py")} == set()


def test_only_the_single_endpoint_names_the_reward_in_its_path():
    assert [variant for variant in Variant if variant.endpoint.reward_in_path] == [Variant.SINGLE]
