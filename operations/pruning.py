"""Pruning: removes old settled jobs page by page, and records who did it and how much went."""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from ledger.retention.pruning import Page, compact, prune, record_pruning
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.archive import Archive
from operations.formats import counted

_DAY_SECONDS = 86_400
_SHARE_OF_TIME = 1.0
"""After each page, the workers get the ledger for as long as the page took."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning has removed, or would remove."""

    days: int
    """How long ago the jobs were settled at least."""
    jobs: int = 0
    lines: int = 0
    kept: int = 0
    """Jobs that are old enough, and have an open dead letter."""

    def __str__(self) -> str:
        return (
            f"{counted(self.jobs, 'job')} ({counted(self.lines, 'line')}), "
            f"settled more than {counted(self.days, 'day')} ago"
        )


@needs(Right.PRUNE)
def prune_jobs(
    subject: Subject, ledger: Ledger, *, days: int, archive: Path | None, dry_run: bool
) -> Generator[Pruned]:
    """Remove jobs that were settled more than `days` ago.

    Args:
        subject: asks for it.
        ledger: the record.
        days: 1 or more.
        archive: a new file that gets the jobs first; None: none.
        dry_run: only count.

    Returns:
        The total after each page. It is recorded with the first page that removes jobs, and again
        with what was removed, at the end or when it is stopped.

    Raises:
        UsageError: the archive exists already.
    """
    keep = Archive(archive) if archive is not None and not dry_run else None
    who = subject.acting()
    pages = prune(
        ledger,
        older_than_seconds=days * _DAY_SECONDS,
        archive=keep,
        dry_run=dry_run,
        operator=who,
    )
    if dry_run:
        return _count(pages, days)
    archived = f", archived in {archive}" if archive is not None else ""
    return _remove(pages, days, lambda total: record_pruning(ledger, who, f"{total}{archived}"))


def _count(pages: Iterable[Page], days: int) -> Generator[Pruned]:
    total = Pruned(days)
    for page in pages:
        total = Pruned(
            days, total.jobs + page.jobs, total.lines + page.lines, total.kept + page.kept
        )
        yield total


def _remove(
    pages: Iterable[Page], days: int, record: Callable[[Pruned], None]
) -> Generator[Pruned]:
    total = Pruned(days)
    began = time.monotonic()
    try:
        for now in _count(pages, days):
            removed, total = now.jobs > total.jobs, now
            yield total
            if removed:
                time.sleep(_SHARE_OF_TIME * (time.monotonic() - began))
            began = time.monotonic()
    finally:
        if total.jobs:
            record(total)


@needs(Right.PRUNE)
def return_space(subject: Subject, ledger: Ledger) -> bool:
    """Make the space of removed jobs free; returns whether the disk has it back."""
    compact(ledger)
    return ledger.dialect.returns_space
