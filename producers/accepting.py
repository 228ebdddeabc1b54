"""Accepts batches: while the database stores one, the next is prepared."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ledger.campaigns import Campaign
from ledger.intake.acceptance import NO_BOUNDS, Acceptance, Bounds, accept_uncommitted
from ledger.store.database import Ledger
from producers.acceptance_spans import AcceptanceSpans
from producers.preparing import Prepared
from producers.source.unusable import UnusableFile

if TYPE_CHECKING:
    from operations.tracing.spans import Tracing


class Accepted(NamedTuple):
    """A batch whose acceptance is committed."""

    prepared: Prepared
    acceptance: Acceptance


def accept_in_turn(
    ledger: Ledger,
    campaign: Campaign,
    batches: Iterable[Prepared],
    intake_id: int,
    *,
    bounds: Bounds = NO_BOUNDS,
    tracing: "Tracing | None" = None,
) -> Generator[Accepted]:
    """Accept batches in order, each in one transaction, and yield each once it is committed.

    A batch begins only after the one before it was yielded. Closing the generator ends its thread.
    A new job beyond the bounds is a conflict. With `tracing` each job begins a trace.

    Raises:
        CampaignError: the campaign was cancelled or closed, or the policy asks for an approval.
        UnusableFile: raised by `batches`, after all earlier batches were yielded.
    """
    with ThreadPoolExecutor(1, "acceptance") as beside:
        under_way: Future[Accepted] | None = None
        unusable: UnusableFile | None = None
        try:
            for prepared in batches:
                if under_way is not None:
                    before, under_way = under_way, None
                    yield before.result()
                under_way = beside.submit(
                    _begin(
                        ledger,
                        campaign,
                        prepared,
                        intake_id,
                        bounds=bounds,
                        spans=AcceptanceSpans(tracing, campaign.name, campaign.account),
                    )
                )
        except UnusableFile as error:
            unusable = error
        if under_way is not None:
            yield under_way.result()
        if unusable is not None:
            raise unusable


def _begin(
    ledger: Ledger,
    campaign: Campaign,
    prepared: Prepared,
    intake_id: int,
    *,
    bounds: Bounds,
    spans: AcceptanceSpans,
) -> Callable[[], Accepted]:
    """Do the part of acceptance that belongs in this thread, and return the rest for another.

    SQLite's driver releases the interpreter lock for every row, and a busy thread is slow to give
    it back. So only the commit, which mostly waits for the disk, runs in the other thread.
    """

    def begin() -> tuple[Acceptance, Callable[[], None]]:
        return accept_uncommitted(
            ledger,
            campaign,
            spans.begin(prepared.jobs),
            intake_id=intake_id,
            line_by_line=True,
            bounds=bounds,
        )

    def finish(begun: tuple[Acceptance, Callable[[], None]]) -> Accepted:
        acceptance, commit = begun
        commit()
        spans.end(acceptance.accepted)
        return Accepted(prepared, acceptance)

    if ledger.dialect.accepts_in_threads:
        return lambda: finish(begin())
    begun = begin()
    return lambda: finish(begun)
