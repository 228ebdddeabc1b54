"""What people accept: the ways in of this package, each with the right that it needs.

A service that calls Python is no person: it has the ledger's login, and needs no role.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.audit_log import line_target
from ledger.campaigns import Campaign, find_campaign
from ledger.intake.acceptance import Act
from ledger.intake.correction import Correction
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from producers.background import Enqueued, enqueue_job
from producers.blast import BlastReport, blast, check
from producers.fields.line import CallFields, Identifiers, Reward
from producers.freezing import Freezer
from producers.preparing import BlastOptions
from producers.source import ErrorsFile, Source

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing


@needs(Right.BLAST)
def accept_file(
    subject: Subject,
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    *,
    freezer: Freezer,
    errors: ErrorsFile,
    options: BlastOptions,
    replaces: str | None = None,
    tracing: "Tracing | None" = None,
    on_batch: Callable[[BlastReport], None],
) -> BlastReport:
    """Accept a file's rows into a campaign; see `producers.blast.blast`.

    `replaces` names the campaign whose lines of the file's customers give way; None: none does.
    """
    correction = None
    if replaces is not None:
        before = find_campaign(ledger, replaces)
        correction = Correction(ledger, before, Path(source.name).name, subject.acting())
    return blast(
        ledger,
        campaign,
        source,
        freezer,
        errors,
        options=options,
        tracing=tracing,
        operator=subject.acting(),
        correction=correction,
        on_batch=on_batch,
    )


@needs(Right.BLAST)
def check_file(
    subject: Subject,
    campaign_name: str,
    source: Source,
    freezer: Freezer,
    errors: ErrorsFile,
    *,
    options: BlastOptions,
    on_batch: Callable[[BlastReport], None] = lambda _: None,
) -> BlastReport:
    """Check a file's rows and accept nothing; see `producers.blast.check`."""
    return check(campaign_name, source, freezer, errors, options=options, on_batch=on_batch)


@needs(Right.ISSUE)
def issue_rewards(
    subject: Subject,
    ledger: Ledger,
    freezer: Freezer,
    identifiers: Identifiers,
    rewards: Sequence[Reward],
    *,
    call: CallFields,
    campaign: str,
    country: str | None,
    key: str | None,
    tracing: "Tracing | None" = None,
) -> Enqueued:
    """Accept one job for background issuance; see `producers.background.enqueue_job`."""
    return enqueue_job(
        ledger,
        freezer,
        identifiers,
        rewards,
        call,
        campaign=campaign,
        country=country,
        key=key,
        tracing=tracing,
        act=lambda job, into: Act(
            subject.acting(), line_target(job.id), f"accepted into {into.name}"
        ),
    )
