"""Accepting batch after batch: while the database takes one, the next is prepared."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ledger.acceptance import Acceptance, accept, accept_uncommitted
from ledger.book import Ledger
from ledger.campaigns import Campaign
from producers.preparing import Prepared


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
    """

    def wholly(prepared: Prepared) -> Accepted:
        acceptance = accept(ledger, campaign, prepared.jobs, intake_id=intake_id, line_by_line=True)
        return Accepted(prepared, acceptance)

    def all_but_the_commit(prepared: Prepared) -> Callable[[], Accepted]:
        acceptance, commit = accept_uncommitted(ledger, campaign, prepared.jobs, intake_id=intake_id, line_by_line=True)

        def finish() -> Accepted:
            commit()
            return Accepted(prepared, acceptance)

        return finish

    with ThreadPoolExecutor(1, "acceptance") as beside:
        under_way: Future[Accepted] | None = None
        for prepared in batches:
            if under_way is not None:
                yield under_way.result()
            # SQLite's driver lets go of the interpreter for each row, and a thread that is busy is slow to give it
            # back: only the commit, most of which is the disk's, goes on beside the next batch.
            is_sqlite = ledger.dialect == "sqlite"
            under_way = beside.submit(all_but_the_commit(prepared)) if is_sqlite else beside.submit(wholly, prepared)
        if under_way is not None:
            yield under_way.result()
