"""Compares a campaign's lines with the API's transactions, page by page; a crash loses one page."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

from issuance.closing.comparison import Finding, compare
from ledger.closing.verification import (
    ComparedJob,
    Comparison,
    Mode,
    jobs_after,
    jobs_numbered,
    jobs_with_findings,
    record_compared,
    record_read_again,
    sampled_jobs,
)
from ledger.store.database import Ledger
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect
from limiter.reservation import Scope
from operations.closing.call_slots import CallSlots
from operations.closing.transactions import TransactionReader
from operations.errors import UsageError
from operations.services import Services
from rewards_api.client import RewardsClient
from rewards_api.token_store import RedisTokenStore

PAGE_JOBS = 100
_AT_ONCE = 32
_TOKEN_LOCK_SECONDS = 5
_TIMEOUTS = 4
"""For as many timeouts of a call no read may fail to be answered before the command gives up."""

Progress = Callable[[Comparison], None]


async def compare_lines(
    services: Services, ledger: Ledger, comparison: Comparison, progress: Progress
) -> Comparison:
    """Compare the lines that are left, then read those that differ again: reads lag behind.

    Raises:
        UsageError: there is no Redis, which has the account's limits.
        ApiAwayError: the API gave no readable answer for some time.
        StaleComparisonError: another process continued the comparison.
    """
    async with _reader(services, comparison) as reader:
        for page in _pages(ledger, comparison):
            found = await _compare(reader, page)
            comparison = record_compared(ledger, comparison, page, found)
            progress(comparison)
        numbers = jobs_with_findings(ledger, comparison)
        for start in range(0, len(numbers), PAGE_JOBS):
            page = jobs_numbered(ledger, numbers[start : start + PAGE_JOBS])
            comparison = record_read_again(ledger, comparison, page, await _compare(reader, page))
    return comparison


def _pages(ledger: Ledger, comparison: Comparison) -> Iterator[Sequence[ComparedJob]]:
    position = comparison.next_position
    if comparison.is_finished:
        return
    if comparison.mode is Mode.SAMPLE:
        numbers = [number for number in sampled_jobs(ledger, comparison) if number > position]
        for start in range(0, len(numbers), PAGE_JOBS):
            if page := jobs_numbered(ledger, numbers[start : start + PAGE_JOBS]):
                yield page
        return
    while page := jobs_after(ledger, comparison, position, PAGE_JOBS):
        position = page[-1].number
        yield page


async def _compare(reader: TransactionReader, page: Sequence[ComparedJob]) -> list[Finding]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(job: ComparedJob) -> list[Finding]:
        async with places:
            return compare(job.lines, await reader.read(job))

    return [finding for found in await asyncio.gather(*map(one, page)) for finding in found]


@asynccontextmanager
async def _reader(services: Services, comparison: Comparison) -> AsyncIterator[TransactionReader]:
    account = services.accounts.get(comparison.campaign.account)
    api_account = services.api_account(account.name)
    if not services.servers.redis_url:
        raise UsageError(
            "A comparison shares the account's rate with the workers, through Redis: set "
            "ISSUANCE_REDIS_URL or start the system, or close with --verify none"
        )
    lock_seconds = api_account.timeout_seconds + _TOKEN_LOCK_SECONDS
    async with connect(services.servers.redis_url) as redis:
        store = RedisTokenStore(redis, f"issuance:{api_account.name}:", lock_seconds=lock_seconds)
        limiter = RateLimiter(
            redis,
            api_account.name,
            known_as=account.name,
            rate_per_minute=account.rate_per_minute,
            adapts=services.settings.api_rate_adapts,
        )
        async with RewardsClient(api_account, token_store=store) as client:
            scope = Scope(comparison.campaign.id, is_read=True)
            slots = CallSlots(
                limiter, scope, patience_seconds=_TIMEOUTS * api_account.timeout_seconds
            )
            yield TransactionReader(client, slots)
            await limiter.flush(scope)
