"""Revocations: an operator cancels an issued line's transactions at the API.

The line then is `revoked`: it keeps what was issued, and leaves the sums. The audit log has the
request and its result, as actions on the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select, update

from issuance.states import DeadLetterState, State
from ledger.audit_log import (
    AuditEntry,
    Operator,
    actions_in,
    line_target,
    record_action,
    record_actions,
)
from ledger.queries.outcomes import LineRecord, lines_of_job_in
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import dead_letters, jobs, lines


class RevocationError(LedgerError):
    """The line cannot be revoked; the message says why and what to do instead."""


class Verb(StrEnum):
    """The actions of a revocation, in the order in which they happen."""

    ASKED = "revoke"
    """Recorded before the API is called, so the request is known even if the process crashes."""
    REVOKED = "revoked"
    NOT_REVOKED = "not revoked"
    IN_DOUBT = "revoke in doubt"


@dataclass(frozen=True, slots=True)
class Revocation:
    """What revoking a line would do."""

    line: LineRecord
    asked_before: bool
    """An earlier request has no known result: the API may say that the line was revoked already."""

    @property
    def transaction_ids(self) -> tuple[str, ...]:
        """The transactions to revoke, each as a whole."""
        return self.line.transaction_ids


def plan_revocation(ledger: Ledger, request_id: str) -> Revocation:
    """Find out what revoking a line would do.

    Raises:
        RevocationError: it cannot be revoked.
    """
    with ledger.read() as connection:
        return _plan(connection, request_id)


def begin_revocation(ledger: Ledger, request_id: str, operator: Operator) -> Revocation:
    """Record that a revocation is requested, before the API is called.

    Raises:
        RevocationError: it cannot be revoked, or not any more.
    """
    with ledger.write() as connection:
        revocation = _plan(connection, request_id)
        _record(connection, revocation, Verb.ASKED, operator)
        return revocation


def end_revocation(
    ledger: Ledger, revocation: Revocation, verb: Verb, operator: Operator, result: str
) -> None:
    """Record the result, which has the API's answer."""
    with ledger.write() as connection:
        if verb is Verb.REVOKED:
            mark_revoked(connection, [revocation.line.request_id])
        _record(connection, revocation, verb, operator, result)


def begin_revocations(
    ledger: Ledger, request_ids: Sequence[str], operator: Operator
) -> tuple[list[Revocation], dict[str, str]]:
    """Record that these revocations are requested; return them, and why the others are refused."""
    begun: list[Revocation] = []
    refused: dict[str, str] = {}
    with ledger.write() as connection:
        for request_id in request_ids:
            try:
                begun.append(_plan(connection, request_id))
            except RevocationError as error:
                refused[request_id] = str(error)
        targets = [line_target(revocation.line.request_id) for revocation in begun]
        record_actions(
            connection, operator, verb=Verb.ASKED.value, targets=targets, before=State.ISSUED
        )
    return begun, refused


def end_revocations(
    ledger: Ledger, results: Sequence[tuple[Revocation, Verb, str]], operator: Operator
) -> None:
    """Record the results of several revocations, each with the API's answer in words."""
    alike: dict[tuple[Verb, str], list[str]] = {}
    for revocation, verb, result in results:
        alike.setdefault((verb, result), []).append(revocation.line.request_id)
    with ledger.write() as connection:
        mark_revoked(
            connection, [each.line.request_id for each, verb, _ in results if verb is Verb.REVOKED]
        )
        for (verb, result), request_ids in alike.items():
            record_actions(
                connection,
                operator,
                verb=verb.value,
                targets=[line_target(request_id) for request_id in request_ids],
                before=State.ISSUED,
                after=result,
            )


def mark_revoked(connection: Connection, request_ids: Sequence[str]) -> None:
    """Take lines out of the sums; a late answer that is being recorded must not undo it."""
    of_lines = select(lines.c.job_number).where(lines.c.request_id.in_(request_ids))
    connection.execute(
        select(jobs.c.number)
        .where(jobs.c.number.in_(of_lines))
        .order_by(jobs.c.number)
        .with_for_update()
    )
    connection.execute(
        update(lines)
        .where(lines.c.request_id.in_(request_ids), lines.c.state == State.ISSUED)
        .values(state=State.REVOKED)
    )


def _record(
    connection: Connection,
    revocation: Revocation,
    verb: Verb,
    operator: Operator,
    result: str = "",
) -> None:
    record_action(
        connection,
        operator,
        verb=verb.value,
        target=line_target(revocation.line.request_id),
        before=revocation.line.state,
        after=result,
    )


def _plan(connection: Connection, request_id: str) -> Revocation:
    of_job = lines_of_job_in(connection, request_id)
    line = next((line for line in of_job if line.request_id == request_id), None)
    if line is None:
        raise RevocationError(
            f"No line has the requestId {request_id}: `issuance outcomes CAMPAIGN` shows them"
        )
    history = actions_in(connection, line_target(request_id))
    _check(line, history)
    _check_job(connection, line)
    _check_transactions(line, of_job)
    return Revocation(line, bool(history) and history[-1].verb in (Verb.ASKED, Verb.IN_DOUBT))


def _check(line: LineRecord, history: Sequence[AuditEntry]) -> None:
    asked = [action for action in history if action.verb == Verb.ASKED]
    if line.revoked_at is not None and asked:
        raise RevocationError(
            f"It was revoked already, at {line.revoked_at:%Y-%m-%d %H:%M:%S}Z "
            f"by {asked[-1].subject}: {asked[-1].reason}"
        )
    if line.state is not State.ISSUED:
        raise RevocationError(
            f"Only what is issued can be revoked, and this line is {line.state}: "
            f"{_INSTEAD[line.state]}"
        )
    if line.customer.is_erased:
        raise RevocationError(
            "Its customer was erased, and what the API answered with it: revoke it at the API, "
            f"as transaction {', '.join(line.transaction_ids) or 'of this requestId'}"
        )
    if not line.transaction_ids:
        raise RevocationError(
            "No reply showed its transaction: "
            "find it at the API by the requestId and revoke it there"
        )


_WAIT = "wait until it is settled, or cancel its campaign"
_INSTEAD = {
    State.WAITING: _WAIT,
    State.QUEUED: _WAIT,
    State.RUNNING: _WAIT,
    State.PARTIAL: "resend its dead letter until it is issued; to revoke its units now, do so at "
    "the API and discard the dead letter",
    State.FAILED: "nothing was issued",
    State.IN_DOUBT: "resend its dead letter, which shows whether it was issued",
    State.CANCELLED: "nothing was sent",
    State.REPLACED: "nothing was issued",
    State.REVOKED: "its transactions were revoked before",
}


def _check_job(connection: Connection, line: LineRecord) -> None:
    """Make sure that the job is not sent again: under a revoked requestId the API might reissue."""
    number = (
        select(lines.c.job_number).where(lines.c.request_id == line.request_id).scalar_subquery()
    )
    open_lines = connection.scalar(select(jobs.c.open_lines).where(jobs.c.number == number))
    if open_lines:
        raise RevocationError(
            "Other lines of its job are not settled yet: wait until they are, then run this again"
        )
    query = select(dead_letters.c.id).where(
        dead_letters.c.job_number == number, dead_letters.c.state == DeadLetterState.OPEN
    )
    letter = connection.scalar(query)
    if letter is not None:
        raise RevocationError(
            f"Its job has the open dead letter {letter}, and resending that after the revocation "
            "could issue it a second time: redrive it until it is closed, or "
            f"`issuance dead-letters discard {letter}`, then run this again"
        )


def _check_transactions(line: LineRecord, of_job: Sequence[LineRecord]) -> None:
    """Make sure that the transactions are this line's own, and no other reward's."""
    if not line.transaction_ids:
        raise RevocationError(
            f"No reply showed its transaction: find it at the API by {line.job_id}, revoke it there"
        )
    for other in of_job:
        shared = set(line.transaction_ids).intersection(other.transaction_ids)
        if other.request_id != line.request_id and shared:
            raise RevocationError(
                f"The API's answer names transaction {', '.join(sorted(shared))} for "
                f"{other.request_id} too, and only one of them can have it: "
                "find out at the API which one, and revoke the right one there"
            )
