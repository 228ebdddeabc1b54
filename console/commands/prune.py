"""`issuance prune`: removes old settled jobs from the ledger."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import opened
from operations.formats import counted
from operations.pruning import Pruned, prune_jobs, return_space


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
    with opened() as (subject, _, ledger):
        pages = prune_jobs(subject, ledger, days=older_than, archive=archive, dry_run=dry_run)
        total = Pruned(older_than)
        try:
            with closing(pages):
                for total in pages:  # noqa: B007  # the last one is reported, also after an error
                    pass
        finally:
            _report(total, archive, dry_run=dry_run)
        if vacuum and not dry_run:
            returned = return_space(subject, ledger)
            to = "was returned to the disk" if returned else "is free for new jobs"
            say(f"The freed space {to}.")


def _report(pruned: Pruned, archive: Path | None, *, dry_run: bool) -> None:
    if dry_run:
        say(f"would prune {pruned}")
    else:
        say(f"pruned {pruned}{f', archived in {archive}' if archive else ''}")
    if pruned.kept:
        jobs = counted(pruned.kept, "job")
        say(f"kept: {jobs} with an open dead letter (`issuance dead-letters list`)")
