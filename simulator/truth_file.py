"""The truth file: events that outlive the process and are replayed at the next start."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.revocation import cancel
from simulator.statuses import RefusalError
from simulator.submission import Submission
from simulator.switches import Switches
from simulator.truth import Arrival
from simulator.world import World


@contextmanager
def restored(world: World, path: Path) -> Iterator[None]:
    """Restore the state that the file describes, then record all later events in it.

    Each event is written before its reply is sent, so that a SIGKILL costs at most an incomplete
    last line. Requests, customers, limits, points, transactions and changed rewards are restored;
    faults, tokens, counts of calls without an order and this process's own switches are not.

    Raises:
        OSError: the file cannot be read or written.
    """
    with open(path, "a+", encoding="utf-8", opener=_open_private) as file:
        file.seek(0)
        line = "\n"
        own = world.switches
        for line in file:
            with suppress(json.JSONDecodeError):  # the incomplete last line of a killed process
                _replay(world, json.loads(line))
        world.switches = own
        if not line.endswith("\n"):
            file.write("\n")
        world.record_into(file)
        yield


def _open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read; an older one is closed to others."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    return descriptor


def _replay(world: World, event: dict[str, Any]) -> None:
    match event:
        case {"event": "start", "run": str() as run, "switches": dict() as switches}:
            world.serials.run = run
            world.switches = Switches().changed(**switches)
        case {"event": "switched", "switches": dict() as switches}:
            world.switches = Switches().changed(**switches)
        case {"event": "reset"}:
            world.reset()
        case {"event": "call"}:
            _replay_call(world, Submission.from_json(event))
        case {"event": "revoked", "transactionId": int() as transaction_id}:
            for account in world.accounts.values():
                if transaction := account.journal.find(transaction_id):
                    cancel(world, transaction)
        case _:
            with suppress(ValidationError, KeyError):  # the current catalogue may lack it
                _replay_change(world, event)


def _replay_change(world: World, event: dict[str, Any]) -> None:
    account = event.get("account")
    match event:
        case {"event": "reward", "rewardId": int() as reward_id, "changes": dict() as changes}:
            world.change_reward(reward_id, changes, account)
        case {"event": "planted", "transactionId": int() as transaction_id, "plant": dict() as raw}:
            world.plant(transaction_id, raw, account)
        case {"event": "customer", "profile": dict() as profile}:
            world.put_customer(profile, account)


def _replay_call(world: World, submission: Submission) -> None:
    body = submission.body if isinstance(submission.body, dict) else {}
    with suppress(RefusalError, KeyError):  # the current catalogue may have no such account
        account = world.account(submission.account).name
        world.truth.received(Arrival(account, body, submission.reward_id, submission.digest))
        submission.process(world)
