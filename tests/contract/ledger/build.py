"""Builders for the ledger's tests: jobs, the API's answers, and a desk that drives a ledger."""

import json
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from sqlalchemy import select, update

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.fair_queue import FairScheduler
from issuance.job import Job, Lane, Line, freeze_body
from issuance.outcome import Kind
from issuance.redrive.rules import Verb
from issuance.replies.classification import classify
from issuance.replies.reply import Answer, NoAnswer, Reply
from issuance.request_id import CampaignIds, keyed_request_id
from issuance.retry import History, RetryPolicy, decide
from issuance.states import State
from ledger.audit_log import Operator
from ledger.campaigns import Campaign, ensure_campaign, weigh_campaign
from ledger.dead_letters.browse import DeadLetter, DeadLetterFilter, list_dead_letters
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.dispatch.claims import claim
from ledger.dispatch.release import Chunk, release
from ledger.intake.acceptance import Acceptance, accept
from ledger.queries.balance import balance
from ledger.queries.outcomes import LineRecord, lines_of_job
from ledger.results.attempts import Attempt, GiveBack, Result
from ledger.results.recording import record
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import jobs
from tests.redriving import Redriven, discard, redrive

OPERATOR = Operator("asha", "ticket 42")
TIMEOUT = NoAnswer("timeout", "no answer within 20 s", sent=True)
NOT_SENT = NoAnswer("connect", "connection refused", sent=False)
TOO_MANY = Answer(429, b"", retry_after=7.0)
LIMIT_CODE, REFUSED_CODE, BUSY_CODE = 12005, 1014, 10004


def make_job(
    number: int = 1,
    *,
    campaign: str = "diwali",
    rewards: tuple[int, ...] = (1001,),
    quantity: int = 1,
    lane: Lane = Lane.BLAST,
    variant: Variant = Variant.BULK,
    occurrence: int = 1,
    key: str | None = None,
    notes: str | None = None,
    source_line: int | None = None,
    ids: CampaignIds | None = None,
) -> Job:
    """Make the job of customer `number`, as a producer does; None: with unkeyed `ids`."""
    customer = Customer("mobile", f"91980000{number:04}")
    request_ids = [
        (ids or CampaignIds(campaign)).derive(customer, reward, occurrence=occurrence)
        if key is None
        else keyed_request_id(key, position=position)
        for position, reward in enumerate(rewards)
    ]
    lines = tuple(
        Line(
            request_id,
            reward,
            quantity,
            org_id=50_000 + place if variant is Variant.CONNECTED else None,
        )
        for place, (request_id, reward) in enumerate(zip(request_ids, rewards, strict=True))
    )
    body = freeze_body(
        variant,
        customer,
        lines,
        brand="DEMO",
        email_key="email",
        fields={"notes": notes} if notes else {},
    )
    line_of_file = number + 1 if source_line is None else source_line
    return Job(
        customer, lines, variant, body, lane, occurrence=occurrence, source_line=line_of_file
    )


def make_jobs(count: int, first: int = 1, **options: Any) -> list[Job]:
    """Make the jobs of `count` customers."""
    return [make_job(number, **options) for number in range(first, first + count)]


def say(
    line: Line,
    code: int = 200,
    *,
    units: int | None = None,
    vouchers: Iterable[str] = (),
    **more: Any,
) -> Any:
    """Make an answer's element for one line; by default code 200 issues all units, others none."""
    issued = (line.quantity if code == 200 else 0) if units is None else units
    return {
        "status": {"success": code == 200, "code": code, "message": f"says {code}"},
        "requestId": line.request_id,
        "rewardId": line.reward_id,
        "requestedQuantity": line.quantity,
        "quantity": issued,
        "transactionId": int(line.request_id[:6], 16),
        "intouch": [{"couponCode": voucher} for voucher in vouchers] or None,
    } | more


def answer(*elements: Any) -> Answer:
    """Make an answer of the bulk endpoint; its top level sums up the elements."""
    codes = {element["status"]["code"] for element in elements}
    code = codes.pop() if len(codes) == 1 else 8010
    status = {"success": code == 200, "code": code, "message": f"says {code}"}
    return Answer(
        200, json.dumps({"status": status, "rewards": elements}).encode(), tracking_id="t-1"
    )


def refuse(code: int = REFUSED_CODE, message: str = "no such customer") -> Answer:
    """Make an answer that refuses the whole call."""
    return Answer(
        200, json.dumps({"status": {"success": False, "code": code, "message": message}}).encode()
    )


def issue(job: ClaimedJob) -> Answer:
    """Make an answer that issues every line, with a voucher for each unit."""
    return answer(
        *(
            say(line, vouchers=[f"{line.request_id[:8]}-{unit}" for unit in range(line.quantity)])
            for line in job.lines
        )
    )


def judge(
    job: ClaimedJob,
    reply: Reply,
    *,
    policy: RetryPolicy | None = None,
    defers_limits: bool = False,
    now: datetime = datetime(2026, 1, 7, 12, tzinfo=UTC),
) -> Attempt:
    """Classify a reply and decide on it, as a worker does."""
    outcome = classify(job.lines, job.variant, reply, resent=job.may_have_reached)
    history = History(
        attempts=job.budget_attempts + 1,
        age_seconds=job.budget_age_seconds or 0.0,
        in_doubt_before=job.may_have_reached,
        limit_deferrals=job.limit_deferrals,
        limit_refused_at=job.limit_refused_at,
        defers_limits=defers_limits,
    )
    has_body = isinstance(reply, Answer)
    return Attempt(
        job=job,
        outcome=outcome,
        decision=decide(outcome, history, policy or RetryPolicy(), now=now, rng=Random(1)),
        started_at_ms=int(now.timestamp() * 1000),
        took_ms=40,
        http_status=reply.status if has_body else None,
        tracking_id=reply.tracking_id if has_body else None,
        reply=reply.body if has_body and outcome.kind is not Kind.ISSUED else None,
    )


@dataclass
class Desk:
    """A ledger with one campaign, and short names for the steps of a job."""

    ledger: Ledger
    campaign: Campaign
    turns: dict[Lane, FairScheduler] = field(
        default_factory=lambda: {lane: FairScheduler() for lane in Lane}
    )

    def accept(self, *batch: Job, intake_id: int | None = None) -> Acceptance:
        return accept(self.ledger, self.campaign, batch, intake_id=intake_id)

    def another(self, name: str) -> "Desk":
        return Desk(self.ledger, ensure_campaign(self.ledger, name), self.turns)

    def release(
        self,
        *,
        window: int = 1000,
        chunk_size: int = 1000,
        shared: float = math.inf,
        lane: Lane = Lane.BLAST,
        probed: Collection[int] = (),
        newest_probes: bool = False,
        **of_accounts: Any,
    ) -> list[Chunk]:
        probes = {"is_probed": lambda number: number in probed, "newest_probes": newest_probes}
        sizes = {"window": window, "chunk_size": chunk_size, "shared_chunk_size": shared}
        return release(
            self.ledger,
            lane,
            self.turns[lane],
            **sizes,
            lost_after_seconds=60,
            **probes,
            **of_accounts,
        )

    def weigh(self, weight: int) -> "Desk":
        weigh_campaign(self.ledger, self.campaign.name, weight, OPERATOR)
        return self

    def claim(
        self, chunk: Chunk, *, orphaned: bool = False, accounts: Collection[str] | None = None
    ) -> Claim:
        return claim(
            self.ledger,
            chunk.message,
            lease_seconds=60,
            orphaned=orphaned,
            accounts=accounts,
        )

    def take(self, lane: Lane = Lane.BLAST) -> Claim:
        """Make every waiting job due, release them all as one chunk, and claim it."""
        self.make_due()
        (chunk,) = self.release(lane=lane)
        return self.claim(chunk)

    def take_one(self, job: Job | None = None) -> tuple[Claim, ClaimedJob]:
        """Accept the job, if one is given, and claim the only waiting job."""
        if job is not None:
            self.accept(job)
        held = self.take()
        (claimed,) = held.jobs
        return held, claimed

    def record(self, held: Claim, *results: Result) -> bool:
        return record(self.ledger, held.chunk_id, results, worker="w-1")

    def settle(self, job: Job, reply: Reply) -> ClaimedJob:
        """Accept a job, claim it, and settle it by its only attempt."""
        held, claimed = self.take_one(job)
        self.record(held, judge(claimed, reply, policy=RetryPolicy(max_attempts=1)))
        return claimed

    def give_back(self, held: Claim, delay_seconds: float = 0.0) -> None:
        self.record(held, *(GiveBack(job, delay_seconds, "a test wants it") for job in held.jobs))

    def make_due(self) -> None:
        self._set(state=State.WAITING, due_at=now_ms())

    def lapse(self) -> None:
        """Let every lease lapse, as if messages and workers were lost."""
        with self.ledger.write() as connection:
            connection.execute(
                update(jobs).where(jobs.c.lease_until.is_not(None)).values(lease_until=now_ms() - 1)
            )

    def _set(self, state: State, **values: Any) -> None:
        with self.ledger.write() as connection:
            connection.execute(update(jobs).where(jobs.c.state == state).values(**values))

    def row(self, job_id: str) -> Any:
        """Read the job's row."""
        with self.ledger.read() as connection:
            return connection.execute(select(jobs).where(jobs.c.id == job_id)).one()

    def state(self, job: Job | ClaimedJob) -> State:
        return State(self.row(job.id).state)

    def lines(self, job: Job | ClaimedJob) -> list[LineRecord]:
        return lines_of_job(self.ledger, job.id)

    def line(self, job: Job | ClaimedJob) -> LineRecord:
        (only,) = self.lines(job)
        return only

    def letters(self, **chosen: Any) -> list[DeadLetter]:
        return list(list_dead_letters(self.ledger, DeadLetterFilter(**{"state": None} | chosen)))

    def letter(self) -> DeadLetter:
        (only,) = self.letters()
        return only

    def redrive(self, verb: Verb, *, per_second: float = 0.0, **chosen: Any) -> Redriven:
        return redrive(
            self.ledger, DeadLetterFilter(**chosen), verb, OPERATOR, per_second=per_second
        )

    def discard(self, **chosen: Any) -> Redriven:
        return discard(self.ledger, DeadLetterFilter(**chosen), OPERATOR)

    def counts(self) -> dict[State, int]:
        """Count the campaign's lines by state, without empty states."""
        found = balance(self.ledger, self.campaign.name)
        assert found.balanced
        return {state: count for state, count in found.counts.items() if count}
