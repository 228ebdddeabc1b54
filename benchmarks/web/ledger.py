"""A large ledger for the web console's measurements, in SQLite.

`python -m benchmarks.web.ledger FILE [--lines N]` writes it: finished campaigns, one that is
paused, and one that waits for approval. Every hundredth settled line is an open dead letter in one
of forty groups. The same customers are in all campaigns. Every line has its job, and every settled
one its call and search keys. Acts of people fill the audit log.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, cast

from sqlalchemy import Connection, text

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.load import write_csv
from benchmarks.scale.population import BODY, ID, LETTER_OF, copy_rows, insert_rows
from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose
from issuance.outcome import Reason
from issuance.search_key import SearchDigests
from ledger.audit_log import Operator, campaign_target, letter_target, record_actions
from ledger.dead_letters.group_ids import group_of
from ledger.store.database import Ledger
from ledger.store.schema import attempts, dead_letters, jobs, lines, search_keys

if TYPE_CHECKING:
    import sqlite3

_AT_ONCE = 250_000
_WEEK_MS = 7 * 86_400_000
_GROUPS = 40
_FINISHED = 8
_ACTS = 20_000
PAUSED, WAITING = "paused-one", "waits-for-approval"


class Part(NamedTuple):
    """A campaign of the ledger."""

    name: str
    state: str
    lines: int
    settled: int


def parts(count: int) -> Iterator[Part]:
    """Divide `count` lines among the campaigns."""
    draft, paused = count // 20, count // 10
    ended = (count - draft - paused) // _FINISHED
    for number in range(1, _FINISHED + 1):
        yield Part(f"season-{number}", "finished", ended, ended)
    yield Part(PAUSED, "paused", paused, paused * 3 // 4)
    yield Part(WAITING, "awaiting_approval", draft, 0)


def fill(url: str, count: int) -> None:
    """Migrate a new ledger, and fill it."""
    with TemporaryDirectory() as folder, Ledger(url, durable=False) as ledger:
        ledger.migrate()
        row = Path(folder) / "one.csv"
        write_csv(row, 1)
        done = 0
        for part in parts(count):
            accept_in_subprocess(row, url, part.name)
            done = _fill_part(ledger, part, count, done)
        _write_acts(ledger, [part.name for part in parts(count)])


def _fill_part(ledger: Ledger, part: Part, count: int, done: int) -> int:
    with ledger.read() as connection:
        template = connection.scalar(text("SELECT max(number) FROM jobs")) or 0
    groups = _groups(ledger)
    values = {
        "template": template,
        "settled": template + part.settled,
        "group": groups[0],
        # The calls of the last week, evenly: the newest lines are the newest calls.
        "step": _WEEK_MS / count,
        "left": (count - done) * _WEEK_MS // count,
    }
    last = template + part.lines - 1
    for first in range(template + 1, last + 1, _AT_ONCE):
        within = {"first": first, "last": min(last, first + _AT_ONCE - 1)}
        with ledger.write() as connection:
            _add_functions(connection, ledger)
            for statement in _statements():
                connection.execute(text(statement), values | within)
    with ledger.write() as connection:
        connection.execute(text(_COMPLETE), part._asdict() | {"waiting": part.lines - part.settled})
        if part.settled:
            for statement in _SETTLE_TEMPLATE:
                connection.execute(text(statement), {"template": template})
    return done + part.lines


_COMPLETE = """
UPDATE campaigns SET accepted_lines = :lines, requested_units = :lines, state = :state,
    started_at = CASE WHEN :settled > 0 THEN created_at END,
    finished_at = CASE WHEN :waiting = 0 THEN created_at END
WHERE name = :name
"""

_SETTLE_TEMPLATE = (
    """
    UPDATE jobs SET state = 'issued', open_lines = 0, settled_at = accepted_at
    WHERE number = :template
    """,
    """
    UPDATE lines SET state = 'issued', quantity = 1, code = 200, settled_at = 1
    WHERE job_number = :template
    """,
)


def _groups(ledger: Ledger) -> list[int]:
    reasons = [(8000 + number, f"refused because of rule {chr(97 + number % 26) * (1 + number)}")
               for number in range(_GROUPS)]  # fmt: skip
    with ledger.write() as connection:
        return [group_of(connection, Reason.FAILED, code, message, ()) for code, message in reasons]


def _add_functions(connection: Connection, ledger: Ledger) -> None:
    """Let SQL make the digests that the product makes."""
    customers, search = ledger.keys[Purpose.CUSTOMERS], ledger.keys[Purpose.SEARCH]
    of_voucher = SearchDigests(search).of_voucher
    raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    raw.create_function(
        "customer_key", 1, lambda value: customer_digest(Customer("mobile", value), customers)
    )
    raw.create_function("voucher_key", 1, of_voucher)


_SETTLED = "i < :settled"
_IS_LETTER = f"i % {LETTER_OF} = 0"
_IS_ISSUED = f"{_SETTLED} AND NOT {_IS_LETTER}"
_STATE = (
    f"CASE WHEN NOT {_SETTLED} THEN 'waiting' WHEN {_IS_LETTER} THEN 'failed' ELSE 'issued' END"
)
_AT = "CAST(t.accepted_at - :left + (i - :template) * :step AS INTEGER)"
_MOBILE = "(919000000000 + i - :template)"


def _statements() -> Iterator[str]:
    yield copy_rows("sqlite", jobs, _OF_JOBS, "jobs t WHERE t.number = :template")
    yield copy_rows("sqlite", lines, _OF_LINES, "lines t WHERE t.job_number = :template")
    of_job = "n, jobs t WHERE t.number = :template"
    yield insert_rows("sqlite", attempts, _OF_ATTEMPTS, f"{of_job} AND {_SETTLED}")
    yield insert_rows(
        "sqlite", dead_letters, _OF_LETTERS, f"{of_job} AND {_IS_LETTER} AND {_SETTLED}"
    )
    for digest in ("voucher_key('C' || i)", "7000000000 + i"):
        shown = f"n WHERE {_IS_ISSUED}"
        keys = {"block": "i >> 13", "digest": digest, "job_number": "i"}
        yield insert_rows("sqlite", search_keys, keys, shown)


_OF_JOBS = {
    "number": "i",
    "id": ID["sqlite"],
    "customer": f"'mobile:' || {_MOBILE}",
    "customer_digest": f"customer_key(CAST({_MOBILE} AS TEXT))",
    "body": BODY["sqlite"].format(id=ID["sqlite"]),
    "source_line": "i - :template + 1",
    "state": _STATE,
    "open_lines": f"CASE WHEN {_SETTLED} THEN 0 ELSE 1 END",
    "attempts": f"CASE WHEN {_SETTLED} THEN 1 ELSE 0 END",
    "accepted_at": _AT,
    "due_at": _AT,
    "settled_at": f"CASE WHEN {_SETTLED} THEN {_AT} + 1000 END",
}
_OF_LINES = {
    "job_number": "i",
    "request_id": ID["sqlite"],
    "state": _STATE,
    "settled_at": f"CASE WHEN {_SETTLED} THEN (SELECT settled_at FROM jobs WHERE number = i) END",
    "quantity": f"CASE WHEN {_IS_ISSUED} THEN 1 END",
    "code": f"CASE WHEN NOT {_SETTLED} THEN NULL WHEN {_IS_LETTER} THEN 8000 ELSE 200 END",
    "transaction_ids": f"CASE WHEN {_IS_ISSUED} THEN '[\"' || (7000000000 + i) || '\"]' END",
    "vouchers": f"CASE WHEN {_IS_ISSUED} THEN '[\"C' || i || '\"]' END",
}
_OF_ATTEMPTS = {
    "job_number": "i",
    "number": "1",
    "started_at": _AT,
    "took_ms": "40 + i % 50",
    "kind": f"CASE WHEN {_IS_LETTER} THEN 'failed' ELSE 'issued' END",
    "decision": f"CASE WHEN {_IS_LETTER} THEN 'settle failed' ELSE 'settle issued' END",
    "http_status": "200",
    "code": f"CASE WHEN {_IS_LETTER} THEN 8000 ELSE 200 END",
    "tracking_id": "'bench'",
    "worker": "'bench'",
}
_OF_LETTERS = {
    "job_number": "i",
    "campaign_id": "t.campaign_id",
    "state": "'open'",
    "reason": "'failed'",
    "code": f"8000 + i / {LETTER_OF} % {_GROUPS}",
    "message": "'refused'",
    "openings": "1",
    "group_id": f":group + i / {LETTER_OF} % {_GROUPS}",
    **dict.fromkeys(("opened_at", "changed_at", "published_at"), _AT),
}


def _write_acts(ledger: Ledger, names: Sequence[str]) -> None:
    """Write single acts on campaigns, and one act on many dead letters."""
    people = [Operator(f"person-{number}") for number in range(5)]
    with ledger.write() as connection:
        for number in range(_ACTS // 2):
            person, name = people[number % len(people)], names[number % len(names)]
            verb = ("pause", "resume")[number // len(names) % 2]
            target = campaign_target(name)
            record_actions(connection, person, verb=verb, targets=[target], after="running")
        letters = [letter_target(number) for number in range(1, _ACTS // 2)]
        record_actions(connection, people[0], verb="discard", targets=letters, after="discarded")
        record_actions(connection, people[1], verb="pause", targets=[campaign_target(names[-2])])


def main() -> None:
    """Fill the file that the command line names."""
    parser = argparse.ArgumentParser("python -m benchmarks.web.ledger", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=10_000_000)
    options = parser.parse_args()
    options.file.parent.mkdir(parents=True, exist_ok=True)
    fill(f"sqlite:///{options.file.absolute()}", options.lines)


if __name__ == "__main__":
    main()
