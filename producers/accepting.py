"""Accepting batch after batch: while the database takes one, the next is prepared."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ledger.campaigns import Campaign
from ledger.intake.acceptance import Acceptance, accept, accept_uncommitted
from ledger.store.database import Ledger
from producers.preparing import Prepared
from producers.source.unusable import UnusableFile


class Accepted(NamedTuple):
    """A batch whose acceptance is committed."""

    prepared: Prepared
    acceptance: Acceptance


def accept_in_turn(
    ledger: Ledger, campaign: Campaign, batches: Iterable[Prepared], intake_id: int
) -> Generator[Accepted]:
    """Accept batches in their order, each in one transaction, and hand each on when it is committed.

    No batch is begun before the one before it was handed on. Close it, to have its thread ended.

    Raises:
        CampaignError: the campaign was cancelled.
        UnusableFile: from the batches, once all before it are handed on.
    """
    with ThreadPoolExecutor(1, "acceptance") as beside:
        under_way: Future[Accepted] | None = None
        unusable: UnusableFile | None = None
        try:
            for prepared in batches:
                if under_way is not None:
                    before, under_way = under_way, None
                    yield before.result()
                under_way = beside.submit(_begin(ledger, campaign, prepared, intake_id))
        except UnusableFile as error:
            unusable = error
        if under_way is not None:
            yield under_way.result()
        if unusable is not None:
            raise unusable


def _begin(
    ledger: Ledger, campaign: Campaign, prepared: Prepared, intake_id: int
) -> Callable[[], Accepted]:
    """Do what must be done here; gives the rest, for another thread.

    SQLite's driver lets go of the interpreter for each row, and a thread that is busy is slow to
    give it back: only the commit, most of which is the disk's, is worth another thread there.
    """
    if not ledger.dialect.accepts_in_threads:
        acceptance, commit = accept_uncommitted(
            ledger, campaign, prepared.jobs, intake_id=intake_id, line_by_line=True
        )

        def finish() -> Accepted:
            commit()
            return Accepted(prepared, acceptance)

        return finish
    return lambda: Accepted(
        prepared, accept(ledger, campaign, prepared.jobs, intake_id=intake_id, line_by_line=True)
    )
