"""Jobs and lines, and the body that is frozen before the first send (design rule 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from pydantic_core import to_json

from issuance.customer import Customer


class Variant(StrEnum):
    """Which issue endpoint a job uses; it never changes for a requestId (rewards-api §5 item 7)."""

    SINGLE = "single"
    BULK = "bulk"
    CONNECTED = "connected"


class Lane(StrEnum):
    """Which queue a job travels in, so that a background request never waits behind a blast."""

    BLAST = "blast"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Line:
    """One reward for a customer inside a job; it owns the requestId."""

    request_id: str
    reward_id: int
    quantity: int = 1
    payment_config_id: int | None = None
    redemption_value: float | None = None
    org_id: int | None = None
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    points: float | None = None
    """What is paid, for a reward paid by conversion ratio; the value follows from it (rewards-api §7)."""
    source_line: int = field(default=0, compare=False)
    """1-based line of the campaign's file; 0 when the line came from no file."""


@dataclass(frozen=True, slots=True)
class Job:
    """One HTTP call's worth of work, ready to be accepted. `id` is the first line's requestId."""

    customer: Customer
    lines: tuple[Line, ...]
    variant: Variant
    body: bytes
    lane: Lane
    occurrence: int = 1
    generation: int = 1
    source_line: int = 0
    """The first line's; 0 when the job came from no file."""

    @property
    def id(self) -> str:
        """The job's id, also its `transactionNumber`."""
        return self.lines[0].request_id


def freeze_body(
    variant: Variant,
    customer: Customer,
    lines: tuple[Line, ...],
    *,
    brand: str,
    email_key: str,
    notes: str | None = None,
    event_log_id: str | None = None,
) -> bytes:
    """Build the bytes that every attempt of the job sends (rewards-api §3).

    Args:
        variant: the endpoint; `single` takes exactly one line and always issues one unit.
        customer: the identifier, sent as it is.
        lines: at least one; their requestIds differ (a repeated one would be refused with code
            400).
        brand: the brand's name.
        email_key: the JSON key of an e-mail address: the documentation spells it two ways (§3.2).
        notes: free text.
        event_log_id: the caller's correlation id.

    Raises:
        ValueError: a count of lines or units, or a missing `orgId`, that the endpoint cannot take.
    """
    if not lines or (len(lines) > 1 and len({line.request_id for line in lines}) != len(lines)):
        raise ValueError("A job has one or more lines, each with a requestId of its own")
    if any(line.quantity < 1 for line in lines):
        raise ValueError("A line asks for one unit or more: drop the line or raise its quantity")
    body: dict[str, Any] = {
        email_key if customer.kind == "email" else customer.kind: customer.value,
        "brand": brand,
        # The only field of ours that the reads show again (§8), so it must be unique for each job.
        "transactionNumber": lines[0].request_id,
    }
    match variant:
        case Variant.SINGLE:
            body |= _optional(notes=notes, eventLogId=event_log_id) | _single(lines)
        case Variant.BULK:
            body |= _optional(notes=notes, eventLogId=event_log_id)
            body["rewards"] = [_reward(line) for line in lines]
        case Variant.CONNECTED:
            body |= _optional(eventLogId=event_log_id) | _connected(lines, notes)
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(variant)
    return to_json(body)


def _single(lines: tuple[Line, ...]) -> dict[str, Any]:
    if len(lines) > 1:
        raise ValueError("The single endpoint takes one line a job: use the bulk endpoint")
    if lines[0].quantity > 1:
        raise ValueError(
            "The single endpoint issues one unit whatever is asked: use the bulk endpoint"
        )
    reward = _reward(lines[0])
    # rewardId travels in the path, and quantity would be read as a redemption value (§3.1).
    return {key: value for key, value in reward.items() if key not in ("rewardId", "quantity")}


def _connected(lines: tuple[Line, ...], notes: str | None) -> dict[str, Any]:
    orgs = dict.fromkeys(line.org_id for line in lines)
    if None in orgs:
        raise ValueError("The connected endpoint needs an orgId for every line")
    return {
        "orgLevelDetails": [{"orgId": org} | _optional(notes=notes) for org in orgs],
        "rewards": [_reward(line) | {"orgId": line.org_id} for line in lines],
    }


def _reward(line: Line) -> dict[str, Any]:
    reward: dict[str, Any] = {
        "rewardId": line.reward_id,
        "quantity": line.quantity,
        "requestId": line.request_id,
    }
    payment = _optional(
        id=line.payment_config_id, redemptionValue=line.redemption_value, points=line.points
    )
    if payment:
        reward["paymentConfig"] = payment
    if line.custom_fields:
        reward["customFields"] = dict(line.custom_fields)
    return reward


def _optional(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
