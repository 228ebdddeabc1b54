"""`issuance prune`: removes old settled jobs from the ledger."""

import time
from pathlib import Path
from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import opened, operator
from ledger.retention.pruning import Page, compact, prune, record_pruning
from ledger.store.database import Ledger
from operations.archive import Archive
from operations.formats import counted
from operations.services import Services

_DAY_SECONDS = 86_400
_SHARE_OF_TIME = 1.0
"""After each page, the workers get the ledger for as long as the page took."""


def prune_command(
    *,
    older_than: Annotated[
        int,
        typer.Option(
            metavar="DAYS", min=1, help="Days since a job was settled.", show_default=False
        ),
    ],
    archive: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl.gz", help="Write the jobs to this new file first."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the jobs.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Then return the freed space to the disk (VACUUM).")
    ] = False,
) -> None:
    """Remove old settled jobs; open dead letters stay, and no requestId is accepted twice."""
    with opened() as (services, ledger):
        keep = Archive(archive) if archive is not None and not dry_run else None
        pages = _Pages(ledger, older_than, keep, dry_run=dry_run)
        try:
            pages.run()
        finally:
            _report(services, pages, older_than, archive, dry_run=dry_run)
        if vacuum and not dry_run:
            compact(ledger)
            to = (
                "was returned to the disk"
                if ledger.dialect.returns_space
                else "is free for new jobs"
            )
            say(f"The freed space {to}.")


class _Pages:
    """The pages of one pruning, and their totals."""

    def __init__(
        self, ledger: Ledger, days: int, archive: Archive | None, *, dry_run: bool
    ) -> None:
        self.ledger = ledger
        self._pages = prune(
            ledger, older_than_seconds=days * _DAY_SECONDS, archive=archive, dry_run=dry_run
        )
        self._dry_run = dry_run
        self.total = Page(0, 0, 0)

    def run(self) -> None:
        began = time.monotonic()
        for page in self._pages:
            total = self.total
            self.total = Page(
                total.jobs + page.jobs, total.lines + page.lines, total.kept + page.kept
            )
            if page.jobs and not self._dry_run:
                time.sleep(_SHARE_OF_TIME * (time.monotonic() - began))
            began = time.monotonic()


def _report(
    services: Services, pages: _Pages, days: int, archive: Path | None, *, dry_run: bool
) -> None:
    total = pages.total
    what = (
        f"{counted(total.jobs, 'job')} ({counted(total.lines, 'line')}), "
        f"settled more than {counted(days, 'day')} ago"
    )
    if dry_run:
        say(f"would prune {what}")
    else:
        say(f"pruned {what}{f', archived in {archive}' if archive else ''}")
        if total.jobs:
            record_pruning(pages.ledger, operator(services, what))
    if total.kept:
        jobs = counted(total.kept, "job")
        say(f"kept: {jobs} with an open dead letter (`issuance dead-letters list`)")
