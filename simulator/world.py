"""The simulator's whole state, in memory."""

import json
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import count
from typing import IO, Any

from pydantic import TypeAdapter

from simulator.access import Authenticator
from simulator.account import Account
from simulator.catalogue import Catalogue, Profile
from simulator.delivery import Delivery
from simulator.faults import Fault, Faults
from simulator.malformation import malform
from simulator.planting import plant
from simulator.replies import JSON, Reply
from simulator.reward import Reward
from simulator.switches import Switches
from simulator.truth import Truth
from simulator.untidiness import untidy

FIRST_TRANSACTION = 300_001
JITTER = 0.2


class Serials:
    """Unique numbers and codes; a voucher's mixed case reveals reads that change it."""

    def __init__(self) -> None:
        self._transactions, self._vouchers, self._points = (
            count(FIRST_TRANSACTION),
            count(1),
            count(1),
        )
        self.run = secrets.token_hex(3)

    def transaction_id(self) -> int:
        """The next transaction's id."""
        return next(self._transactions)

    def voucher(self, reward: Reward) -> str:
        """A new voucher code, such as `Sim-1001-3fa2bc-1`; the middle part differs in every run."""
        return f"Sim-{reward.reward_id}-{self.run}-{next(self._vouchers)}"

    def points_reference(self) -> str:
        """A new id for a points redemption."""
        return f"p{next(self._points):06x}"


class World:
    """Accounts, switches, faults and the truth; `clock` is in epoch seconds."""

    def __init__(
        self,
        catalogue: Catalogue,
        switches: Switches,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalogues, self.switches, self.clock = catalogue.accounts, switches, clock
        self.authenticator = Authenticator(self._catalogues, clock)
        self.truth = Truth()
        self.faults = Faults(magic=catalogue.magic_customers)
        self.delivery = Delivery()
        self.serials, self._rng = Serials(), random.Random(0)
        self._build()

    def record_into(self, file: IO[str]) -> None:
        """Record all later events in a file, so that another process can replay them."""
        self.serials.run = secrets.token_hex(3)
        self.truth.write_to(file)
        self.truth.record(
            {"event": "start", "run": self.serials.run, "switches": asdict(self.switches)}
        )

    def reset(self) -> None:
        """Forget every call, customer, fault and changed reward; switches and tokens stay."""
        self.truth.clear()
        self.faults.clear()
        self._build()

    def _build(self) -> None:
        self.accounts = {
            catalogue.name: Account(catalogue, self.truth, self.serials)
            for catalogue in self._catalogues
        }
        self._untidy_rng = random.Random(self.switches.untidiness_seed)

    def account(self, name: str | None = None) -> Account:
        """An account, by default the first; raises KeyError if there is none of this name."""
        return self.accounts[name or self._catalogues[0].name]

    def change_reward(
        self, reward_id: int, changes: dict[str, Any], account: str | None = None
    ) -> None:
        """Change a reward's rules until the next reset; raises KeyError if it is unknown."""
        adapter, rewards = TypeAdapter(Reward), self.account(account).rewards
        current = adapter.dump_python(rewards[reward_id])
        rewards[reward_id] = adapter.validate_python({**current, **changes, "reward_id": reward_id})
        self.truth.record(
            {"event": "reward", "account": account, "rewardId": reward_id, "changes": changes}
        )

    def put_customer(self, raw: dict[str, Any], account: str | None = None) -> None:
        """Add or replace a customer until the next reset; raises ValidationError or KeyError."""
        self.account(account).directory.put(TypeAdapter(Profile).validate_python(raw))
        self.truth.record({"event": "customer", "account": account, "profile": raw})

    def plant(self, transaction_id: int, raw: dict[str, Any], account: str | None = None) -> None:
        """Show a transaction differently in reads; raises ValidationError or KeyError."""
        plant(self.account(account), transaction_id, raw)
        self.truth.record(
            {"event": "planted", "account": account, "transactionId": transaction_id, "plant": raw}
        )

    def change_switches(self, changes: dict[str, Any]) -> None:
        """Change switches for later calls; raises ValidationError."""
        self.switches = self.switches.changed(**changes)
        self.truth.record({"event": "switched", "switches": asdict(self.switches)})
        self._untidy_rng = random.Random(self.switches.untidiness_seed)

    def distort(self, reply: Reply, fault: Fault | None) -> Reply:
        """Rewrite the reply as the untidiness switch and the fault demand."""
        if self.switches.untidiness and reply.content_type == JSON and reply.body:
            body = untidy(json.loads(reply.body), self.switches.untidiness, self._untidy_rng)
            reply = replace(reply, body=json.dumps(body, separators=(",", ":")).encode())
        return malform(fault.kind, reply) if fault else reply

    def delay(self, fault: Fault | None) -> float:
        """How long the next reply takes, in seconds."""
        if fault is not None and fault.kind == "latency":
            return fault.seconds
        mean = self.switches.latency_seconds
        return mean * self._rng.uniform(1 - JITTER, 1 + JITTER) if mean else 0.0
