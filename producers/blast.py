"""The blast: accepts a campaign's file batch by batch, idempotently and in constant memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from config.gc_tuning import collecting_rarely
from issuance.job import Job
from issuance.request_id import CampaignIds
from ledger.audit_log import Operator
from ledger.campaign_ids import campaign_ids
from ledger.campaigns import Campaign
from ledger.intake.acceptance import Acceptance, Conflict, close_intake, open_intake
from ledger.intake.correction import Corrected, Correction
from ledger.intake.planner_statistics import Statistics
from ledger.store.database import Ledger
from operations.operators import process_operator
from producers.accepting import accept_in_turn
from producers.freezing import Freezer
from producers.lint import Expectation, Readings, Warnings
from producers.lint.ceiling import exceeds, too_many_units
from producers.occurrences import Occurrences
from producers.preparing import BlastOptions, Preparer, repeat
from producers.source import BadRow, ErrorsFile, Row, Source

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing

log = structlog.get_logger("issuance.producers")

_BATCH_ROWS = 5_000
"""Rows per transaction; one customer's rows are grouped only within a batch.

requestIds are random, so larger batches write each index page fewer times.
"""


@dataclass(slots=True)
class BlastReport:
    """The result of reading a file, in rows; `rows` is the sum of the next three counts."""

    rows: int = 0
    accepted: int = 0
    known: int = 0
    """Already in the ledger, from an earlier run of the file."""
    refused: int = 0
    """Listed in the errors file with line, field and remedy."""
    jobs: int = 0
    """Jobs made from the accepted rows: one for each row, or fewer if rows were grouped."""
    warnings: Warnings = field(default_factory=Warnings)
    """Warnings about rows that were not refused."""
    readings: Readings = field(default_factory=Readings)
    """Rows that were not refused and have a value in another spelling."""
    expectation: Expectation = field(default_factory=Expectation)
    """Expected cost of the rows that were not refused; empty without a rewards file."""

    corrected: Corrected | None = None
    """What a correction replaced; None: it was no correction."""

    def add(self, rows: int, acceptance: Acceptance, refused: int) -> None:
        """Count a committed batch."""
        self.rows += rows
        self.jobs += len(acceptance.accepted)
        self.accepted += _count_lines(acceptance.accepted)
        self.known += _count_lines(acceptance.known)
        self.refused += refused


def blast(
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    freezer: Freezer,
    errors: ErrorsFile,
    *,
    options: BlastOptions | None = None,
    tracing: "Tracing | None" = None,
    operator: Operator | None = None,
    correction: Correction | None = None,
    on_batch: Callable[[BlastReport], None],
) -> BlastReport:
    """Accept a file's rows into a campaign.

    After an interruption at any row, run it again: accepted rows stay, and the rest is added.

    Args:
        ledger: the record.
        campaign: the campaign.
        source: the file.
        freezer: makes the bodies.
        errors: gets the refused rows.
        options: how to treat the rows; None: repeats are refused, and each row is a job.
        tracing: makes the spans; None: there are none.
        operator: for the audit log; None: this process's user, by way of Python.
        correction: replaces what the file's customers had before; None: nothing is replaced.
        on_batch: called after each commit, with the report up to that batch.

    Raises:
        CampaignError: the campaign was cancelled or closed, or the policy asks for an approval.
        SecretError: the ledger has another secret than this process.
        ValueError: the options group rows, and the endpoint is `single`.
    """
    options = options or BlastOptions()
    operator = operator or process_operator("python")
    with ExitStack() as stack:
        stack.enter_context(collecting_rarely())
        # Without --allow-repeats the ledger's unique requestIds find repeats, at no cost.
        occurrences = stack.enter_context(Occurrences()) if options.allow_repeats else None
        ids = campaign_ids(ledger, campaign)
        preparer = Preparer(ids, freezer, options, occurrences, unit=source.unit)
        report = _report_of(preparer)
        intake_id = open_intake(ledger, campaign, source.name, operator)
        batches = map(preparer.prepare, _batches(source))
        committed = stack.enter_context(
            closing(
                accept_in_turn(
                    ledger,
                    campaign,
                    batches,
                    intake_id,
                    bounds=freezer.bounds,
                    tracing=tracing,
                )
            )
        )
        statistics = Statistics(ledger)
        for prepared, acceptance in committed:
            _log_accepted(campaign, acceptance.accepted)
            refused = prepared.refused + [
                bad
                for conflict in acceptance.conflicts
                for bad in _explain(conflict, source.unit, freezer)
            ]
            _write(errors, refused)
            report.add(prepared.rows, acceptance, len(refused))
            if correction is not None:
                correction.note((*acceptance.accepted, *acceptance.known))
            on_batch(report)
            statistics.added(len(acceptance.accepted))
    statistics.close()
    _end(ledger, campaign, source, (intake_id, operator), report)
    if correction is not None:
        report.corrected = correction.apply()
    return report


def _end(
    ledger: Ledger,
    campaign: Campaign,
    source: Source,
    intake: tuple[int, Operator],
    report: BlastReport,
) -> None:
    counts = {"accepted": report.accepted, "known": report.known, "refused": report.refused}
    intake_id, operator = intake
    counts["warned"] = report.warnings.rows
    close_intake(ledger, intake_id, operator=operator, **counts)
    counts["jobs"] = report.jobs
    file = Path(source.name).name
    log.info("file_read", campaign=campaign.name, file=file, rows=report.rows, **counts)


def _batches(source: Source) -> Iterator[list[Row | BadRow]]:
    rows = source.rows()
    while batch := list(islice(rows, _BATCH_ROWS)):
        yield batch


def check(
    campaign_name: str,
    source: Source,
    freezer: Freezer,
    errors: ErrorsFile,
    *,
    options: BlastOptions | None = None,
    on_batch: Callable[[BlastReport], None] = lambda _: None,
) -> BlastReport:
    """Read and freeze a file without accepting anything or reading the ledger (`--dry-run`).

    So rows above the ceiling of units are refused here even if an earlier run accepted them.
    """
    with Occurrences() as occurrences:
        options = options or BlastOptions()
        # Nothing is kept, so these requestIds only distinguish the file's rows.
        ids = CampaignIds(campaign_name)
        preparer = Preparer(ids, freezer, options, occurrences, unit=source.unit)
        report = _report_of(preparer)
        for prepared in map(preparer.prepare, _batches(source)):
            jobs, above = _divide(prepared.jobs, freezer.max_quantity)
            conflicts = [Conflict(job, "quantity", 0) for job in above]
            refused = prepared.refused + [
                bad for each in conflicts for bad in _explain(each, source.unit, freezer)
            ]
            _write(errors, refused)
            report.rows += prepared.rows
            report.jobs += len(jobs)
            report.accepted += _count_lines(jobs)
            report.refused += len(refused)
            on_batch(report)
    return report


def _divide(jobs: Iterable[Job], most: int | None) -> tuple[list[Job], list[Job]]:
    """Divide jobs into those below the ceiling of units, and those with a line above it."""
    below: list[Job] = []
    above: list[Job] = []
    for job in jobs:
        (above if any(exceeds(line, most) for line in job.lines) else below).append(job)
    return below, above


def _report_of(preparer: Preparer) -> BlastReport:
    return BlastReport(
        warnings=preparer.warnings,
        readings=preparer.readings,
        expectation=preparer.expectation,
    )


def _write(errors: ErrorsFile, refused: Iterable[BadRow]) -> None:
    for bad in sorted(refused, key=lambda row: row.line):
        errors.write(bad)
    errors.flush()


def _log_accepted(campaign: Campaign, accepted: Iterable[Job]) -> None:
    for line in (line for job in accepted for line in job.lines):
        log.debug("row_accepted", request_id=line.request_id, campaign=campaign.name)


def _count_lines(jobs: Iterable[Job]) -> int:
    return sum(len(job.lines) for job in jobs)


def _explain(conflict: Conflict, unit: str, freezer: Freezer) -> list[BadRow]:
    place = f"{unit} {conflict.first_line}"
    field = ""
    if conflict.kind == "quantity" and freezer.max_quantity is not None:
        refusal = too_many_units(conflict.job.lines, freezer.max_quantity)
        field, problem, remedy = refusal.field, refusal.problem, refusal.remedy
    elif conflict.kind == "number":
        field = "transactionNumber"
        where = f" ({place} of this or an earlier file)" if conflict.first_line else ""
        problem = f"another job has this transactionNumber{where}"
        remedy = "give each call a number of its own, or leave the column empty"
    elif conflict.kind == "repeat":
        # For a grouped job the ledger has only the first row's line number.
        refusal = repeat(
            place if conflict.is_exact else f"one of the customer's rows from {place} on"
        )
        problem, remedy = refusal.problem, refusal.remedy
    else:
        where = (
            f"line {conflict.first_line} of an earlier run"
            if conflict.first_line
            else "not by a file, or its job was pruned since"
        )
        problem = f"accepted before with other values ({where})"
        remedy = "a body never changes once it is accepted: use another campaign for the new values"
    return [BadRow(line.source_line, field, problem, remedy) for line in conflict.job.lines]
