"""The simulator's book as its file keeps it, which survives the simulator: one part for each of its lives."""

import json
from collections import Counter
from pathlib import Path

from console.books import Issued, compare
from ledger.balance import Balance
from tests.e2e.processes import await_that
from tests.e2e.system import System

Life = dict[str, Issued]


def read_lives(path: Path) -> list[Life]:
    """What each life of the simulator has issued, by requestId."""
    lives: list[Life] = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["event"] == "start":
            lives.append({})
            continue
        known = lives[-1].get(entry["requestId"], Issued())
        lives[-1][entry["requestId"]] = Issued(known.units + 1, known.vouchers | {entry["voucher"]})
    return lives


def wait_settled_over_lives(system: System, campaign: str, seconds: float) -> Balance:
    """`System.wait_settled` where the simulator has not lived all the time.

    It forgets its requestIds when it ends, so a killed one issues again what it had issued and not yet answered.
    Only that may be there twice, and only where the ledger knows of a call without an answer.
    """
    final = await_that(f"{campaign} is settled", lambda: _settled(system, campaign), seconds)
    lives = read_lives(system.home / "truth.jsonl")
    books = compare(system.ledger, campaign, {key: issued for life in lives for key, issued in life.items()})
    assert (books.double, books.lost, books.invented, final.balanced) == ([], [], [], True)
    attempts = {line.request_id: line.attempts for line in system.lines(campaign)}
    twice = [key for key, times in Counter(key for life in lives for key in life).items() if times > 1]
    assert [key for key in twice if attempts.get(key, 2) < 2] == []
    return final


def _settled(system: System, campaign: str) -> Balance | None:
    found = system.balance(campaign)
    return None if found.unsettled else found
