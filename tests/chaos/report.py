"""The report of a run: faults, results, and the protections."""

import os
import platform
import statistics
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.chaos.record import Record

_INTRODUCTION = (
    "Written by `{command}` on {date}, on a machine with {machine}. Each hazard strikes a running "
    "system during blasts: real processes, a real broker, a real ledger, and a simulated API that "
    "keeps its own record. After each hazard ledger and record are compared requestId by "
    "requestId. *Lost* counts jobs that are not settled or have units that the ledger does not "
    "know, *doubled* requestIds with more units than requested, *in doubt* jobs left to an "
    "operator. *Recovered* is the time from the end of the fault until the system continues; the "
    "lease is 5 s here (120 s by default), a call takes at most 2 s."
)
_LINE = 120

_DEFENCES = {
    1: "A chunk that no worker claims within a lease is released again: the ledger knows it.",
    2: "A claim is a lease. Jobs whose lease lapses are released again with the same requestIds.",
    3: "Celery redelivers the chunk of a dead child, and the claim is taken over at once. A job "
    "that has killed two workers gets a chunk of its own; after the third it is reconciled and "
    "dead-lettered.",
    4: "No call is sent without the limiter: jobs go back to the ledger. All processes reconnect.",
    5: "Every wait for Redis is bounded; a worker that gets no slot gives its jobs back.",
    6: "A missing marker in the broker shows its loss; queued jobs are released again at once.",
    7: "If publishing fails, the jobs stay due in the ledger; no acknowledgement is needed.",
    8: "Acceptance needs only the ledger.",
    9: "Jobs are queued in the ledger first; unpublished chunks are taken back, or lapse.",
    10: "No job waits in the broker: each wait is a due time in the ledger.",
    11: "A doubled message finds nothing to claim; a late reply is recorded and merged.",
    12: "The same bytes are resent under the same requestIds, which the API issues once.",
    13: "A stopping worker starts no call, finishes the running ones and gives the rest back.",
    14: "An unreadable message is logged and dropped; its jobs lapse and are released again.",
    15: "A call ends before its lease, the lease before the redelivery of the message. Successive "
    "calls without a reply suspend the account for all workers until a probe succeeds.",
    16: "Workers keep their outcomes, start no call, and record when the ledger is back.",
    17: "Releases, claims and redrives are compare-and-set: the second finds nothing to do.",
    18: "Leases and due times use only the ledger's clock, the limits only that of Redis.",
}

_PROOF = "Each test fails without its defence: [the list](chaos-defences.md)."
_HEAD = "| # | Hazard | Faults | Jobs | Lost | Doubled | In doubt | Recovered in (median, worst) |"
_RULE = "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |"


def write_report(records: Sequence[Record], command: str) -> str:
    """The whole report as Markdown."""
    introduction = _INTRODUCTION.format(
        command=command, date=f"{datetime.now(UTC):%Y-%m-%d}", machine=describe_machine()
    )
    tables = [_section(pair, records) for pair in dict.fromkeys(record.pair for record in records)]
    defences = "\n".join(f"{number}. {text}" for number, text in _DEFENCES.items())
    head = f"# Faults and their results\n\n{fold(introduction)}\n\n{_total(records)}\n"
    return "\n".join([head, *tables, f"## Protections\n\n{_PROOF}\n\n{defences}\n"])


def _section(pair: str, records: Sequence[Record]) -> str:
    return (
        f"## {pair.replace('+', ' + ')}\n\n{table([one for one in records if one.pair == pair])}\n"
    )


def fold(text: str) -> str:
    """Break a paragraph into lines, never within a word: a command's options have hyphens."""
    return textwrap.fill(text, _LINE, break_long_words=False, break_on_hyphens=False)


def describe_machine() -> str:
    """What the figures were measured on."""
    system = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({system})"


def table(records: Sequence[Record]) -> str:
    """Hazards as a Markdown table, with their sums."""
    rows = sorted(records, key=lambda record: record.number)
    return "\n".join([_HEAD, _RULE, *(_row(record) for record in rows), _row(_sums(records))])


def _total(records: Sequence[Record]) -> str:
    sums, pairs = _sums(records), len({record.pair for record in records})
    failed = sum(record.failed for record in records)
    return (
        f"**In all, on {pairs} {'pair' if pairs == 1 else 'pairs'} of ledger and broker: "
        f"{sums.faults:,} faults, {sums.jobs:,} jobs, "
        f"{sums.lost:,} lost, {sums.doubled:,} doubled, {sums.in_doubt:,} in doubt.**"
        + (f" **{failed} of {len(records)} did not pass.**" if failed else "")
    )


def _sums(records: Sequence[Record]) -> Record:
    sums = Record(0, "**all**", "")
    for record in records:
        sums.faults += record.faults
        sums.jobs += record.jobs
        sums.lost += record.lost
        sums.doubled += record.doubled
        sums.in_doubt += record.in_doubt
    return sums


def _row(record: Record) -> str:
    times = record.recovered
    recovered = f"{statistics.median(times):.1f} s, {max(times):.1f} s" if times else ""
    if record.failed:
        recovered = "**did not pass**"
    counts = (record.faults, record.jobs, record.lost, record.doubled, record.in_doubt)
    number = str(record.number) if record.number else ""
    return (
        f"| {number} | {record.title} | "
        + " | ".join(f"{count:,}" for count in counts)
        + f" | {recovered} |"
    )
