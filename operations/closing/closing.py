"""Closing for operators: compares a campaign with the API, closes it, and shows its statement."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from ledger.campaigns import find_in
from ledger.closing.closing import Closing, close_campaign, read_closing
from ledger.closing.readiness import closing_problem
from ledger.closing.statement import compared_facts
from ledger.closing.verification import Comparison, Mode, begin_comparison, finish_comparison
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.closing.comparing import compare_lines
from operations.services import Services


@dataclass(frozen=True, slots=True)
class Compared:
    """A finished comparison, and the closing that followed."""

    comparison: Comparison
    facts: dict[str, Any]
    """What the comparison showed, as in the statement; empty if nothing was compared."""
    closing: Closing | None
    """None: lines differ, and no note says why it is closed although they do."""


@needs(Right.VIEW)
def read_closing_problem(subject: Subject, ledger: Ledger, name: str) -> str:
    """Say why a campaign cannot be closed, and what to do; "" if it can be.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        return closing_problem(connection, find_in(connection, name))


@needs(Right.CLOSE)
def close(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    name: str,
    *,
    mode: Mode,
    note: str,
    progress: Callable[[Comparison], None] = lambda _: None,
) -> Compared:
    """Compare a campaign with the API's transactions, and close it.

    A comparison that was interrupted continues where it was, if the campaign has not changed.

    Args:
        subject: asks for it.
        services: of this process.
        ledger: the record.
        name: the campaign's name.
        mode: which lines are compared.
        note: why; it is in the statement. With differences, nothing is closed without a note.
        progress: called after each page of lines.

    Raises:
        CampaignError: there is no such campaign, or it cannot be closed.
        StaleComparisonError: it changed meanwhile, or another process compares it.
        ApiAwayError: the API gave no readable answer for some time.
    """
    operator = subject.acting(note)
    comparison = begin_comparison(ledger, name, mode, operator)
    if mode is not Mode.NONE:
        progress(comparison)
        comparison = asyncio.run(compare_lines(services, ledger, comparison, progress))
    comparison = finish_comparison(ledger, comparison, operator)
    facts: dict[str, Any] = {}
    if mode is not Mode.NONE:
        with ledger.read() as connection:
            facts = compared_facts(connection, comparison)
    if comparison.differing and not note.strip():
        return Compared(comparison, facts, None)
    return Compared(comparison, facts, close_campaign(ledger, comparison, operator))


@dataclass(frozen=True, slots=True)
class Statement:
    """A closed campaign's statement."""

    content: bytes
    """Canonical JSON: these bytes have the digest."""
    sha256: str
    has_changed: bool
    """Whether the campaign's counts are not those of the statement any more."""

    @property
    def data(self) -> dict[str, Any]:
        """The content."""
        found: dict[str, Any] = from_json(self.content)
        return found


@needs(Right.VIEW)
def statement(subject: Subject, ledger: Ledger, name: str) -> Statement:
    """Read a closed campaign's statement.

    Raises:
        CampaignError: there is no such campaign, or it is not closed.
    """
    closing, changed = read_closing(ledger, name)
    return Statement(closing.statement, closing.sha256, changed)
