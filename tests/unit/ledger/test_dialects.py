"""The dialect seam: what differs between databases is in one module for each."""

import re
from pathlib import Path

import pytest

import ledger
from ledger.store.dialects.dialect import NAMES, dialect_named

_PRODUCT = ("broker", "console", "ledger", "operations", "producers", "worker")
_BRANCH = re.compile(
    r"dialect(\.name)? *(==|!=|in\b)|sqlalchemy\.dialects|get_backend_name\(\) *[!=]"
)


@pytest.mark.parametrize("name", NAMES)
def test_each_database_has_a_module_with_its_dialect(name):
    assert dialect_named(name).name == name


def test_no_other_module_branches_on_the_database():
    root = Path(ledger.__path__[0]).parent
    modules = [path for package in _PRODUCT for path in (root / package).rglob("*.py")]
    found = [
        str(path.relative_to(root))
        for path in modules
        if _BRANCH.search(path.read_text(encoding="utf-8"))
        and not {"dialects", "migrations"}.intersection(path.parts)
    ]
    assert found == []
