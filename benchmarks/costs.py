"""Cost of each ledger step per job (release, claim, record), in a small and in a large ledger.

`python -m benchmarks.costs LEDGER_URL JOBS CAMPAIGN` runs that many waiting jobs through the steps
and prints microseconds per job, of CPU and of wall time, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from benchmarks.cores import WORKER_CORES, python, run_to_end
from benchmarks.stub import bulk_answer
from issuance.fair_queue import FairScheduler
from issuance.job import Lane
from issuance.replies.classification import classify
from issuance.replies.reply import Answer
from issuance.retry import Settle
from issuance.states import State
from ledger.dead_letters.browse import DeadLetterFilter, count_dead_letters
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.dispatch.claims import claim
from ledger.dispatch.release import release
from ledger.queries.balance import balance
from ledger.results.attempts import Attempt
from ledger.results.recording import record
from ledger.store.database import Ledger
from ledger.store.schema import jobs

CHUNK_JOBS = 500
"""Jobs per chunk."""
_GROUP_JOBS = 250
_LEASE_SECONDS = 120.0


@dataclass
class Stopwatch:
    """Adds up CPU and wall time of each step, in seconds."""

    cpu: dict[str, float] = field(default_factory=dict)
    clock: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu
        self.clock[name] = self.clock.get(name, 0.0) + time.perf_counter() - clock


def measure_in_subprocess(ledger_url: str, count: int, campaign: str) -> dict[str, Any]:
    """Run that many waiting jobs of a campaign through the steps, in a separate process."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")
    }
    command = python("benchmarks.costs", ledger_url, str(count), campaign)
    printed = run_to_end(command, cores=WORKER_CORES, environment=environment)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def _measure(ledger_url: str, count: int, campaign: str) -> dict[str, Any]:
    """Microseconds per job of each step and per query, and the number of jobs in the ledger."""
    steps, queries = Stopwatch(), Stopwatch()
    chunks = max(1, count // CHUNK_JOBS)
    with Ledger(ledger_url, durable=False) as ledger:
        run_steps(ledger, Stopwatch())  # compiles the statements
        for _ in range(chunks):
            run_steps(ledger, steps)
        with queries.step("status of the campaign"):
            balance(ledger, campaign)
        with queries.step("count of open dead letters"):
            count_dead_letters(ledger, DeadLetterFilter())
        with ledger.read() as connection:
            jobs_in_all = connection.scalar(select(func.count()).select_from(jobs))
    per_job = chunks * CHUNK_JOBS
    return {
        "jobs": jobs_in_all,
        "cpu": {name: seconds / per_job * 1e6 for name, seconds in steps.cpu.items()},
        "clock": {name: seconds / per_job * 1e6 for name, seconds in steps.clock.items()},
        "query": {name: seconds * 1e6 for name, seconds in queries.clock.items()},
    }


def bulk_success(job: ClaimedJob) -> Answer:
    """The stub's answer: every line is issued."""
    return Answer(
        200, bulk_answer([job.id.encode()], job.body), retry_after=None, tracking_id="bench"
    )


def run_steps(
    ledger: Ledger, watch: Stopwatch, answer_of: Callable[[ClaimedJob], Answer] = bulk_success
) -> None:
    """Run one chunk of waiting jobs through the steps; `answer_of` makes the API's answer."""
    with watch.step("release"):
        [chunk] = release(
            ledger,
            Lane.BLAST,
            FairScheduler(),
            window=CHUNK_JOBS,
            chunk_size=CHUNK_JOBS,
            lost_after_seconds=_LEASE_SECONDS,
        )
    with watch.step("claim"):
        held = claim(ledger, chunk.message, lease_seconds=_LEASE_SECONDS, orphaned=False)
    answers = [answer_of(job) for job in held.jobs]
    with watch.step("classify"):
        attempts = [_attempt(job, answer) for job, answer in zip(held.jobs, answers, strict=True)]
    with watch.step("record"):
        for start in range(0, len(attempts), _GROUP_JOBS):
            record(ledger, chunk.id, attempts[start : start + _GROUP_JOBS], worker="bench")


def _attempt(job: ClaimedJob, answer: Answer) -> Attempt:
    outcome = classify(job.lines, job.variant, answer, resent=False)
    return Attempt(
        job=job,
        outcome=outcome,
        decision=Settle(State.ISSUED, None),
        started_at_ms=time.time_ns() // 1_000_000,
        took_ms=50,
        http_status=answer.status,
        tracking_id=answer.tracking_id,
        reply=None,
    )


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
