"""Differences planted into what the reads show, for tests of those who compare with them."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pydantic import ConfigDict, NonNegativeInt, TypeAdapter

from simulator.account import Account


@dataclass(frozen=True, slots=True)
class Plant:
    """What the reads show differently from what was issued, which the truth still has."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    hidden: bool | None = None
    """Whether no read shows it."""
    units: NonNegativeInt | None = None
    """The number of units that reads show of it."""
    copies: NonNegativeInt = 0
    """How many more transactions the reads show with the same reference."""


def plant(account: Account, transaction_id: int, raw: dict[str, Any]) -> None:
    """Change what the reads show; raises KeyError if the account has no such transaction."""
    wanted = TypeAdapter(Plant).validate_python(raw)
    found = account.journal.find(transaction_id)
    if found is None:
        raise KeyError(transaction_id)
    if wanted.hidden is not None:
        found.hidden = wanted.hidden
    if wanted.units is not None:
        found.shown_units = wanted.units
    for _ in range(wanted.copies):
        number = account.records.numbering.transaction_id()
        account.journal.add(replace(found, transaction_id=number, units=list(found.units)))
