"""Reconciles a job with the API's transactions where resending is not conclusive (§8)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from issuance.data_scope import read_scopes
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.reconciliation.conclusion import conclude, may_stop, pick_own
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.reconciliation.unit_count import says_issued
from issuance.replies.classification import classify
from issuance.replies.reply import Answer, NoAnswer, Reply
from issuance.retry import History, RetryPolicy, decide_reconciliation
from issuance.states import State
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.results.attempts import Attempt
from limiter.reservation import Reservation
from rewards_api.client import RewardsClient
from rewards_api.reads import Found, FoundCustomer, NoSuchCustomer, Unreadable

LOOKED_UP = "looked up: "
"""The prefix of the message of every outcome of reads."""
NO_SLOT = "no call slot was free in time"
_PAGES_MOST = 20


class _UnreadableError(Exception):
    """A read failed; carries its reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("unreadable")
        self.reply = reply


class Reconciler:
    """Reconciles the jobs of one claim.

    Args:
        client: the rewards API.
        policy: the retry policy.
        rng: the source of jitter.
        take_slot: waits for a call slot; None if there is none in time. A job's first read has one
            already.
        within_seconds: the timeout of all reads for one job together.
    """

    def __init__(
        self,
        client: RewardsClient,
        policy: RetryPolicy,
        rng: Random,
        *,
        take_slot: Callable[[], Awaitable[Reservation | None]],
        within_seconds: float,
    ) -> None:
        self._client = client
        self._policy = policy
        self._rng = rng
        self._take_slot = take_slot
        self._within_seconds = within_seconds

    async def reconcile(self, job: ClaimedJob, *, is_probe: bool = False) -> Attempt:
        """Read the job's transactions. Any result is in the attempt; an exception is a bug.

        Args:
            job: a job of the claim.
            is_probe: reads are suspended, and these test them.
        """
        started_at_ms, started = time.time_ns() // 1_000_000, time.monotonic()
        lags_behind = False
        refused: Reply | None = None
        try:
            async with asyncio.timeout(self._within_seconds):
                outcome, lags_behind = await self._read(job)
        except TimeoutError:
            outcome = _unreadable(job, NoAnswer("timeout", "the reads took too long", sent=False))
        except _UnreadableError as error:
            refused = error.reply
            outcome = _unreadable(job, refused)
        took = time.monotonic() - started
        history = History(
            attempts=job.budget_attempts + 1,
            age_seconds=took,
            in_doubt_before=True,
            empty_reads=job.empty_reads,
            lags_behind=lags_behind,
            is_probe=is_probe,
        )
        fallback = job.fallback or State.IN_DOUBT
        return Attempt(
            job=job,
            outcome=outcome,
            decision=decide_reconciliation(
                outcome, history, self._policy, fallback=fallback, rng=self._rng
            ),
            started_at_ms=started_at_ms,
            took_ms=round(took * 1000),
            http_status=refused.status if isinstance(refused, Answer) else None,
            tracking_id=refused.tracking_id if isinstance(refused, Answer) else None,
            reply=None,
        )

    async def _read(self, job: ClaimedJob) -> tuple[Outcome, bool]:
        """Return the outcome, and whether the reads miss a transaction that a reply has named."""
        if not self._policy.reconcile_delays_seconds:
            return _nothing_found(job, None, "look-ups are switched off"), False
        number = job.transaction_number or job.id
        pages: list[tuple[Issual, ...]] = []
        details: dict[str, TransactionDetail] = {}
        unknown: list[NoSuchCustomer] = []
        scopes = read_scopes(job.scope)
        for scope in scopes:
            if scope != scopes[0]:
                await self._slot()
            customer = await self._client.customer_id(
                job.customer, reads=job.variant.endpoint.reads, scope=scope
            )
            match customer:
                case Unreadable(reply=reply):
                    raise _UnreadableError(reply)
                case NoSuchCustomer():
                    unknown.append(customer)
                case FoundCustomer(id=customer_id):
                    listed = await self._pages(job, customer_id, scope)
                    own = pick_own(number, listed)
                    details |= await self._details(job, own, customer_id, scope)
                    pages += listed
        if len(unknown) == len(scopes):
            # Nothing can have been issued to an unknown customer, but reads may lag.
            return _nothing_found(job, unknown[0].code, unknown[0].message), True
        own = pick_own(number, pages)
        if not own:
            return _nothing_found(job, None, "no transaction of this job is listed"), True
        named = {entry.reward_transaction_id for entry in own}
        return conclude(job.lines, own, details).outcome, not job.shown_transactions <= named

    async def _pages(
        self, job: ClaimedJob, customer_id: int, scope: str | None
    ) -> list[tuple[Issual, ...]]:
        reads = job.variant.endpoint.reads
        rewards = {line.reward_id for line in job.lines}
        # 0: the reward is named by its external id, by which no list is filtered.
        reward_id = (rewards.pop() or None) if len(rewards) == 1 else None
        first_sent_at = job.first_claimed_at or datetime.fromtimestamp(0, tz=UTC)
        pages: list[tuple[Issual, ...]] = []
        while len(pages) < _PAGES_MOST:
            await self._slot()
            page = await self._client.issuals(
                customer_id, reward_id, len(pages), reads=reads, scope=scope
            )
            if isinstance(page, Unreadable):
                raise _UnreadableError(page.reply)
            pages.append(page.issuals)
            if page.is_last or may_stop(page.issuals, first_sent_at):
                break
        return pages

    async def _details(
        self, job: ClaimedJob, own: tuple[Issual, ...], customer_id: int, scope: str | None
    ) -> dict[str, TransactionDetail]:
        reads = job.variant.endpoint.reads
        details: dict[str, TransactionDetail] = {}
        for entry in own:
            transaction_id = entry.reward_transaction_id
            if transaction_id is None or not says_issued(entry):
                continue
            await self._slot()
            reply = await self._client.transaction_detail(
                customer_id, transaction_id, reads=reads, scope=scope
            )
            if isinstance(reply, Unreadable):
                raise _UnreadableError(reply.reply)
            if isinstance(reply, Found):
                details[transaction_id] = reply.detail
        return details

    async def _slot(self) -> None:
        if await self._take_slot() is None:
            raise _UnreadableError(NoAnswer("connect", NO_SLOT, sent=False))


def _nothing_found(job: ClaimedJob, code: int | None, message: str) -> Outcome:
    return _whole(job, Kind.IN_DOUBT, Reason.IN_DOUBT, code, f"{LOOKED_UP}{message}")


def _unreadable(job: ClaimedJob, reply: Reply) -> Outcome:
    """Judge a failed read: it says nothing about the job, but a 429 or 401 concerns the account."""
    said = classify(job.lines, job.variant, reply, resent=True)
    if said.refusal:
        return said
    message = f"{LOOKED_UP}{said.message or 'the answer cannot be read'}"
    return replace(
        _whole(job, Kind.TRANSIENT, Reason.EXHAUSTED, said.code, message), readable=False
    )


def _whole(job: ClaimedJob, kind: Kind, reason: Reason, code: int | None, message: str) -> Outcome:
    line = LineOutcome("", kind, code, message, reason)
    lines = tuple(replace(line, request_id=of_job.request_id) for of_job in job.lines)
    return Outcome(kind, code, message, lines, reason)
