"""Recording: a group of outcomes becomes facts of the ledger in one transaction, before any acknowledgement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from issuance.decision import Decision, Settle, TryAgain
from issuance.outcome import Kind, LineOutcome, Outcome, settled_state
from issuance.states import SETTLED, State, may_replace
from ledger.book import Ledger
from ledger.claims import ClaimedJob
from ledger.clock import milliseconds, now_ms
from ledger.letters import close_letter, open_letter
from ledger.merging import LineFacts, merge
from ledger.schema import attempts, jobs, lines

_BIGGEST = 2**63 - 1


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

    An outcome that settles a job is a fact, whoever holds the job by now; giving a job back is a right of
    the claim's holder only. A settled job changes only for the better (`may_replace`), and whatever
    vouchers a late reply shows are kept.

    Returns:
        True when a dead letter was opened, so that notices are to be published.
    """
    with ledger.write() as connection:
        held = _held(connection, chunk_id, results)
        now = connection.scalar(select(now_ms())) or 0
        _insert_attempts(connection, [r for r in results if isinstance(r, Attempt)], held, worker)
        plain: list[Attempt] = []
        letters = False
        for result in results:
            if isinstance(result, Attempt) and _is_plain(result, held[result.job.number]):
                plain.append(result)
            else:
                letters |= _apply(connection, result, held[result.job.number], now)
        _settle_plainly(connection, plain, now)
    return letters


@dataclass(frozen=True, slots=True)
class _Held:
    state: State
    mine: bool
    attempts: int


def _held(connection: Connection, chunk_id: str, results: Sequence[Result]) -> dict[int, _Held]:
    query = select(jobs.c.number, jobs.c.state, jobs.c.chunk_id, jobs.c.attempts)
    numbers = sorted(r.job.number for r in results)
    rows = connection.execute(query.where(jobs.c.number.in_(numbers)).order_by(jobs.c.number).with_for_update())
    return {
        row.number: _Held(State(row.state), row.state == State.RUNNING and row.chunk_id == chunk_id, row.attempts)
        for row in rows
    }


def _insert_attempts(connection: Connection, made: Sequence[Attempt], held: dict[int, _Held], worker: str) -> None:
    rows = [
        {
            "job_number": attempt.job.number,
            "number": held[attempt.job.number].attempts + 1,
            "started_at": attempt.started_at_ms,
            "took_ms": attempt.took_ms,
            "kind": attempt.outcome.kind.value,
            "decision": describe(attempt.decision),
            "http_status": attempt.http_status,
            "code": _bounded(attempt.outcome.code),
            "message": _clean(attempt.outcome.message),
            "tracking_id": attempt.tracking_id,
            "worker": worker,
            "reply": attempt.reply,
        }
        for attempt in made
    ]
    if rows:
        connection.execute(insert(attempts), rows)


def describe(decision: Decision) -> str:
    """A decision in a few words, for the record and the log."""
    match decision:
        case Settle(state=state):
            return f"settle {state}"
        case TryAgain(delay_seconds=delay, because=because):
            return f"try again in {delay:.1f} s ({because})"


def _is_plain(attempt: Attempt, held: _Held) -> bool:
    """The common case: the first attempt of a job still ours, every line issued."""
    job = attempt.job
    return attempt.outcome.kind is Kind.ISSUED and held.mine and held.attempts == 0 and job.redrives == 0


def _settle_plainly(connection: Connection, plain: Sequence[Attempt], now: int) -> None:
    if not plain:
        return
    rows = [{"the_job": result.job.number} for result in plain]
    connection.execute(_SETTLE_JOB, [row | {"now": now, "to": State.ISSUED.value} for row in rows])
    connection.execute(
        _SETTLE_LINE,
        [
            _line_values(result.job.number, position, line, now)
            for result in plain
            for position, line in enumerate(result.outcome.lines)
        ],
    )


_SETTLE_JOB = (
    update(jobs)
    .where(jobs.c.number == bindparam("the_job"))
    .values(
        state=bindparam("to"),
        open_lines=0,
        lease_until=None,
        claims=0,
        attempts=jobs.c.attempts + 1,
        may_have_reached=False,
        settled_at=bindparam("now"),
    )
)
_SETTLE_LINE = (
    update(lines)
    .where(lines.c.job_number == bindparam("the_job"), lines.c.position == bindparam("at"))
    .values(
        state=bindparam("to"),
        quantity=bindparam("units"),
        code=bindparam("its_code"),
        message=bindparam("text"),
        transaction_ids=bindparam("transactions"),
        vouchers=bindparam("codes"),
        points_references=bindparam("references"),
        anomalies=bindparam("flags"),
        settled_at=bindparam("now"),
    )
)


def _line_values(number: int, position: int, line: LineOutcome, now: int) -> dict[str, Any]:
    return {
        "the_job": number,
        "at": position,
        "to": settled_state(line.kind).value,
        "units": _bounded(line.quantity if line.quantity is not None else _whole(line)),
        "its_code": _bounded(line.code),
        "text": _clean(line.message),
        "transactions": _texts(line.transaction_ids),
        "codes": _texts(line.vouchers),
        "references": _texts(line.points_references),
        "flags": _texts(line.anomalies),
        "now": now,
    }


def _whole(line: LineOutcome) -> int | None:
    return line.requested_quantity if line.kind is Kind.ISSUED else None


def _apply(connection: Connection, result: Result, held: _Held, now: int) -> bool:
    """Apply one result that is not the common case; True when it opened a dead letter."""
    if isinstance(result, GiveBack):
        if held.mine:
            _wait(connection, result.job, result.delay_seconds, {"claims": 0})
        return False
    match result.decision:
        case Settle() as settle:
            _learn(connection, result, now, settle.state)
            if may_replace(held.state, settle.state):
                return _settle(connection, result, settle, now)
            _count_attempt(connection, result)
        case TryAgain() as again:
            _learn(connection, result, now, None)
            if held.mine:
                _wait(connection, result.job, again.delay_seconds, _after_attempt(connection, result, again))
            else:
                _count_attempt(connection, result)
    return False


def _learn(connection: Connection, attempt: Attempt, now: int, settled_as: State | None) -> None:
    """Merge what the reply shows into the lines: nothing that was ever shown is lost."""
    query = select(lines).where(lines.c.job_number == attempt.job.number).order_by(lines.c.position)
    known = {row.request_id: row for row in connection.execute(query)}
    for line in attempt.outcome.lines:
        row = known[line.request_id]
        facts = merge(_facts(row), line, settled_as)
        if facts is not None:
            values = _line_values(attempt.job.number, row.position, facts.line, now)
            values |= {"to": facts.state.value, "now": now if facts.state in SETTLED else None}
            connection.execute(_SETTLE_LINE, values)


def _facts(row: Row[tuple[Any, ...]]) -> LineFacts:
    return LineFacts(
        state=State(row.state),
        quantity=row.quantity,
        transaction_ids=row.transaction_ids,
        vouchers=row.vouchers,
        points_references=row.points_references,
        anomalies=row.anomalies,
    )


def _settle(connection: Connection, attempt: Attempt, settle: Settle, now: int) -> bool:
    values = {"the_job": attempt.job.number, "now": now, "to": settle.state.value}
    connection.execute(_SETTLE_JOB, values)
    if settle.state is State.IN_DOUBT:
        _remember_doubt(connection, attempt.job.number)
    if settle.reason is None:
        close_letter(connection, attempt.job.number)
        return False
    open_letter(
        connection,
        attempt.job.number,
        attempt.job.campaign_id,
        reason=settle.reason,
        code=_bounded(attempt.outcome.code),
        message=_clean(attempt.outcome.message) or "",
    )
    return True


def _remember_doubt(connection: Connection, number: int) -> None:
    connection.execute(update(jobs).where(jobs.c.number == number).values(may_have_reached=True))


def _after_attempt(connection: Connection, attempt: Attempt, again: TryAgain) -> dict[str, Any]:
    unsettled = select(lines.c.position).where(lines.c.job_number == attempt.job.number, lines.c.state == State.WAITING)
    reached = jobs.c.may_have_reached
    if attempt.outcome.kind is Kind.IN_DOUBT:
        reached = True  # type: ignore[assignment]  # a column expression or a plain value: both are values
    values: dict[str, Any] = {
        "claims": 0,
        "attempts": jobs.c.attempts + 1,
        "may_have_reached": reached,
        "open_lines": len(connection.execute(unsettled).all()),
    }
    if again.counted:
        values["budget_attempts"] = jobs.c.budget_attempts + 1
        values["budget_started_at"] = func.coalesce(jobs.c.budget_started_at, now_ms() - attempt.took_ms)
    if again.because == "limit":
        values["limit_deferrals"] = jobs.c.limit_deferrals + 1
    return values


def _wait(connection: Connection, job: ClaimedJob, delay_seconds: float, values: dict[str, Any]) -> None:
    connection.execute(
        update(jobs)
        .where(jobs.c.number == job.number)
        .values(state=State.WAITING, lease_until=None, due_at=now_ms() + milliseconds(delay_seconds), **values)
    )


def _count_attempt(connection: Connection, attempt: Attempt) -> None:
    connection.execute(update(jobs).where(jobs.c.number == attempt.job.number).values(attempts=jobs.c.attempts + 1))


def _texts(values: Sequence[str]) -> str | None:
    return to_json([_clean(value) for value in values]).decode() if values else None


def _bounded(value: int | None) -> int | None:
    """Numbers that no column holds are no codes or quantities of this API."""
    return value if value is not None and abs(value) <= _BIGGEST else None


def _clean(text: str | None) -> str | None:
    """PostgreSQL holds no NUL in text."""
    return None if text is None else text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
