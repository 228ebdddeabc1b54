"""The blast: a campaign's file goes into the ledger, batch by batch, in flat memory and idempotently."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import structlog

from issuance.job import Job
from ledger.acceptance import Conflict, accept, close_intake, open_intake
from ledger.book import Ledger
from ledger.campaigns import Campaign
from producers.freezing import Freezer
from producers.source import BadRow, ErrorsFile, Source
from producers.source.refusal import Refusal

log = structlog.get_logger("issuance.producers")

_BATCH_ROWS = 1_000


@dataclass(slots=True)
class BlastReport:
    """What came of a file, in rows; `rows` is the sum of the others."""

    rows: int = 0
    accepted: int = 0
    known: int = 0
    """In the ledger already, from an earlier run of the file."""
    refused: int = 0
    """In the errors file, with line, field and remedy."""


def blast(
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    freezer: Freezer,
    errors: ErrorsFile,
    *,
    on_batch: Callable[[BlastReport], None],
) -> BlastReport:
    """Accept a file's rows into a campaign.

    It may be interrupted at any row and run again: what was accepted stays, the rest is added.

    Args:
        ledger: the record.
        campaign: theirs.
        source: the file.
        freezer: makes the bodies.
        errors: takes the refused rows.
        on_batch: called after each batch is committed, with the report so far.

    Raises:
        CampaignError: the campaign was cancelled.
    """
    report = BlastReport()
    intake_id = open_intake(ledger, campaign, str(source.path))
    items = _jobs(source, campaign.name, freezer)
    while batch := list(islice(items, _BATCH_ROWS)):
        jobs = [item for item in batch if isinstance(item, Job)]
        acceptance = accept(ledger, campaign, jobs, intake_id=intake_id)
        refused = [item for item in batch if isinstance(item, BadRow)]
        refused += [_explain(conflict) for conflict in acceptance.conflicts]
        for bad in sorted(refused, key=lambda row: row.line):
            errors.write(bad)
        report.rows += len(batch)
        report.accepted += len(acceptance.accepted)
        report.known += len(acceptance.known)
        report.refused += len(refused)
        on_batch(report)
    close_intake(ledger, intake_id, accepted=report.accepted, known=report.known, refused=report.refused)
    counts = {"accepted": report.accepted, "known": report.known, "refused": report.refused}
    log.info("file read", campaign=campaign.name, file=source.path.name, rows=report.rows, **counts)
    return report


def check(campaign_name: str, source: Source, freezer: Freezer, errors: ErrorsFile) -> BlastReport:
    """Read and freeze a file without accepting anything (`--dry-run`); repeats within it are not looked for."""
    report = BlastReport()
    for item in _jobs(source, campaign_name, freezer):
        report.rows += 1
        if isinstance(item, BadRow):
            errors.write(item)
            report.refused += 1
        else:
            report.accepted += 1
    return report


def _jobs(source: Source, campaign: str, freezer: Freezer) -> Iterator[Job | BadRow]:
    for row in source.rows():
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            yield freezer.from_row(campaign, row)
        except Refusal as refusal:
            yield BadRow(row.line, refusal.field, refusal.problem, refusal.remedy)


def _explain(conflict: Conflict) -> BadRow:
    job = conflict.job
    if conflict.kind == "repeat":
        problem = f"the same customer and reward as line {conflict.first_line}"
        remedy = "remove the row; for a second reward raise the quantity, or use another campaign"
    else:
        problem = f"accepted before with other values (line {conflict.first_line} of an earlier run)"
        remedy = "a body never changes once it is accepted: use another campaign for the new values"
    return BadRow(job.source_line, "", problem, remedy)
