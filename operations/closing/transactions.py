"""Reads what the API shows of a job: its own transactions, with their units."""

from datetime import UTC, datetime

from issuance.data_scope import read_scopes
from issuance.endpoint import Reads
from issuance.reconciliation.conclusion import may_stop, pick_own
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.reconciliation.unit_count import says_issued
from ledger.closing.verification import ComparedJob
from operations.closing.call_slots import CallSlots
from rewards_api.client import RewardsClient
from rewards_api.reads import Found, FoundCustomer, IssualsPage

_PAGES_MOST = 20


class TransactionReader:
    """Reads jobs' transactions; a job with one issued line takes two reads."""

    def __init__(self, client: RewardsClient, slots: CallSlots) -> None:
        self._client = client
        self._slots = slots

    async def read(self, job: ComparedJob) -> dict[str, Issual]:
        """Return what the API shows of a job, by transaction id.

        Raises:
            ApiAwayError: it gave no readable answer for some time.
            LimitsUnavailable: Redis cannot be reached.
        """
        shown: dict[str, Issual] = {}
        reads = job.variant.endpoint.reads
        for scope in read_scopes(job.scope):
            customer_id = await self._customer_id(job, reads, scope, shown)
            if customer_id is None:
                continue
            for entry in pick_own(
                job.transaction_number, await self._pages(job, customer_id, reads, scope)
            ):
                name = entry.reward_transaction_id
                if name is None or isinstance(shown.get(name), TransactionDetail):
                    continue
                shown[name] = entry
                if says_issued(entry):
                    detail = await self._detail(job, customer_id, name, reads, scope)
                    shown[name] = detail or entry
        return shown

    async def _customer_id(
        self, job: ComparedJob, reads: Reads, scope: str | None, shown: dict[str, Issual]
    ) -> int | str | None:
        """Find the API's id of the customer: a known transaction shows it, and its own units."""
        name = next((line.transaction_ids[0] for line in job.lines if line.transaction_ids), None)
        if name is not None and name not in shown:
            detail = await self._detail(job, None, name, reads, scope)
            if detail is not None and detail.customer_id is not None:
                shown[name] = detail
                return detail.customer_id
        found = await self._slots.read(
            lambda: self._client.customer_id(job.customer, reads=reads, scope=scope)
        )
        return found.id if isinstance(found, FoundCustomer) else None

    async def _detail(
        self,
        job: ComparedJob,
        customer_id: int | str | None,
        transaction_id: str,
        reads: Reads,
        scope: str | None,
    ) -> TransactionDetail | None:
        found = await self._slots.read(
            lambda: self._client.transaction_detail(
                customer_id, transaction_id, reads=reads, scope=scope
            )
        )
        own = isinstance(found, Found) and found.detail.reward_issue_ref_id in (
            job.transaction_number,
            None,
        )
        return found.detail if isinstance(found, Found) and own else None

    async def _pages(
        self, job: ComparedJob, customer_id: int | str, reads: Reads, scope: str | None
    ) -> list[tuple[Issual, ...]]:
        rewards = {line.reward_id for line in job.lines}
        # 0: the reward is named by its external id, by which no list is filtered.
        reward_id = (rewards.pop() or None) if len(rewards) == 1 else None
        first_sent_at = job.first_claimed_at or datetime.fromtimestamp(0, tz=UTC)
        pages: list[tuple[Issual, ...]] = []
        while len(pages) < _PAGES_MOST:
            page: IssualsPage = await self._slots.read(
                lambda: self._client.issuals(
                    customer_id, reward_id, len(pages), reads=reads, scope=scope
                )
            )
            pages.append(page.issuals)
            if page.is_last or may_stop(page.issuals, first_sent_at):
                break
        return pages
