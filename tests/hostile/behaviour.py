"""What the stub does to a call: faults, their shares among the customers, and switches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Self

_HASH_RANGE = 2**64


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a call instead of a plain answer.

    Attributes:
        kind: `plain` (only slow), `reset` (TCP reset), `close` (closed without an answer), `html`
            (a page), `empty` (a status without a body), `cut` (JSON that ends too early),
            `gateway` (JSON without a `status`) or `readable` (a body with `code`).
        commits: issue before this happens. A plain answer always does.
        http_status: of the answer, except for `plain` and `cut`.
        code: the body's code, for `readable`.
        retry_after: the `Retry-After` header in seconds.
        seconds: how long the call hangs first.
        calls: strike that many first calls of a requestId; None strikes every call.
    """

    kind: str
    commits: bool = False
    http_status: int = 500
    code: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    calls: int | None = 1

    def strikes(self, earlier_calls: int) -> bool:
        """Whether it meets a requestId that has been called this often before."""
        return self.calls is None or earlier_calls < self.calls


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The stub's switches. The same seed gives every customer the same fault in every run.

    Attributes:
        seed: of the draw that gives customers their faults.
        latency_seconds: of every answer.
        replay: what a repeated requestId is answered: the `original` answer, or the `delta` that
            this call adds (`quantity` 0).
        shares: pairs of a share of the customers and their fault.
        customers: faults of single customers, by identifier; these win over `shares`.
        rewards: faults of whole rewards, by id as text; these win over `shares`.
        outage: meets every issue call while it is set.
        reads: meets every read while it is set.
    """

    seed: int = 1
    latency_seconds: float = 0.02
    replay: str = "original"
    shares: Sequence[tuple[float, Fault]] = ()
    customers: Mapping[str, Fault] = field(default_factory=dict)
    rewards: Mapping[str, Fault] = field(default_factory=dict)
    outage: Fault | None = None
    reads: Fault | None = None

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Read changes as they come in JSON; raises TypeError for an unknown name."""
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        return type(self)(**known | {name: _read(name, value) for name, value in changes.items()})

    def fault_of(self, customer: str, reward_ids: Sequence[str], calls: int) -> Fault | None:
        """The fault that meets an issue call; `calls` counts the earlier ones of its requestId."""
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
