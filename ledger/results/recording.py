"""Records a group of a chunk's results in one transaction, before the message is acknowledged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

import structlog
from sqlalchemy import Connection, bindparam, case, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from issuance.customer import ERASED
from issuance.derived_keys import Purpose
from issuance.merge import settle_by
from issuance.outcome import Kind, Reason
from issuance.reconciliation.fallback import fallback_reason
from issuance.replies.job_verdict import loudest
from issuance.retry import Reconcile, Settle, TryAgain
from issuance.states import State, may_replace
from ledger.dead_letters.writing import close_dead_letter, open_dead_letter
from ledger.results.attempts import Attempt, GiveBack, Result, insert_attempts
from ledger.results.lines import (
    LineValues,
    StoredLine,
    lines_of_jobs,
    merge_reply,
    settled_lines,
    write_lines,
)
from ledger.search_keys import write_search_keys
from ledger.stop_loss.stopping import Stop
from ledger.stop_loss.watch import Answer, Stops, Watch, begin_watch, end_watch, stop_left
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.sanitize import stored_number, stored_text
from ledger.store.schema import jobs

log = structlog.get_logger("issuance.ledger")


def record(
    ledger: Ledger,
    chunk_id: str,
    results: Sequence[Result],
    *,
    worker: str,
    notify: Callable[[Stop], None] = lambda _: None,
) -> bool:
    """Record a group of a chunk's results in one transaction.

    An outcome that settles a job is a fact, even if another worker holds the job now; only the
    claim's holder may give a job back. A settled job changes only for the better (`may_replace`),
    and vouchers that a late reply shows are kept. `notify` is called after the commit with each
    reward or campaign that the stop-loss has stopped.

    Returns:
        Whether a dead letter was opened, so that its event has to be published.
    """
    search_key = ledger.key(Purpose.SEARCH)
    with ledger.write() as connection:
        watch = (
            begin_watch(connection, list(_first_answers(results)))
            if any(map(_is_refused, results))
            else None
        )
        held = _held(connection, chunk_id, results)
        # A job may have been settled, and pruned or erased, while its worker was suspended.
        results = [result for result in results if result.job.number in held]
        now = connection.scalar(select(now_ms())) or 0
        made = [result for result in results if isinstance(result, Attempt)]
        earlier = {number: job.attempts for number, job in held.items()}
        insert_attempts(connection, made, earlier, worker)
        plain = [attempt for attempt in made if _is_plain(attempt, held[attempt.job.number])]
        others = [attempt for attempt in made if not _is_plain(attempt, held[attempt.job.number])]
        known = lines_of_jobs(connection, [attempt.job.number for attempt in others])
        merged = [
            _merge_reply(other, held[other.job.number], known[other.job.number], now)
            for other in others
        ]
        settled = settled_lines(
            ((attempt.job.number, attempt.outcome.lines) for attempt in plain), now
        )
        write_lines(connection, list(chain(settled, *(rows for _, rows in merged))))
        shown = ((attempt.job.number, attempt.outcome.lines) for attempt in made)
        write_search_keys(connection, search_key, shown)
        _settle_plainly(connection, plain, now)
        opened = [
            _apply(
                connection,
                other,
                held[other.job.number],
                now,
                known=known[other.job.number],
                states=states,
            )
            for other, (states, _) in zip(others, merged, strict=True)
        ]
        for result in results:
            if isinstance(result, GiveBack) and held[result.job.number].is_ours:
                due_at = now + milliseconds(result.delay_seconds)
                connection.execute(_GIVE_BACK, {"job_number": result.job.number, "due_at": due_at})
        stops = None if watch is None else end_watch(connection, watch, now)
    if watch is not None and stops is not None:
        _report_stops(ledger, watch, stops, notify)
    return any(opened)


def _report_stops(
    ledger: Ledger, watch: Watch, stops: Stops, notify: Callable[[Stop], None]
) -> None:
    made = stops.made
    if stops.left:
        try:
            made = stop_left(ledger, watch, stops.left)
        except DBAPIError as error:  # the results are recorded; the reward's next fault stops it
            log.warning("stop_postponed", rewards=stops.left, error=type(error).__name__)
    for stop in made:
        notify(stop)


def _is_refused(result: Result) -> bool:
    return isinstance(result, Attempt) and result.outcome.kind is not Kind.ISSUED


def _first_answers(results: Sequence[Result]) -> Iterator[Answer]:
    """Yield what the stop-loss judges: the answers of calls that are no redrive's."""
    for result in results:
        if isinstance(result, Attempt):
            job = result.job
            if job.fallback is None and job.redrives == 0 and job.reissue_of is None:
                settles = isinstance(result.decision, Settle)
                yield Answer(job.campaign_id, job.lines, result.outcome, settles)


@dataclass(frozen=True, slots=True)
class _Held:
    state: State
    is_ours: bool
    attempts: int
    has_answer: bool
    """Whether it is being reconciled because of a definite answer."""


_HELD = (
    select(jobs.c.number, jobs.c.state, jobs.c.chunk_id, jobs.c.attempts, jobs.c.fallback)
    .where(
        jobs.c.number.in_(bindparam("job_numbers", expanding=True)),
        jobs.c.customer != str(ERASED),
    )
    .order_by(jobs.c.number)
    .with_for_update()
)


def _held(connection: Connection, chunk_id: str, results: Sequence[Result]) -> dict[int, _Held]:
    rows = connection.execute(_HELD, {"job_numbers": [result.job.number for result in results]})
    return {
        number: _Held(
            State(state),
            state == State.RUNNING and chunk == chunk_id,
            attempts,
            fallback not in (None, State.IN_DOUBT),
        )
        for number, state, chunk, attempts, fallback in rows
    }


def _is_plain(attempt: Attempt, held: _Held) -> bool:
    """Whether it is the common case: the first attempt of a job still ours issued all lines."""
    return (
        attempt.outcome.kind is Kind.ISSUED
        and isinstance(attempt.decision, Settle)
        and held.is_ours
        and held.attempts == 0
        and attempt.job.redrives == 0
        and attempt.job.reissue_of is None
    )


_SETTLEMENT = {
    "state": bindparam("state"),
    "open_lines": 0,
    "lease_until": None,
    "claims": 0,
    "attempts": jobs.c.attempts + 1,
    "may_have_reached": bindparam("may_have_reached"),
    "settled_at": bindparam("settled_at"),
}
_SETTLE = update(jobs).where(jobs.c.number == bindparam("job_number")).values(_SETTLEMENT)
_SETTLE_ALL = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("job_numbers", expanding=True)))
    .values(_SETTLEMENT)
)


def _settle_plainly(connection: Connection, plain: Sequence[Attempt], now: int) -> None:
    if plain:
        numbers = [attempt.job.number for attempt in plain]
        connection.execute(
            _SETTLE_ALL,
            {
                "job_numbers": numbers,
                "state": State.ISSUED,
                "may_have_reached": False,
                "settled_at": now,
            },
        )


def _merge_reply(
    attempt: Attempt, held: _Held, known: Sequence[StoredLine], now: int
) -> tuple[list[State], list[LineValues]]:
    return merge_reply(
        known,
        attempt.outcome.lines,
        attempt.decision,
        now,
        looked=attempt.job.fallback is not None,
        is_outdated=held.has_answer and not held.is_ours,
    )


def _apply(
    connection: Connection,
    attempt: Attempt,
    held: _Held,
    now: int,
    *,
    known: Sequence[StoredLine],
    states: list[State],
) -> bool:
    """Apply one attempt that is not the common case; returns whether it opened a dead letter.

    `known` are the job's lines before the attempt, `states` their new states, already written.
    """
    match settle_by(states, attempt.decision):
        case Settle() as settle if may_replace(held.state, settle.state):
            return _settle(connection, attempt, settle, _cause(attempt, known, states), now)
        case TryAgain() | Reconcile() as again if held.is_ours:
            _try_again(connection, attempt, again, states.count(State.WAITING), now)
        case Settle() | TryAgain() | Reconcile():
            values = {
                "job_number": attempt.job.number,
                "open_lines": states.count(State.WAITING),
            }
            connection.execute(_COUNT, values)
        case unreachable:
            assert_never(unreachable)
    return False


_Cause = tuple[Reason | None, int | None, str | None]


def _cause(attempt: Attempt, known: Sequence[StoredLine], states: Sequence[State]) -> _Cause:
    """Return a dead letter's cause: this outcome, or the reply before a vain reconciliation."""
    outcome, decision = attempt.outcome, attempt.decision
    left = [
        (row.code, row.message)
        for row, state in zip(known, states, strict=True)
        if state is not State.ISSUED and row.code is not None
    ]
    if not (isinstance(decision, Settle) and decision.uses_fallback and left):
        return None, outcome.code, outcome.message
    reasons = [fallback_reason(code, message or "") for code, message in left]
    return loudest(reasons), *left[0]


_COUNT = (
    update(jobs)
    .where(jobs.c.number == bindparam("job_number"))
    .values(attempts=jobs.c.attempts + 1, open_lines=bindparam("open_lines"))
)


def _settle(
    connection: Connection, attempt: Attempt, settle: Settle, cause: _Cause, now: int
) -> bool:
    job = attempt.job
    reason, code, message = cause
    connection.execute(
        _SETTLE,
        {
            "job_number": job.number,
            "state": settle.state,
            "may_have_reached": settle.state is State.IN_DOUBT,
            "settled_at": now,
        },
    )
    if settle.reason is None:
        close_dead_letter(connection, job.number, reissue_of=job.reissue_of)
        return False
    open_dead_letter(
        connection,
        job.number,
        job.campaign_id,
        reason=reason if reason and settle.state is State.FAILED else settle.reason,
        code=stored_number(code),
        message=stored_text(message) or "",
        request_ids=[line.request_id for line in job.lines],
        known=attempt.known,
    )
    return True


_GIVE_BACK = (
    update(jobs)
    .where(jobs.c.number == bindparam("job_number"))
    .values(
        state=State.WAITING,
        lease_until=None,
        due_at=bindparam("due_at"),
        # Without a call this claim does not count, but earlier lost ones still do.
        claims=case((jobs.c.claims > 0, jobs.c.claims - 1), else_=0),
    )
)
_TRY_AGAIN = _GIVE_BACK.values(
    claims=0,
    attempts=jobs.c.attempts + 1,
    open_lines=bindparam("open_lines"),
    may_have_reached=or_(jobs.c.may_have_reached, bindparam("may_have_reached")),
    budget_attempts=jobs.c.budget_attempts + bindparam("budget_attempts"),
    budget_started_at=func.coalesce(jobs.c.budget_started_at, bindparam("budget_started_at")),
    limit_deferrals=jobs.c.limit_deferrals + bindparam("limit_deferrals"),
    fallback=bindparam("fallback"),
    empty_reads=jobs.c.empty_reads + bindparam("empty_reads"),
)


def _try_again(
    connection: Connection, attempt: Attempt, again: TryAgain | Reconcile, unsettled: int, now: int
) -> None:
    values = {
        "job_number": attempt.job.number,
        "due_at": now + milliseconds(again.delay_seconds),
        "open_lines": unsettled,
        "may_have_reached": attempt.outcome.kind is Kind.IN_DOUBT or isinstance(again, Reconcile),
        "budget_attempts": int(again.counted),
        "budget_started_at": now - attempt.took_ms if again.counted else None,
        "limit_deferrals": int(isinstance(again, TryAgain) and again.uses_deferral),
        "fallback": again.fallback if isinstance(again, Reconcile) else None,
        "empty_reads": int(isinstance(again, Reconcile) and again.found_nothing),
    }
    connection.execute(_TRY_AGAIN, values)
