"""Sends one job: calls, classifies and decides; returns a value for the ledger."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from random import Random

from issuance.edge import judge_edge
from issuance.outcome import Kind, Outcome
from issuance.replies.classification import classify
from issuance.replies.kept import cut_unreadable
from issuance.replies.reply import Answer
from issuance.retry import History, RetryPolicy, decide
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.results.attempts import Attempt
from rewards_api.client import RewardsClient


class Sender:
    """Sends the jobs of one claim.

    Args:
        claim: a new claim: the jobs' ages are counted from now.
        client: the rewards API.
        policy: the retry policy.
        rng: the source of jitter.
        traceparent_of: returns the trace context that a job's call carries; None: no call has one.
        zone: see `Bounds`.
    """

    def __init__(
        self,
        claim: Claim,
        client: RewardsClient,
        policy: RetryPolicy,
        rng: Random,
        traceparent_of: Callable[[ClaimedJob], str | None] | None = None,
        *,
        zone: tzinfo = UTC,
    ) -> None:
        self._defers_limits = claim.defers_limits
        self._client = client
        self._policy = policy
        self._rng = rng
        self._traceparent_of = traceparent_of
        self._zone = zone
        self._claimed_at = time.monotonic()

    async def send(
        self, job: ClaimedJob, *, is_probe: bool = False, others_answered: bool = False
    ) -> Attempt:
        """Make one call for the job. Any result is in the attempt; an exception is a bug.

        Args:
            job: a job of the claim.
            is_probe: the account is suspended, and this call tests it.
            others_answered: the account's last call before this one was answered.
        """
        started_at_ms = time.time_ns() // 1_000_000
        started = time.monotonic()
        reward_id = job.lines[0].reward_id
        traceparent = self._traceparent_of(job) if self._traceparent_of else None
        reply = await self._client.issue(
            job.variant, job.body, reward_id, scope=job.scope, traceparent=traceparent
        )
        ended = time.monotonic()
        # After a redrive too, the API may answer with what this call added, not with the total.
        resent = job.may_have_reached or job.redrives > 0
        outcome = classify(job.lines, job.variant, reply, resent=resent)
        history = self._history(job, started, ended, is_probe=is_probe)
        if outcome.by_edge:
            edge = judge_edge(
                history.attempts,
                job.attempts,
                self._policy.max_attempts,
                others_answered=others_answered,
            )
            history = replace(history, edge=edge)
        answer = reply if isinstance(reply, Answer) else None
        return Attempt(
            job=job,
            outcome=outcome,
            decision=decide(
                outcome, history, self._policy, now=datetime.now(self._zone), rng=self._rng
            ),
            started_at_ms=started_at_ms,
            took_ms=round((ended - started) * 1000),
            http_status=answer.status if answer else None,
            tracking_id=answer.tracking_id if answer else None,
            reply=_keep(answer, outcome) if answer else None,
        )

    def _history(self, job: ClaimedJob, started: float, ended: float, *, is_probe: bool) -> History:
        age = ended - started
        if job.budget_age_seconds is not None:
            age = job.budget_age_seconds + ended - self._claimed_at
        return History(
            attempts=job.budget_attempts + 1,
            age_seconds=age,
            in_doubt_before=job.may_have_reached,
            calls_before=job.attempts,
            is_probe=is_probe,
            limit_deferrals=job.limit_deferrals,
            limit_refused_at=job.limit_refused_at,
            defers_limits=self._defers_limits,
        )


def _keep(answer: Answer, outcome: Outcome) -> bytes | None:
    """Return what the ledger keeps of the body; a plain success says no more than its outcome."""
    if outcome.kind is Kind.ISSUED:
        return None
    return answer.body if outcome.readable else cut_unreadable(answer.body)
