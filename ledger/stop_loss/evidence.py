"""What a stop keeps as evidence: the last answers of a reward, their counts and three replies."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from issuance.customer import Customer
from issuance.masking import scrub
from issuance.outcome import Kind
from issuance.states import State
from issuance.stop_loss.cusum import STOP_AT
from issuance.stop_loss.faults import Fault, FaultRow, find_recorded_fault
from ledger.store.clock import instant
from ledger.store.schema import LINE_REWARD, attempts, campaign_rewards, jobs, lines

_WINDOW = 50
"""The most answers of the window."""
_REPLIES = 3
_DAY_MS = 24 * 3600 * 1000


class _Answer(NamedTuple):
    request_id: str
    at: int
    http_status: int | None
    kind: Kind
    code: int | None
    message: str
    customer: str

    @property
    def fault(self) -> FaultRow:
        return find_recorded_fault(self.kind, self.code, self.message)


def reward_evidence(connection: Connection, campaign_id: int, reward: str) -> dict[str, Any]:
    """Return the evidence against a reward, without personal data: the newest answers' window."""
    answers = _newest(connection, campaign_id, reward)
    query = select(
        campaign_rewards.c.statistic, campaign_rewards.c.answers, campaign_rewards.c.faults
    ).where(campaign_rewards.c.campaign_id == campaign_id, campaign_rewards.c.reward == reward)
    row = connection.execute(query).one()
    return {
        **describe_answers(answers),
        "statistic": row.statistic / 1000,
        "stopsAt": STOP_AT / 1000,
        "allAnswers": row.answers,
        "allFaults": row.faults,
    }


def describe_answers(answers: Sequence[_Answer]) -> dict[str, Any]:
    """Return the window, the counts by code and three masked replies of some answers."""
    faults = [each for each in answers if each.fault.fault is Fault.CAMPAIGN]
    times = sorted(each.at for each in answers)
    counts = Counter(_label(each) for each in answers)
    return {
        "from": _iso(times[0]) if times else None,
        "to": _iso(times[-1]) if times else None,
        "answers": len(answers),
        "faults": len(faults),
        "counts": dict(counts.most_common()),
        "causes": [why for why, _ in Counter(each.fault.why for each in faults).most_common(3)],
        "replies": [
            {
                "requestId": each.request_id,
                "at": _iso(each.at),
                "httpStatus": each.http_status,
                "code": each.code,
                "message": scrub(each.message, (Customer.parse(each.customer).value,)),
            }
            for each in faults[:_REPLIES]
        ],
    }


def _label(answer: _Answer) -> str:
    if answer.kind is Kind.ISSUED:
        return "issued"
    return str(answer.code) if answer.code is not None else "no answer"


def _iso(ms: int) -> str:
    at = instant(ms)
    return "" if at is None else at.isoformat(timespec="milliseconds")


ANSWERS = (
    select(
        lines.c.request_id,
        attempts.c.started_at,
        attempts.c.http_status,
        attempts.c.kind,
        attempts.c.code,
        attempts.c.message,
        jobs.c.customer,
        lines.c.state,
        lines.c.code,
        lines.c.message,
    )
    .join(jobs, jobs.c.number == attempts.c.job_number)
    .join(lines, lines.c.job_number == attempts.c.job_number)
    .order_by(attempts.c.started_at.desc(), attempts.c.job_number.desc())
)


def _newest(connection: Connection, campaign_id: int, reward: str) -> list[_Answer]:
    newest = select(attempts.c.started_at).order_by(attempts.c.started_at.desc()).limit(1)
    since = (connection.scalar(newest) or 0) - _DAY_MS
    query = ANSWERS.where(
        attempts.c.started_at >= since,
        jobs.c.campaign_id == campaign_id,
        LINE_REWARD.in_([reward]),
    ).limit(_WINDOW)
    return read_answers(connection, query)


def read_answers(connection: Connection, query: Any) -> list[_Answer]:
    """Read answers by a query of `ANSWERS`' columns, newest first."""
    return [_answer(row) for row in connection.execute(query)]


_KINDS = {State(kind.value): kind for kind in (Kind.ISSUED, Kind.PARTIAL, Kind.FAILED)}


def _answer(row: Any) -> _Answer:
    """In a call with several rewards, the line's own code counts once it is settled."""
    request_id, at, http_status, kind, code, message, customer, *of_line = row
    state, line_code, line_message = of_line
    settled = _KINDS.get(State(state))
    if settled is not None and line_code is not None:
        kind, code, message = settled, line_code, line_message
    return _Answer(request_id, at, http_status, Kind(kind), code, message or "", customer)
