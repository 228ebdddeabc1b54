"""What outlives the simulator: its truth file, from which a new life does again what earlier lives have done."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.customers import identifier_in
from simulator.orders import elements_in
from simulator.revoking import cancel
from simulator.statuses import RefusalError
from simulator.submission import Submission
from simulator.switches import Switches
from simulator.world import World


@contextmanager
def remembered(world: World, path: Path) -> Iterator[None]:
    """Do again what the file tells of, and keep in it what happens from now on.

    Every line is written before what it tells of is answered, so that a SIGKILL costs at most half
    a line. Calls under requestIds, customers, limits, points, transactions and changed rewards come
    back; faults, tokens, counts of calls without an order and this life's own switches do not.

    Raises:
        OSError: the file cannot be read or written.
    """
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        line = "\n"
        own = world.switches
        for line in file:
            with suppress(json.JSONDecodeError):  # the half line of a killed life
                _do_again(world, json.loads(line))
        world.switches = own
        if not line.endswith("\n"):
            file.write("\n")
        world.begin_life(file)
        yield


def _do_again(world: World, event: dict[str, Any]) -> None:
    match event:
        case {"event": "start", "run": str() as run, "switches": dict() as switches}:
            world.serials.run = run
            world.switches = Switches().changed(**switches)
        case {"event": "switched", "switches": dict() as switches}:
            world.switches = Switches().changed(**switches)
        case {"event": "reset"}:
            world.reset()
        case {"event": "call"}:
            _process_again(world, Submission.from_json(event))
        case {"event": "revoked", "transactionId": int() as transaction_id}:
            if transaction := world.journal.find(transaction_id):
                cancel(world, transaction)
        case {"event": "reward", "rewardId": int() as reward_id, "changes": dict() as changes}:
            with suppress(KeyError):  # this life's catalogue has no such reward
                world.change_reward(reward_id, changes)
        case {"event": "customer", "profile": dict() as profile}:
            with suppress(ValidationError):
                world.put_customer(profile)


def _process_again(world: World, submission: Submission) -> None:
    body = submission.body if isinstance(submission.body, dict) else {}
    identifier = identifier_in(body)
    world.truth.received(identifier and identifier[1], elements_in(body, submission.reward_id))
    with suppress(RefusalError):
        submission.process(world)
