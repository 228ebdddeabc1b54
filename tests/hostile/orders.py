"""Issue requests, parsed by the stub: one customer, one or more lines (rewards-api §3)."""

import json
from dataclasses import dataclass
from typing import Any

_IDENTIFIERS = ("mobile", "email", "emailId", "externalId")


@dataclass(frozen=True, slots=True)
class Line:
    """One reward of a call."""

    request_id: str
    reward_id: str
    wanted: int


@dataclass(frozen=True, slots=True)
class Order:
    """One call.

    Attributes:
        customer: the identifier's value.
        reference: the `transactionNumber`.
        lines: one for each reward.
        single: the call came to the endpoint with one reward in its path.
        body: the bytes as they came.
    """

    customer: str
    reference: str
    lines: tuple[Line, ...]
    single: bool
    body: bytes

    @property
    def reward_ids(self) -> list[str]:
        """Return the ids of its rewards, as text."""
        return [line.reward_id for line in self.lines]


def read_order(body: bytes, reward_id: str | None) -> Order:
    """Parse a call's body; `reward_id` is from the single endpoint's path."""
    fields = json.loads(body)
    customer = next(str(fields[name]) for name in _IDENTIFIERS if fields.get(name))
    elements = fields["rewards"] if reward_id is None else [{**fields, "rewardId": reward_id}]
    lines = tuple(_line(element, single=reward_id is not None) for element in elements)
    reference = str(fields["transactionNumber"])
    return Order(customer, reference, lines, single=reward_id is not None, body=body)


def _line(element: dict[str, Any], *, single: bool) -> Line:
    wanted = 1 if single else int(element.get("quantity") or 1)
    return Line(element["requestId"], str(element["rewardId"]), wanted)
