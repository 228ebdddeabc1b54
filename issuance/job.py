"""Jobs and lines, and the body that is frozen before the first send (design rule 2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from issuance.customer import Customer
from issuance.endpoint import Variant

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
NO_ORGS: Mapping[int, Mapping[str, Any]] = MappingProxyType({})


class Lane(StrEnum):
    """The queues for jobs, separate so that a background request never waits behind a blast."""

    BLAST = "blast"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Line:
    """One reward for a customer, as part of a job; each line has its own requestId."""

    request_id: str
    reward_id: int
    """0 if the reward is named by its external id."""
    quantity: int = 1
    org_id: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of this reward in the body, with the API's names and nesting."""
    source_line: int = field(default=0, compare=False)
    """1-based line number in the campaign's file; 0 if there is no file."""
    reward_external_id: str | None = None


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
    """The first line's; 0 if there is no file."""
    scope: str | None = None
    """DATA-SCOPE of the call: `SELF`, or `OTHER:ID[,ID]` with the organisations' ids; None: the
    account's setting."""
    transaction_number: str | None = None
    """Given by the caller; None: the id is the `transactionNumber`."""
    traceparent: str | None = None
    """The W3C trace context of its acceptance; None: it is not traced. No part of the job."""

    @property
    def id(self) -> str:
        """The first line's requestId."""
        return self.lines[0].request_id


def freeze_body(
    variant: Variant,
    customer: Customer,
    lines: tuple[Line, ...],
    *,
    brand: str,
    email_key: str,
    fields: Mapping[str, Any] = NO_FIELDS,
    org_fields: Mapping[str, Any] = NO_FIELDS,
    orgs: Mapping[int, Mapping[str, Any]] = NO_ORGS,
    transaction_number: str | None = None,
) -> bytes:
    """Build the bytes that every attempt of the job sends (rewards-api §3).

    Args:
        variant: the endpoint.
        customer: the identifier, sent unchanged.
        lines: at least one; their requestIds differ (the API refuses a repeated one with code 400).
        brand: the brand's name.
        email_key: the JSON key of an e-mail address.
        fields: fields that apply to all rewards, with the API's names and nesting.
        org_fields: fields of each organisation; they apply to all rewards where the endpoint's body
            has no organisations.
        orgs: by organisation, fields that replace those in `org_fields`.
        transaction_number: unique to the job; None: the first line's requestId.

    Raises:
        ValueError: the endpoint cannot take this many lines or units, or lines without `orgId`.
    """
    _check(variant, lines)
    body: dict[str, Any] = {
        email_key if customer.kind == "email" else customer.kind: customer.value,
        "brand": brand,
        # The only one of our fields that the reads show (§8), so it must be unique for each job.
        "transactionNumber": transaction_number or lines[0].request_id,
    }
    endpoint = variant.endpoint
    if endpoint.needs_org:
        body |= fields
        body["orgLevelDetails"] = [
            {"orgId": org, **org_fields, **(orgs.get(org, NO_FIELDS) if orgs else NO_FIELDS)}
            for org in _orgs(lines)
        ]
        body["rewards"] = [{**_reward(line), "orgId": line.org_id} for line in lines]
        return to_json(body)
    body |= org_fields
    body |= fields
    if endpoint.flat:
        # rewardId is in the path, and quantity would be read as a redemption value (§3.1).
        body["requestId"] = lines[0].request_id
        body |= lines[0].fields
    else:
        body["rewards"] = [_reward(line) for line in lines]
    return to_json(body)


def _orgs(lines: tuple[Line, ...]) -> Iterable[int]:
    return dict.fromkeys(line.org_id for line in lines if line.org_id is not None)


def _reward(line: Line) -> dict[str, Any]:
    is_named = line.reward_external_id is not None
    return {
        "rewardExternalId" if is_named else "rewardId": line.reward_external_id or line.reward_id,
        "quantity": line.quantity,
        "requestId": line.request_id,
        **line.fields,
    }


def _check(variant: Variant, lines: tuple[Line, ...]) -> None:
    if not lines or (len(lines) > 1 and len({line.request_id for line in lines}) != len(lines)):
        raise ValueError("A job has one or more lines, each with a requestId of its own")
    endpoint = variant.endpoint
    if endpoint.max_lines is not None and len(lines) > endpoint.max_lines:
        raise ValueError(f"The {variant} endpoint takes {endpoint.max_lines} line(s) a job")
    for line in lines:
        if line.quantity < 1:
            raise ValueError(
                "A line asks for one unit or more: drop the line or raise its quantity"
            )
        if endpoint.max_units is not None and line.quantity > endpoint.max_units:
            raise ValueError(
                f"The {variant} endpoint issues {endpoint.max_units} unit(s) whatever is asked"
            )
        if endpoint.reward_in_path and line.reward_external_id is not None:
            raise ValueError(f"The {variant} endpoint needs a rewardId, which is in its path")
        if endpoint.needs_org and line.org_id is None:
            raise ValueError(f"The {variant} endpoint needs an orgId for every line")
