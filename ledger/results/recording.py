"""Recording: a group of outcomes becomes facts of the ledger in one transaction, before any acknowledgement."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from issuance.merge import settle_by
from issuance.outcome import Kind, Outcome, Reason
from issuance.reconciliation.fallback import standing_reason
from issuance.replies.job_verdict import loudest
from issuance.retry import Decision, LookUp, Settle, TryAgain
from issuance.states import State, may_replace
from ledger.dead_letters.writing import close_letter, open_letter
from ledger.dispatch.claims import ClaimedJob
from ledger.results.lines import (
    LineValues,
    StoredLine,
    learn,
    lines_of_jobs,
    settled_lines,
    write_lines,
)
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.sanitize import stored_number, stored_text
from ledger.store.schema import jobs


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP call for a job, its outcome, and what was decided."""

    job: ClaimedJob
    outcome: Outcome
    decision: Decision
    started_at_ms: int
    took_ms: int
    http_status: int | None
    tracking_id: str | None
    reply: bytes | None
    """The whole reply, kept when the outcome is not a plain success."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A claimed job that was not sent: back to the ledger, due after `delay_seconds`."""

    job: ClaimedJob
    delay_seconds: float
    because: str


Result = Attempt | GiveBack


def record(ledger: Ledger, chunk_id: str, results: Sequence[Result], *, worker: str) -> bool:
    """Record a group of a chunk's results in one transaction.

    An outcome that settles a job is a fact, whoever holds the job by now; giving a job back is a
    right of the claim's holder only. A settled job changes only for the better (`may_replace`), and
    whatever vouchers a late reply shows are kept.

    Returns:
        True when a dead letter was opened, so that notices are to be published.
    """
    with ledger.write() as connection:
        held = _held(connection, chunk_id, results)
        # Of a job that was settled and pruned while its worker slept there is nothing left to be
        # changed.
        results = [result for result in results if result.job.number in held]
        now = connection.scalar(select(now_ms())) or 0
        made = [result for result in results if isinstance(result, Attempt)]
        _insert_attempts(connection, made, held, worker)
        plain = [attempt for attempt in made if _is_plain(attempt, held[attempt.job.number])]
        others = [attempt for attempt in made if not _is_plain(attempt, held[attempt.job.number])]
        known = lines_of_jobs(connection, [attempt.job.number for attempt in others])
        learnt = [_learn(other, known[other.job.number], now) for other in others]
        settled = settled_lines(
            ((attempt.job.number, attempt.outcome.lines) for attempt in plain), now
        )
        write_lines(connection, list(chain(settled, *(rows for _, rows in learnt))))
        _settle_plainly(connection, plain, now)
        letters = [
            _apply(
                connection,
                other,
                held[other.job.number],
                now,
                known=known[other.job.number],
                states=states,
            )
            for other, (states, _) in zip(others, learnt, strict=True)
        ]
        for result in results:
            if isinstance(result, GiveBack) and held[result.job.number].mine:
                due_at = now + milliseconds(result.delay_seconds)
                connection.execute(_GIVE_BACK, {"the_job": result.job.number, "due": due_at})
    return any(letters)


@dataclass(frozen=True, slots=True)
class _Held:
    state: State
    mine: bool
    attempts: int


_HELD = (
    select(jobs.c.number, jobs.c.state, jobs.c.chunk_id, jobs.c.attempts)
    .where(jobs.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(jobs.c.number)
    .with_for_update()
)


def _held(connection: Connection, chunk_id: str, results: Sequence[Result]) -> dict[int, _Held]:
    rows = connection.execute(_HELD, {"numbers": [result.job.number for result in results]})
    return {
        number: _Held(State(state), state == State.RUNNING and chunk == chunk_id, attempts)
        for number, state, chunk, attempts in rows
    }


_ATTEMPT_COLUMNS = (
    *(
        "job_number",
        "number",
        "started_at",
        "took_ms",
        "kind",
        "decision",
        "http_status",
        "code",
        "message",
    ),
    *("tracking_id", "worker", "reply"),
)


def _insert_attempts(
    connection: Connection, made: Sequence[Attempt], held: dict[int, _Held], worker: str
) -> None:
    rows = [
        (
            attempt.job.number,
            held[attempt.job.number].attempts + 1,
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
    """A decision in a few words, for the record and the log."""
    match decision:
        case Settle(state=state):
            return f"settle {state}"
        case TryAgain(delay_seconds=delay, because=because):
            return f"try again in {delay:.1f} s ({because})"
        case LookUp(delay_seconds=delay):
            return f"look up in {delay:.1f} s"


def _is_plain(attempt: Attempt, held: _Held) -> bool:
    """The common case: the first attempt of a job still ours that no letter is about, every line issued."""
    return (
        attempt.outcome.kind is Kind.ISSUED
        and isinstance(attempt.decision, Settle)
        and held.mine
        and held.attempts == 0
        and attempt.job.redrives == 0
        and attempt.job.reissue_of is None
    )


_SETTLEMENT = {
    "state": bindparam("to"),
    "open_lines": 0,
    "lease_until": None,
    "claims": 0,
    "attempts": jobs.c.attempts + 1,
    "may_have_reached": bindparam("doubt"),
    "settled_at": bindparam("now"),
}
_SETTLE = update(jobs).where(jobs.c.number == bindparam("the_job")).values(_SETTLEMENT)
_SETTLE_ALL = (
    update(jobs).where(jobs.c.number.in_(bindparam("the_jobs", expanding=True))).values(_SETTLEMENT)
)


def _settle_plainly(connection: Connection, plain: Sequence[Attempt], now: int) -> None:
    if plain:
        numbers = [attempt.job.number for attempt in plain]
        connection.execute(
            _SETTLE_ALL, {"the_jobs": numbers, "to": State.ISSUED, "doubt": False, "now": now}
        )


def _learn(
    attempt: Attempt, known: Sequence[StoredLine], now: int
) -> tuple[list[State], list[LineValues]]:
    return learn(
        known, attempt.outcome.lines, attempt.decision, now, looked=attempt.job.look_up is not None
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
    """Apply one attempt that is not the common case; True when it opened a dead letter.

    `known` are the job's lines as they were, `states` theirs from now on; they are written already.
    """
    match settle_by(states, attempt.decision):
        case Settle() as settle if may_replace(held.state, settle.state):
            return _settle(connection, attempt, settle, _what_stands(attempt, known, states), now)
        case TryAgain() | LookUp() as again if held.mine:
            _try_again(connection, attempt, again, states.count(State.WAITING), now)
        case _:
            values = {"the_job": attempt.job.number, "unsettled": states.count(State.WAITING)}
            connection.execute(_COUNT, values)
    return False


_Said = tuple[Reason | None, int | None, str | None]


def _what_stands(attempt: Attempt, known: Sequence[StoredLine], states: Sequence[State]) -> _Said:
    """What a letter is to say: this outcome, or the reply before the looks when no look found the job."""
    outcome, decision = attempt.outcome, attempt.decision
    left = [
        (row.code, row.message)
        for row, state in zip(known, states, strict=True)
        if state is not State.ISSUED and row.code is not None
    ]
    if not (isinstance(decision, Settle) and decision.stands and left):
        return None, outcome.code, outcome.message
    reasons = [standing_reason(code, message or "") for code, message in left]
    return loudest(reasons), *left[0]


_COUNT = (
    update(jobs)
    .where(jobs.c.number == bindparam("the_job"))
    .values(attempts=jobs.c.attempts + 1, open_lines=bindparam("unsettled"))
)


def _settle(
    connection: Connection, attempt: Attempt, settle: Settle, said: _Said, now: int
) -> bool:
    job = attempt.job
    reason, code, message = said
    doubt = settle.state is State.IN_DOUBT
    connection.execute(
        _SETTLE, {"the_job": job.number, "to": settle.state, "doubt": doubt, "now": now}
    )
    if settle.reason is None:
        close_letter(connection, job.number, reissue_of=job.reissue_of)
        return False
    open_letter(
        connection,
        job.number,
        job.campaign_id,
        reason=reason if reason and settle.state is State.FAILED else settle.reason,
        code=stored_number(code),
        message=stored_text(message) or "",
        request_ids=[line.request_id for line in job.lines],
    )
    return True


_GIVE_BACK = (
    update(jobs)
    .where(jobs.c.number == bindparam("the_job"))
    .values(
        state=State.WAITING,
        lease_until=None,
        due_at=bindparam("due"),
        # Nothing was called: that a worker lived to say so tells nothing of those that this job has
        # cost before.
        claims=case((jobs.c.claims > 0, jobs.c.claims - 1), else_=0),
    )
)
_TRY_AGAIN = _GIVE_BACK.values(
    claims=0,
    attempts=jobs.c.attempts + 1,
    open_lines=bindparam("unsettled"),
    may_have_reached=or_(jobs.c.may_have_reached, bindparam("doubt")),
    budget_attempts=jobs.c.budget_attempts + bindparam("counted"),
    budget_started_at=func.coalesce(jobs.c.budget_started_at, bindparam("began")),
    limit_deferrals=jobs.c.limit_deferrals + bindparam("deferred"),
    look_up=bindparam("look"),
    empty_looks=jobs.c.empty_looks + bindparam("empty"),
)


def _try_again(
    connection: Connection, attempt: Attempt, again: TryAgain | LookUp, unsettled: int, now: int
) -> None:
    counted = isinstance(again, LookUp) or again.counted
    values = {
        "the_job": attempt.job.number,
        "due": now + milliseconds(again.delay_seconds),
        "unsettled": unsettled,
        "doubt": attempt.outcome.kind is Kind.IN_DOUBT or isinstance(again, LookUp),
        "counted": int(counted),
        "began": now - attempt.took_ms if counted else None,
        "deferred": int(isinstance(again, TryAgain) and again.because == "limit"),
        "look": again.fallback if isinstance(again, LookUp) else None,
        "empty": int(isinstance(again, LookUp) and again.found_nothing),
    }
    connection.execute(_TRY_AGAIN, values)
