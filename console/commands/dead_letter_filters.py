"""Chooses dead letters by id or by filters, and asks before a command changes several."""

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from issuance.outcome import Reason
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.store.database import Ledger
from operations import dead_letters
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import counted

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="The ids; or give filters.")]
CampaignFilter = Annotated[
    str | None, typer.Option("--campaign", help="Only letters of this campaign.")
]
ReasonFilter = Annotated[
    Reason | None,
    typer.Option(
        "--reason", metavar="REASON", help=f"Only letters with this reason: {', '.join(Reason)}."
    ),
]
CodeFilter = Annotated[int | None, typer.Option("--code", help="Only letters with this API code.")]
Note = Annotated[str, typer.Option("--note", help="Why; recorded with your name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a letter must have; None allows anything."""

    campaign: str | None
    reason: Reason | None
    code: int | None

    def given(self) -> bool:
        """Whether any filter was given."""
        return (self.campaign, self.reason, self.code) != (None, None, None)


def choose(
    subject: Subject, ledger: Ledger, ids: list[int] | None, filters: Filters
) -> DeadLetterFilter:
    """Build the filter from ids or from options.

    Raises:
        UsageError: neither ids nor filters are given, or both.
        CampaignError: there is no such campaign.
    """
    if bool(ids) == filters.given():
        raise UsageError(
            "Give the letters' ids, or filters (--campaign, --reason, --code), and not both"
        )
    if ids:
        return DeadLetterFilter(ids=tuple(dict.fromkeys(ids)))
    chosen = DeadLetterFilter(campaign=filters.campaign, reason=filters.reason, code=filters.code)
    return dead_letters.resolve(subject, ledger, chosen)


def confirm(
    subject: Subject, ledger: Ledger, chosen: DeadLetterFilter, verb: str, *, yes: bool
) -> None:
    """Ask before a command changes more than one letter; without a terminal, do not ask.

    Raises:
        UsageError: no letter fits.
        typer.Abort: the answer was no.
    """
    count = len(chosen.ids) or dead_letters.count_letters(subject, ledger, chosen)
    if not count:
        raise UsageError("No open dead letter fits: `issuance dead-letters list` shows them")
    if yes or len(chosen.ids) == 1 or not sys.stdin.isatty():
        return
    typer.confirm(f"{verb.capitalize()} {counted(count, 'dead letter')}?", abort=True, err=True)
