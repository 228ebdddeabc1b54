"""The stub's behaviour: faults, the share of customers that meets each, and switches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Self

_HASH_RANGE = 2**64


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of a call.

    Attributes:
        kind: `plain` (only slow), `reset` (TCP reset), `close` (closed without a reply), `html`
            (a page), `empty` (a status without a body), `redirect` (to a host that does not exist),
            `cut` (JSON that ends too early), `gateway` (JSON without a `status`) or `readable` (a
            body with `code`).
        commits: whether the reward is issued first. A plain reply always issues it.
        http_status: of the answer, except for `plain` and `cut`.
        code: the body's code, for `readable`.
        retry_after: the `Retry-After` header in seconds.
        seconds: how long the call hangs first.
        calls: the number of first calls of a requestId that fail; None for every call.
    """

    kind: str
    commits: bool = False
    http_status: int = 500
    code: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    calls: int | None = 1

    def strikes(self, earlier_calls: int) -> bool:
        """Return whether a requestId with this many earlier calls meets the fault."""
        return self.calls is None or earlier_calls < self.calls


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The stub's switches. The same seed gives every customer the same fault in every run.

    Attributes:
        seed: for drawing the customers' faults.
        latency_seconds: of every reply.
        replay: the reply to a repeated requestId: the `original` one, or the `delta` that this
            call adds (`quantity` 0).
        shares: pairs of a share of the customers and their fault.
        customers: faults of single customers, by identifier; they override `shares`.
        rewards: faults of whole rewards, by id as text; they override `shares`.
        outage: the fault of every issue call while it is set.
        reads: the fault of every read while it is set.
        header_bytes: size of one header field of every reply, as an edge adds it.
        headers: number of further small header fields of every reply.
    """

    seed: int = 1
    latency_seconds: float = 0.02
    replay: str = "original"
    shares: Sequence[tuple[float, Fault]] = ()
    customers: Mapping[str, Fault] = field(default_factory=dict)
    rewards: Mapping[str, Fault] = field(default_factory=dict)
    outage: Fault | None = None
    reads: Fault | None = None
    header_bytes: int = 0
    headers: int = 0

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changes given as JSON; raises TypeError for an unknown name."""
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        return type(self)(**known | {name: _read(name, value) for name, value in changes.items()})

    def fault_of(self, customer: str, reward_ids: Sequence[str], calls: int) -> Fault | None:
        """Return the fault of an issue call; `calls` is the number of earlier ones."""
        if self.outage is not None:
            return self.outage
        named = [self.customers.get(customer), *map(self.rewards.get, reward_ids)]
        fault = next(filter(None, named), None) or self._drawn(customer)
        return fault if fault is not None and fault.strikes(calls) else None

    def _drawn(self, customer: str) -> Fault | None:
        digest = sha256(f"{self.seed}:{customer}".encode()).digest()
        left = int.from_bytes(digest[:8]) / _HASH_RANGE
        for share, fault in self.shares:
            if left < share:
                return fault
            left -= share
        return None


def _read(name: str, value: Any) -> Any:
    if name in ("customers", "rewards"):
        return {key: Fault(**fault) for key, fault in value.items()}
    if name == "shares":
        return [(share, Fault(**fault)) for share, fault in value]
    if name in ("outage", "reads"):
        return None if value is None else Fault(**value)
    return value
