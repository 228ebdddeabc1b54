"""What all tables share: the metadata and the types of columns."""

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData, text

from ledger.store.dialects.dialect import NAMES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows only in a column of exactly this type.
Id = BigInteger().with_variant(Integer, "sqlite")
Ms = BigInteger


def where(condition: str) -> dict[str, Any]:
    """Return the options of a partial index."""
    return {f"{name}_where": text(condition) for name in NAMES}
