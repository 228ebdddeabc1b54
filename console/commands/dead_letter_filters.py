"""Chooses dead letters by id or by filters, for the commands that list, plan and change them."""

from dataclasses import dataclass
from typing import Annotated

import typer

from issuance.outcome import Reason
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.store.database import Ledger
from operations import dead_letters
from operations.access.subject import Subject
from operations.errors import UsageError

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="The ids; or give filters.")]
CampaignFilter = Annotated[
    list[str] | None,
    typer.Option("--campaign", help="Only letters of this campaign; may be given again."),
]
ReasonFilter = Annotated[
    list[Reason] | None,
    typer.Option(
        "--reason",
        metavar="REASON",
        help=f"Only letters with this reason: {', '.join(Reason)}; may be given again.",
    ),
]
CodeFilter = Annotated[
    list[int] | None,
    typer.Option("--code", help="Only letters with this API code; may be given again."),
]
GroupFilter = Annotated[
    list[int] | None,
    typer.Option(
        "--group", help="Only letters of this group (`dead-letters groups`); may be given again."
    ),
]
FailedOf = Annotated[
    int | None,
    typer.Option("--failed-of", metavar="REDRIVE", help="Only the failures of this redrive."),
]
Note = Annotated[str, typer.Option("--note", help="Why; recorded with your name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a letter must have; of values that are given twice, one of them."""

    campaigns: list[str] | None = None
    reasons: list[Reason] | None = None
    codes: list[int] | None = None
    groups: list[int] | None = None
    failed_of: int | None = None

    def given(self) -> bool:
        """Whether any filter was given."""
        lists = (self.campaigns, self.reasons, self.codes, self.groups)
        return any(lists) or self.failed_of is not None

    def chosen(self) -> DeadLetterFilter:
        """Return the filter of open letters."""
        return DeadLetterFilter(
            campaign=tuple(self.campaigns or ()) or None,
            reason=tuple(self.reasons or ()) or None,
            code=tuple(self.codes or ()) or None,
            groups=tuple(self.groups or ()),
            failed_of=self.failed_of,
        )


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
            "Give the letters' ids, or filters (--campaign, --reason, --code, --group, "
            "--failed-of), and not both"
        )
    if ids:
        return DeadLetterFilter(ids=tuple(dict.fromkeys(ids)))
    return dead_letters.resolve(subject, ledger, filters.chosen())
