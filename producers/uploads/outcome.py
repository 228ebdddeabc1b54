"""The result of a check or an acceptance, as it is kept with the upload."""

from operations.uploads.state import Kind, Outcome, RefusedRow
from producers.blast import BlastReport
from producers.source import ErrorsFile


def outcome_of(report: BlastReport, errors: ErrorsFile, unit: str, *, priced: bool) -> Outcome:
    """Sum up a report; `priced` says whether the rewards' prices are known."""
    return Outcome(
        rows=report.rows,
        good=report.accepted,
        known=report.known,
        refused=report.refused,
        first_refused=tuple(
            RefusedRow(bad.line, bad.field, bad.problem, bad.remedy) for bad in errors.first
        ),
        unit=unit,
        listed=errors.listed,
        jobs=report.jobs,
        warned=report.warnings.rows,
        warnings=tuple(
            Kind(name, each.rows, tuple(each.lines), each.first.problem, each.first.remedy)
            for name, each in report.warnings.kinds.items()
        ),
        readings=tuple(
            Kind(name, each.rows, tuple(each.lines)) for name, each in report.readings.kinds.items()
        ),
        points=report.expectation.points if priced else None,
    )
