"""Results of a chunk: attempts, which are recorded as they are, and jobs that were not sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from sqlalchemy import Connection

from issuance.outcome import Outcome
from issuance.retry import Decision, Reconcile, Settle, TryAgain
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.store.dialects.dialect import dialect_of
from ledger.store.sanitize import stored_number, stored_text


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP call for a job, its outcome, and the decision."""

    job: ClaimedJob
    outcome: Outcome
    decision: Decision
    started_at_ms: int
    took_ms: int
    http_status: int | None
    tracking_id: str | None
    reply: bytes | None
    """The whole reply; None after a plain success."""

    @property
    def known(self) -> tuple[str, ...]:
        """What masked texts about it must not show: the customer's identifier, and vouchers."""
        known = (self.job.customer.value, *self.job.shown_vouchers)
        for line in self.outcome.lines:
            if line.vouchers:
                known += line.vouchers
        return known


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A claimed job that was not sent: it becomes due after `delay_seconds`."""

    job: ClaimedJob
    delay_seconds: float
    because: str


Result = Attempt | GiveBack


_ATTEMPT_COLUMNS = (
    "job_number", "number", "started_at", "took_ms", "kind", "decision", "http_status",
    "code", "message", "tracking_id", "worker", "reply",
)  # fmt: skip


def insert_attempts(
    connection: Connection, made: Sequence[Attempt], earlier: Mapping[int, int], worker: str
) -> None:
    """Insert rows of attempts.

    Args:
        connection: the transaction that records the chunk's results.
        made: what was tried.
        earlier: how many attempts each job had, by its number.
        worker: the name of the worker that made them.
    """
    rows = [
        (
            attempt.job.number,
            earlier[attempt.job.number] + 1,
            attempt.started_at_ms,
            attempt.took_ms,
            attempt.outcome.kind.value,
            describe(attempt.decision),
            attempt.http_status,
            stored_number(attempt.outcome.code),
            stored_text(attempt.outcome.message),
            stored_text(attempt.tracking_id),
            worker,
            attempt.reply,
        )
        for attempt in made
    ]
    dialect_of(connection).insert_rows(connection, "attempts", _ATTEMPT_COLUMNS, rows)


def describe(decision: Decision) -> str:
    """Describe a decision in a few words, for the ledger and the log."""
    match decision:
        case Settle(state=state):
            return f"settle {state}"
        case TryAgain(delay_seconds=delay, because=because):
            return f"try again in {delay:.1f} s ({because})"
        case Reconcile(delay_seconds=delay):
            return f"look up in {delay:.1f} s"
        case unreachable:
            assert_never(unreachable)
