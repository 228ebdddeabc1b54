"""The scope of a call: its text, its headers, and the reads that cover it."""

import pytest

from issuance.data_scope import ScopeKind, read_scopes, scope_headers, scope_of


def test_a_scope_names_each_organisation_of_the_call_once():
    assert scope_of(ScopeKind.OTHER, [30, 4, 30]) == "OTHER:4,30"
    assert scope_of(ScopeKind.SELF, [30]) == "SELF"


@pytest.mark.parametrize(
    ("scope", "headers"),
    [
        ("SELF", {"DATA-SCOPE": "SELF"}),
        ("OTHER:4", {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4"}),
        ("OTHER:4,30", {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4,30"}),
    ],
)
def test_a_scope_becomes_headers(scope, headers):
    assert scope_headers(scope) == headers


@pytest.mark.parametrize(
    ("scope", "reads"),
    [
        (None, (None,)),
        ("SELF", ("SELF",)),
        ("OTHER:1,2", ("OTHER:1,2",)),
        ("OTHER:1,2,3", ("OTHER:1,2", "OTHER:3")),
        ("OTHER:1,2,3,4,5", ("OTHER:1,2", "OTHER:3,4", "OTHER:5")),
    ],
)
def test_a_read_takes_at_most_two_organisations(scope, reads):
    assert read_scopes(scope) == reads
