"""Faults on demand: which calls fail, and how (docs/reference/simulator.md describes the kinds)."""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, NonNegativeFloat, PositiveInt, TypeAdapter

from simulator.magic import MAGIC
from simulator.obstacles import Forced
from simulator.statuses import Status, status_of

STRICT = ConfigDict(extra="forbid")

Kind = Literal[
    "latency",
    "timeout_after_commit",
    "reset_before",
    "reset_after_commit",
    "429",
    "500_html",
    "502_html",
    "503",
    "504_html_after_commit",
    "401",
    "521",
    "truncated_json_after_commit",
    "empty_200",
    "empty_200_after_commit",
    "huge_body_after_commit",
    "gzip_bomb_after_commit",
    "wrong_types_after_commit",
    "array_after_commit",
    "deep_json_after_commit",
    "not_utf8_after_commit",
    "duplicate_keys_after_commit",
    "code",
    "outcome",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for one call.

    `seconds` applies to latency and `hold_seconds` to timeout_after_commit (default: the switch).
    `code`, `message` and the partner's pair apply to code and outcome. `units` applies to outcome
    8010: the number of units that are issued.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: Kind
    seconds: NonNegativeFloat = 1.0
    hold_seconds: NonNegativeFloat | None = None
    retry_after_seconds: int | None = None
    code: int = 0
    message: str | None = None
    partner_code: str | None = None
    partner_message: str = ""
    units: int = 1

    @property
    def status(self) -> Status:
        """The status of `code`, `outcome` and `521`; by default with the documented text."""
        code = 521 if self.kind == "521" else self.code
        partner = (self.partner_code, self.partner_message) if self.partner_code else None
        return status_of(code, self.message, partner)

    @property
    def forced(self) -> Forced | None:
        """The outcome that processing itself has to produce, so that the records stay true."""
        if self.kind != "outcome":
            return None
        return Forced(self.status, self.units if self.code == 8010 else None)  # noqa: PLR2004 - see Fault


def _expand(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


FaultLike = Annotated[Fault, BeforeValidator(_expand)]
Rate = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class NextCalls:
    """A fault for the next `count` calls whose path contains `path`; without it, issue calls."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    fault: FaultLike
    count: PositiveInt = 1
    path: str | None = None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The body of `POST /_faults`: `rates` replace the current ones, all else is added.

    `accounts` holds the fault that every call of an account meets until the plan is cleared.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    next: tuple[NextCalls, ...] = ()
    customers: dict[str, tuple[FaultLike, ...]] = field(default_factory=dict)
    accounts: dict[str, FaultLike] = field(default_factory=dict)
    rates: dict[Kind, Rate] = field(default_factory=dict)
    seed: int | None = None


def read_plan(raw: Any) -> FaultPlan:
    """Read a plan from parsed JSON; raises ValidationError that names each wrong field."""
    return TypeAdapter(FaultPlan).validate_python(raw)


MAGIC_FAULTS = TypeAdapter(dict[str, tuple[FaultLike, ...]]).validate_python(MAGIC)
SUFFIX_LENGTH = 4
ALWAYS = frozenset({"9109"})


class Faults:
    """Chooses at most one fault per call: planned, by account, customer, magic suffix or rate."""

    def __init__(self, *, magic: bool, seed: int = 0) -> None:
        self._magic = magic
        self._rng = random.Random(seed)
        self.clear()

    def clear(self) -> None:
        """Forget every planned fault and start the magic customers from their first call."""
        self._next: list[tuple[Fault, str | None, int]] = []
        self._customers: dict[str, deque[Fault]] = {}
        self._accounts: dict[str, Fault] = {}
        self._rates: dict[Kind, float] = {}
        self._magic_calls: Counter[str] = Counter()

    def add(self, plan: FaultPlan) -> None:
        """Add a plan."""
        self._next += [(item.fault, item.path, item.count) for item in plan.next]
        for customer, faults in plan.customers.items():
            self._customers.setdefault(customer, deque()).extend(faults)
        self._accounts |= plan.accounts
        if plan.rates:
            self._rates = plan.rates
        if plan.seed is not None:
            self._rng.seed(plan.seed)

    def choose(
        self, path: str, customer: str | None, account: str, *, issuing: bool
    ) -> Fault | None:
        """Take the fault for this call; reads only get those for their path or account."""
        if self._next and (fault := self._take_next(path, issuing=issuing)):
            return fault
        if self._accounts and (fault := self._accounts.get(account)):
            return fault
        if not issuing:
            return None
        if customer is not None and (fault := self._take_for(customer)):
            return fault
        return self._roll() if self._rates else None

    def pending(self) -> dict[str, Any]:
        """The faults still planned, as JSON."""
        return {
            "next": [
                {"kind": fault.kind, "path": path, "count": count}
                for fault, path, count in self._next
            ],
            "customers": {
                customer: [fault.kind for fault in faults]
                for customer, faults in self._customers.items()
                if faults
            },
            "accounts": {account: fault.kind for account, fault in self._accounts.items()},
            "rates": dict(self._rates),
        }

    def _take_next(self, path: str, *, issuing: bool) -> Fault | None:
        for index, (fault, wanted, count) in enumerate(self._next):
            if issuing if wanted is None else wanted in path:
                self._next[index : index + 1] = [(fault, wanted, count - 1)] if count > 1 else []
                return fault
        return None

    def _take_for(self, customer: str) -> Fault | None:
        if planned := self._customers.get(customer):
            return planned.popleft()
        if not self._magic:
            return None
        suffix = customer.partition("@")[0][-SUFFIX_LENGTH:]
        faults = MAGIC_FAULTS.get(suffix)
        if faults is None:
            return None
        call = self._magic_calls[customer]
        self._magic_calls[customer] += 1
        if suffix in ALWAYS:
            return faults[0]
        return faults[call] if call < len(faults) else None

    def _roll(self) -> Fault | None:
        roll = self._rng.random()
        for kind, rate in self._rates.items():
            if roll < rate:
                return Fault(kind)
            roll -= rate
        return None
