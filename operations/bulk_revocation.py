"""Bulk revocation: takes many rewards of a campaign back at the API, as planned before."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any

from issuance.replies.reply import NoAnswer
from ledger.audit_log import Operator
from ledger.bulk_revocations import Results, end_bulk, note_bulk, start_bulk
from ledger.revocation_plans import RevocationPlan, plan_revocations
from ledger.revocations import Revocation, Verb, begin_revocations, end_revocations
from ledger.store.database import Ledger
from limiter.unavailable import LimitsUnavailable
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.revocation import log_verdict
from operations.revocation_pace import EndedEarly, RevocationPace, revocation_pace
from operations.revocation_verdict import Verdict, judge_revocation
from operations.services import Services
from rewards_api.client import RewardsClient
from rewards_api.reads import NotRevoked, RevokeReply, Unreadable

_BATCH = 20
"""Lines whose requests, and then whose results, are recorded in one transaction."""
_BATCHES_AT_ONCE = 5
_ROUNDS = 3
"""How often a line is tried whose result is unknown, or may be another one later."""
_GIVE_UP_AFTER = 20
"""Refusals without one success after which the rest would be refused too."""
_NOTED_SECONDS = 5.0
"""How often a run records that it is alive."""
_POINTS_LATER = 1018
"""The points could not be given back now."""


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    total: int
    results: Results = field(default_factory=Results)
    remedies: dict[str, int] = field(default_factory=dict)
    """What to do about lines that were not revoked, with their number."""
    held: str = ""
    """Why no call may start now; "" while calls may."""
    is_ending: bool = False
    """No further call starts. Set it to end the run early; another run does the rest."""
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Lines without a result."""
        found = self.results
        return self.total - found.revoked - found.not_revoked - found.in_doubt - found.refused


@needs(Right.REVOKE)
def plan_bulk(
    subject: Subject,
    ledger: Ledger,
    campaign: str,
    *,
    rewards: Sequence[str] = (),
    request_ids: Sequence[str] | None = None,
) -> RevocationPlan:
    """Find out what revoking a campaign's rewards would do; see `plan_revocations`.

    Raises:
        CampaignError: there is no such campaign.
    """
    return plan_revocations(ledger, campaign, rewards=rewards, request_ids=request_ids)


@needs(Right.REVOKE)
def revoke_all(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    plan: RevocationPlan,
    note: str,
    *,
    progress: Progress,
    filters: Mapping[str, Any],
    per_second: float = 0.0,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Revoke a plan's lines within the account's rate, and record each result.

    After an interruption plan again: what was revoked is not part of the new plan, and a line
    whose result is unknown is asked for again, which cannot revoke it twice.

    Args:
        subject: asks for it; its name goes to the API.
        services: this process's services.
        ledger: the record.
        plan: what to revoke.
        note: the reason, which goes to the API too.
        progress: gets the results.
        filters: how the plan's lines were chosen, for the record.
        per_second: most calls a second; 0: as fast as the account's rate allows.
        on_progress: called after each batch.

    Raises:
        RevocationError: another run of the campaign is under way.
        AccountError: the campaign's account is not there any more.
        LimitsUnavailable: Redis cannot be reached; what was called is recorded.
        ValueError: the account cannot be used.
    """
    who = subject.acting(note)
    name = plan.campaign.account
    account = services.api_account(name)
    action_id = start_bulk(ledger, plan, who, filters=filters, per_second=per_second or None)
    started = monotonic()

    async def go() -> None:
        async with (
            RewardsClient(account) as client,
            revocation_pace(
                services, name, plan.campaign.id, per_second, lambda: progress.is_ending
            ) as pace,
        ):
            run = _Run(ledger, client, pace, who, progress)
            alive = asyncio.create_task(_stay_alive(ledger, action_id))
            try:
                await run.revoke(plan.request_ids, on_progress)
            finally:
                alive.cancel()

    try:
        asyncio.run(go())
    finally:
        progress.seconds = monotonic() - started
        complete = progress.left == 0
        end_bulk(ledger, action_id, plan, who, progress.results, complete=complete)


async def _stay_alive(ledger: Ledger, action_id: int) -> None:
    while True:
        await asyncio.sleep(_NOTED_SECONDS)
        note_bulk(ledger, action_id)


@dataclass
class _Run:
    ledger: Ledger
    client: RewardsClient
    pace: RevocationPace
    who: Operator
    progress: Progress
    pending: dict[str, Verdict] = field(default_factory=dict)
    """The last verdicts of lines that are tried again, by requestId."""
    error: LimitsUnavailable | None = None

    async def revoke(
        self, request_ids: Sequence[str], on_progress: Callable[[Progress], None]
    ) -> None:
        for _ in range(_ROUNDS):
            batches = _batches(request_ids)
            self.pending = {}
            await asyncio.gather(
                *(self._work(batches, on_progress) for _ in range(_BATCHES_AT_ONCE))
            )
            request_ids = list(self.pending)
            if self.progress.is_ending or not self._may_improve():
                break
        for verdict in self.pending.values():
            # After an early end, a line that was not called has no result.
            if verdict.verb is Verb.IN_DOUBT or not self.progress.is_ending:
                self._count(verdict)
        on_progress(self.progress)
        if self.error is not None:
            raise self.error

    async def _work(
        self, batches: Iterator[list[str]], on_progress: Callable[[Progress], None]
    ) -> None:
        for batch in batches:
            if self.progress.is_ending:
                return
            await self._revoke_batch(batch)
            self.progress.held = self.pace.held
            self.progress.is_ending |= self._is_hopeless()
            on_progress(self.progress)

    def _may_improve(self) -> bool:
        """Whether calling the pending lines once more could give better results."""
        verbs = {verdict.verb for verdict in self.pending.values()}
        return Verb.IN_DOUBT in verbs or bool(verbs and self.progress.results.revoked)

    def _is_hopeless(self) -> bool:
        results = self.progress.results
        failed = results.not_revoked + len(self.pending)
        return not results.revoked and failed >= _GIVE_UP_AFTER

    async def _revoke_batch(self, request_ids: Sequence[str]) -> None:
        begun, refused = begin_revocations(self.ledger, request_ids, self.who)
        self.progress.results.refused += len(refused)
        for why in refused.values():
            self._advise(why)
        verdicts = await asyncio.gather(*map(self._revoke, begun))
        results = [
            (revocation, verdict.verb, verdict.says)
            for revocation, (verdict, _) in zip(begun, verdicts, strict=True)
        ]
        end_revocations(self.ledger, results, self.who)
        for revocation, (verdict, is_final) in zip(begun, verdicts, strict=True):
            log_verdict(revocation, verdict, self.who)
            if is_final:
                self._count(verdict)
            else:
                self.pending[revocation.line.request_id] = verdict

    async def _revoke(self, revocation: Revocation) -> tuple[Verdict, bool]:
        """Return the verdict, and whether another call could not give a better one."""
        replies = {each: await self._call(each) for each in revocation.transaction_ids}
        verdict = judge_revocation(
            replies, asked_before=revocation.asked_before, known=revocation.line.known
        )
        may_change = verdict.verb is not Verb.REVOKED and any(map(_may_change, replies.values()))
        return verdict, not may_change

    async def _call(self, transaction_id: str) -> RevokeReply:
        try:
            slot = await self.pace.wait()
        except EndedEarly:
            return _NOT_CALLED
        except LimitsUnavailable as error:
            self.error, self.progress.is_ending = error, True
            return _NOT_CALLED
        reply = await self.client.revoke(transaction_id, self.who.note, self.who.name)
        await self.pace.report(slot, reply)
        return reply

    def _count(self, verdict: Verdict) -> None:
        results = self.progress.results
        results.revoked += verdict.verb is Verb.REVOKED
        results.not_revoked += verdict.verb is Verb.NOT_REVOKED
        results.in_doubt += verdict.verb is Verb.IN_DOUBT
        if verdict.remedy:
            self._advise(verdict.remedy)

    def _advise(self, remedy: str) -> None:
        self.progress.remedies[remedy] = self.progress.remedies.get(remedy, 0) + 1


_NOT_CALLED = Unreadable(NoAnswer("connect", "the run was ended before the call", sent=False))


def _may_change(reply: RevokeReply) -> bool:
    return isinstance(reply, Unreadable) or (
        isinstance(reply, NotRevoked) and reply.code == _POINTS_LATER
    )


def _batches(request_ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(request_ids)
    while batch := list(islice(rest, _BATCH)):
        yield batch
