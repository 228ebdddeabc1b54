"""The report of a run: what was struck, what came of it, and what protects against it."""

import os
import platform
import statistics
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.chaos.record import Record

_INTRODUCTION = (
    "Written by `{command}` on {date}, on a machine with {machine}. Each hazard strikes a running system again and "
    "again in the middle of blasts: real processes, a real broker, a real ledger, a simulated API with a book of its "
    "own. After each hazard both books are compared requestId by requestId. *Lost* counts jobs without an end or with "
    "units that the ledger does not know, *doubled* requestIds with more units than asked for, *in doubt* jobs that "
    "are left to an operator. *Recovered* is the time from the end of the fault until the system goes on; the lease "
    "is 5 s here (120 s by default), a call takes at most 2 s."
)
_LINE = 120

_DEFENCES = {
    1: "A chunk that nobody claims within a lease is released again: the ledger knows what is on its way.",
    2: "A claim is a lease. What lapses is released again, with the same requestIds.",
    3: "Celery delivers the chunk of a dead child again, and the claim is taken over at once. A job that has cost two "
    "workers travels alone, after the third it is looked up and dead-lettered.",
    4: "Without limits nothing is sent: jobs go back to the ledger. Everything reconnects by itself.",
    5: "Every wait for Redis is bounded; what cannot ask for its slot goes back to the ledger.",
    6: "A mark in the broker tells that it was emptied: what was queued is released again at once.",
    7: "Publishing that fails leaves the jobs due in the ledger; nothing depends on an acknowledgement.",
    8: "Acceptance needs the ledger alone.",
    9: "Jobs are queued in the ledger first; those of chunks that could not be published are taken back, or lapse.",
    10: "No wait is in the broker: each is a due time in the ledger.",
    11: "A doubled message finds nothing to claim; a late reply is recorded, and merged with what stands.",
    12: "The same bytes are sent again under the same requestIds, which the API issues once.",
    13: "Who is told to stop starts no call, ends those under way and gives the rest back.",
    14: "What no worker understands is logged and dropped; its jobs lapse and are released again.",
    15: "A call ends before its lease, the lease before the message comes back. Calls without answers in a row close "
    "the account for all workers, and probes open it again.",
    16: "Workers keep the outcomes they have, start no new call, and record when the ledger is back.",
    17: "Releases, claims and redrives are compare-and-set: the second finds nothing to do.",
    18: "Leases and due times are told by the ledger's clock alone, the limits by that of Redis.",
}

_PROOF = "Each test was seen to fail without its defence: [the list](chaos-defences.md)."
_HEAD = "| # | Hazard | Faults | Jobs | Lost | Doubled | In doubt | Recovered in (median, worst) |"
_RULE = "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |"


def write_report(records: Sequence[Record], command: str) -> str:
    """The whole report as Markdown."""
    introduction = _INTRODUCTION.format(
        command=command, date=f"{datetime.now(UTC):%Y-%m-%d}", machine=describe_machine()
    )
    tables = [_section(pair, records) for pair in dict.fromkeys(record.pair for record in records)]
    defences = "\n".join(f"{number}. {text}" for number, text in _DEFENCES.items())
    head = f"# Faults, and what came of them\n\n{fold(introduction)}\n\n{_total(records)}\n"
    return "\n".join([head, *tables, f"## What protects\n\n{_PROOF}\n\n{defences}\n"])


def _section(pair: str, records: Sequence[Record]) -> str:
    return (
        f"## {pair.replace('+', ' + ')}\n\n{table([one for one in records if one.pair == pair])}\n"
    )


def fold(text: str) -> str:
    """Break a paragraph into lines, never within a word: a command's options have hyphens."""
    return textwrap.fill(text, _LINE, break_long_words=False, break_on_hyphens=False)


def describe_machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}, Python {platform.python_version()})"


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
