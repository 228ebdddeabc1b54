"""The page of the ledger's tables names every table and every column."""

import re

import pytest

from issuance.details.short_names import SHORT_NAMES
from ledger.store.schema import metadata
from tests.unit.project.markdown import ROOT

_PAGE = ROOT / "docs" / "reference" / "ledger-tables.md"


def _sections() -> dict[str, str]:
    """Table → the text of its section."""
    parts = re.split(r"^## (.+)\n", _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        name: text
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
        for name in heading.split(", ")
    }


def test_every_table_has_a_section():
    assert _sections().keys() == metadata.tables.keys()


@pytest.mark.parametrize("table", metadata.tables)
def test_every_column_is_in_its_tables_section(table: str):
    described = set(re.findall(r"`(\w+)`", _sections()[table]))
    assert {column.name for column in metadata.tables[table].columns} - described == set()


def test_every_short_name_of_details_is_described():
    described = re.findall(r"^\| `(.+)` \| `(.+)` \|$", _sections()["lines"], flags=re.MULTILINE)
    assert {name: short for short, name in described} == dict(SHORT_NAMES)
